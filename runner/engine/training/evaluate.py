"""How a network does on a part: its losses, its metrics, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.field import DataError, Facts
from nnrun.registry.modules.chance import Dice
from nnrun.runner.compiler.memory.needs import values_of
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.precision import mixed
from nnrun.runner.engine.training.objective import Losses, Meters
from nnrun.runner.engine.training.written import Written
from nnrun.runner.engine.world.world import ALONE, World, on

LARGE, ROOM = 256, 8 << 20
"""Examples at once where no gradient is wanted, if the values of so many take no more than so many bytes; else a batch of the spec, for
which there is memory already. Larger batches of a spec stay as they are."""

Look = Callable[[Tensor, Mapping[str, Tensor], Batch], None]
"""Is shown (rows, values, batch) of each batch that is judged."""


class Evaluator:
    """Judges the network of a plan."""

    def __init__(
        self,
        network: Network,
        plan: Plan,
        facts: Mapping[str, Facts],
        device: torch.device,
        ticks: Mapping[str, int] | None = None,
        world: World = ALONE,
    ) -> None:
        assert plan.spec.train is not None
        self.world = world
        self.network, self.device, self.precision = network, device, plan.spec.train.precision
        self.batch_size = max(plan.spec.train.batch_size, LARGE if LARGE * values_of(plan, ticks or {}) <= ROOM else 1)
        self.losses, self.meters, self.written = Losses(plan, facts).to(device), Meters(plan, facts, device), Written(plan, facts)
        self.dice = Dice(plan.spec.train.seed, device)
        self.wanted = tuple(dict.fromkeys((*self.losses.wanted, *self.meters.wanted)))

    @torch.no_grad()
    def loss(self, batch: Batch) -> float:
        """The loss of one batch, as in inference."""
        self.network.eval()
        with self._elsewhere(), mixed(self.device, self.precision):
            return float(self.losses.total(self.losses.means(self.losses.sums(self._values(batch, 0), batch))))

    @torch.no_grad()
    def evaluate(self, part: Part, name: str, sheet: Sheet | None = None, look: Look | None = None) -> dict[str, float]:
        """Loss and metrics over a part, as `name/loss`, `name/accuracy` and so on. What was answered is written into `sheet`.

        Raises: DataError if nothing in the part counts in a loss, which would look best.
        """
        self.network.eval()
        sums: list[list[tuple[Tensor, Tensor]]] = []
        with self._elsewhere():
            for rows, batch, values in self._answers(part):
                with mixed(self.device, self.precision):
                    sums.append(self.losses.sums(values, batch))
                self.meters.update(values, batch)
                if look is not None:
                    look(rows, values, batch)
                if sheet is not None:
                    sheet.add(rows, values, batch, self.losses.each(values, batch))
        totals = [(sum(total for total, _ in loss), sum(weight for _, weight in loss)) for loss in zip(*sums, strict=True)]
        for comparison, (_, weight) in zip(self.losses.comparisons, totals, strict=True):
            if not weight:
                what = f"nothing in the {name} part counts in the loss `{comparison}`: its targets are missing, or have the weight 0"
                raise DataError(what, "look at `split` under `data`")
        told = self.losses.told(self.losses.means(totals)).tolist()
        figures = {f"{name}/{label}": figure for label, figure in self.losses.figures(told).items()}
        figures |= {f"{name}/{label}": figure for label, figure in self.meters.compute().items()}
        return figures | self.written.judge(self.network, part, self.device, name, self.batch_size, sheet)

    def _answers(self, part: Part) -> Iterator[tuple[Tensor, Batch, dict[str, Tensor]]]:
        """Rows, batches and values of a part, in order. Each of many processes computes a batch in turn, and has what the others did."""
        if self.network.memory is not None:  # each window goes on from the one before
            yield from (self._answer(part, rows, number) for number, rows in enumerate(part.streams(1)))
            return
        every = part.rows_in_order(self.batch_size)
        for start in range(0, len(every), self.world.size):
            turn = every[start : start + self.world.size]
            if len(turn) == 1:
                yield self._answer(part, turn[0], start)
                continue
            own = self._answer(part, turn[self.world.rank], start + self.world.rank) if self.world.rank < len(turn) else None
            made = {name: value for name, value in own[2].items() if name not in part.values} if own is not None else {}
            for rank, (rows, others) in enumerate(zip(turn, self.world.gathered(made), strict=False)):
                if rank == self.world.rank and own is not None:
                    yield own
                else:
                    batch = part.batch(rows).to(self.device)
                    known = {name: batch.values[name] for name in self.wanted if name in batch.values}
                    yield rows, batch, {**known, **on(self.device, others)}

    def _answer(self, part: Part, rows: Tensor, number: int) -> tuple[Tensor, Batch, dict[str, Tensor]]:
        batch = part.batch(rows).to(self.device)
        with mixed(self.device, self.precision):
            return rows, batch, self._values(batch, number)

    def _values(self, batch: Batch, number: int) -> dict[str, Tensor]:
        """Those of the batch of this number in a part; what is drawn depends on it alone, so that all evaluations draw the same."""
        self.dice.begin(-1 - number)  # steps of the training count from 1
        with self.dice:
            values: dict[str, Tensor] = self.network(batch, self.wanted)
        return values

    def _elsewhere(self) -> Any:
        """What training remembers of its streams is put aside while a judgement reads others."""
        return nullcontext() if self.network.memory is None else self.network.memory.elsewhere()
