"""Samples of an energy network, and patterns of which a part is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.field import DataError, Facts, Field, naming
from nnrun.registry.modules.groups import Bipolar, Categorical
from nnrun.registry.training import Storage
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.energy.gibbs import Sampler, dice
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.energy.recall import asynchronous
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.tiles import framing, tiles

Columns = Mapping[str, Sequence[Any]]
"""Rows of some fields; what is missing in a row is None."""


class Generator:
    """Draws from the energy network of a plan that the data clamps first."""

    def __init__(self, network: Network, plan: Plan, facts: Mapping[str, Facts]) -> None:
        self.facts = facts
        net = next(net for net in plan.nets if net.fed)
        self.machine: Machine = network.machines[next(iter(net.groups))]
        sources = {op.name: op.inputs[0].value for op in plan.ops if op.name in net.fed}
        self.groups = {value: name for name, value in sources.items() if value in plan.fields}
        """The group that each field clamps."""
        self.fields: Mapping[str, Field] = plan.fields
        train = plan.spec.train
        self.remembers = train is not None and isinstance(train.learner, Storage)

    def draw(self, count: int, given: Columns, sweeps: int, temperature: float | None, seed: int) -> dict[str, Tensor]:
        """States of the clamped groups by field, (n, N): samples after so many sweeps, or at temperature 0 where running downhill ends.

        Units that `given` knows stay as they are. Without a temperature it is 0 for a memory and 1 for any other network.
        Raises: DataError.
        """
        start, held = self._given(given)
        rows = len(next(iter(start.values()))) if start else count
        sampler = Sampler(self.machine, dice(torch.Generator().manual_seed(seed)), held)
        states = sampler.begin(rows)
        for name, known in held.items():
            states[name] = torch.where(known, start[name], states[name])
        temperature = temperature if temperature is not None else 0.0 if self.remembers else 1.0
        with torch.no_grad():
            if temperature == 0:
                states = asynchronous(self.machine, states, held, sweeps).states
            else:
                sampler.sweep(states, self.machine.net.phase(()), 1 / temperature, sweeps)
        return {field: states[name] for field, name in self.groups.items()}

    def rows(self, drawn: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """Drawn states in the units and names of the data."""
        columns = {field: self._read(field, states) for field, states in drawn.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def picture(self, drawn: Mapping[str, Tensor]) -> bytes:
        """The first field of pictures, side by side, as PNG. Raises: DataError if there is none."""
        for field, states in drawn.items():
            frame = framing(self.machine.net.groups[self.groups[field]])
            if frame is not None:
                return tiles((states + 1) / 2 if isinstance(self.machine.groups[self.groups[field]], Bipolar) else states, frame)
        raise DataError("the network draws no pictures", "`--output FILE.json` takes any values")

    def _given(self, given: Columns) -> tuple[States, dict[str, Tensor]]:
        """The states that are known, and where."""
        states, held = {}, {}
        for field, column in given.items():
            if field not in self.groups:
                listed = ", ".join(f"`{name}`" for name in self.groups)
                raise DataError(f"`{field}` clamps no group of the network", f"the fields that do are {listed}")
            name = self.groups[field]
            group = self.machine.groups[name]
            with naming(field):
                values, known = self._encoded(field, column)
            states[name] = group.state(values)
            if isinstance(group, Categorical) and known.shape[1:].numel() == 1:
                known = known.reshape(-1, 1).expand(-1, group.size)
            held[name] = known.reshape(len(known), -1)
            if held[name].shape != states[name].shape:
                raise DataError(f"`{field}` holds {held[name].shape[1]} numbers in a row, where {states[name].shape[1]} are wanted")
        return states, held

    def _encoded(self, field: str, column: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """A column as the network sees it, and which of its values are known."""
        config, facts = self.fields[field], self.facts[field]
        classes = facts.get("classes")
        if classes is not None:
            known = [value is not None for value in column]
            filled = [value if value is not None else classes[0] for value in column]
            return torch.from_numpy(config.encode(filled, facts).values).long(), torch.tensor(known)
        whole = next((row for row in column if row is not None), None)
        if whole is None:  # nothing is known of any row
            axes = [int(size) for size in config.shape(field, facts).axes]
            return torch.zeros(len(column), *axes), torch.zeros(len(column), *axes, dtype=torch.bool)
        try:
            missing = np.full(np.shape(whole), np.nan).tolist()
            numbers = np.array([_numbers(missing if row is None else row) for row in column], dtype="float32")
        except (TypeError, ValueError):
            raise DataError("takes a list of numbers in each row, with null where a value is missing") from None
        encoded = config.encode(config.received(np.nan_to_num(numbers), facts), facts).values
        return torch.from_numpy(encoded).float(), torch.from_numpy(~np.isnan(numbers))

    def _read(self, field: str, states: Tensor) -> list[Any]:
        name = self.groups[field]
        group, units = self.machine.groups[name], self.machine.net.groups[name]
        facts = self.facts[field]
        if isinstance(group, Categorical) and facts.get("classes") is not None:
            return self.fields[field].decode(states.argmax(1).numpy(), facts)
        framed = framing(units) is not None
        values = (states + 1) / 2 if framed and isinstance(group, Bipolar) else states
        axes = [size for size in units.axes if isinstance(size, int)]
        return self.fields[field].decode(values.reshape(len(values), *axes).numpy(), facts)


def _numbers(row: Any) -> Any:
    """Nested lists with not-a-number in the place of None."""
    return [_numbers(item) for item in row] if isinstance(row, list) else np.nan if row is None else float(row)
