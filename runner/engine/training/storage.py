"""Storing patterns at once, and how well they are recalled."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from nnrun.registry.modules.groups import Gaussian
from nnrun.registry.training import Storage
from nnrun.runner.compiler.energy.learners import trained_nets
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.energy.memories import Lattice, Slots
from nnrun.runner.engine.network.clamp import learned_rows
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.energy import recollections
from nnrun.runner.engine.pictures.tiles import framing
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.learner import Budget, Judged, Learner
from nnrun.runner.engine.world.world import ALONE, World

LEVELS = tuple(range(0, 51, 5))
"""Per cent of the numbers of a pattern that are wrong in its cue."""

USUAL = 10
"""Per cent that are wrong where only one figure is asked for."""

CUES = 500
"""Most patterns that are recalled for a figure."""

LOADS = 10
"""Numbers of stored patterns that are tried, up to all of them."""


class Storing(Learner[Tensor]):
    """Stores the training part in one step.

    Figures: `recall/overlap` and `recall/exact` over the per cent of wrong numbers, `load/overlap` and `load/exact` over the number of
    stored patterns with 10 % wrong, and `energy/rises`, which must be 0. Raises: DataError for too few slots, or numbers that
    the units do not hold.
    """

    def __init__(self, network: Network, plan: Plan, data: Dataset, device: torch.device, world: World = ALONE) -> None:
        assert plan.spec.train is not None
        assert isinstance(plan.spec.train.learner, Storage)
        super().__init__(network, plan, data, device, Budget(1, 1, 1), Best("train/overlap", higher=True, chooses=False), world)
        (net,) = trained_nets(self.train, plan.nets)
        machine = network.machines[next(iter(net.groups))]
        (name,) = net.fed
        self.patterns = learned_rows(network, machine, data.train, device)[name]
        is_modern = isinstance(machine.groups[name], Gaussian)
        self.memory = Slots(machine, name) if is_modern else Lattice(machine, name, plan.spec.train.learner)
        self.frame = framing(net.groups[name])

    def batches(self, epoch: int, first: int = 0) -> Iterator[Tensor]:
        if not first:
            yield self.patterns

    def step(self, number: int, batch: Tensor, due: bool) -> float | None:
        self.memory.hold(batch)
        return None

    def judge(self, step: int) -> Judged | None:
        """Recall from corrupted cues. All patterns are stored again at the end."""
        if not step:
            return None
        generator = torch.Generator().manual_seed(self.train.seed)
        curves: list[tuple[int, dict[str, float]]] = []
        rises = 0
        for load in sorted({max(1, round(len(self.patterns) * part / LOADS)) for part in range(1, LOADS + 1)}):
            self.memory.hold(self.patterns[:load])
            alike, exact, rose = self._recalled(self.patterns[:load], USUAL, generator)
            curves.append((load, {"load/overlap": alike, "load/exact": exact}))
            rises += rose
        figures: dict[str, float] = {}
        for level in LEVELS:
            alike, exact, rose = self._recalled(self.patterns, level, generator)
            curves.append((level, {"recall/overlap": alike, "recall/exact": exact}))
            rises += rose
            if level == USUAL:
                figures = {"train/overlap": alike, "train/exact": exact}
        figures["energy/rises"] = float(rises)
        return Judged(figures, curves, pictures=tuple(self._pictures(generator)))

    def _pictures(self, generator: torch.Generator) -> Iterator[tuple[str, int, bytes]]:
        if self.frame is not None:
            for level in (USUAL, 2 * USUAL, 3 * USUAL):
                yield "recall", level, recollections(self.memory.steps(self.patterns[:10], level, generator), self.frame)

    def _recalled(self, patterns: Tensor, level: int, generator: torch.Generator) -> tuple[float, float, int]:
        """Mean overlap, share of patterns recalled without an error, and how often the energy rose."""
        some = patterns[:CUES]
        result, rises = self.memory.recall(self.memory.cue(some, level, generator))
        return float(self.memory.alike(result, some).mean()), float(self.memory.right(result, some).float().mean()), rises
