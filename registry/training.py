"""What optimizers, schedules and learners owe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

from nnrun.registry.component import Component
from nnrun.registry.options import Figure, Positive

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer as TorchOptimizer


class Optimizer(Component):
    """Base of all optimizers."""

    role: ClassVar[str] = "optimizer"
    searches: ClassVar[bool] = False
    """Whether a step looks at loss and gradients again, at weights that it tries: its `step` then takes a function that tells both."""

    lr: Positive
    """Learning rate: length of a step against the gradient."""

    @property
    def remembers(self) -> int:
        """How many numbers it keeps for each weight, from step to step."""
        return 2

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        """The optimizer of these parameters."""
        raise NotImplementedError


class Schedule(Component):
    """Base of all learning-rate schedules: the rate at a step is `factor` times the optimizer's `lr`."""

    role: ClassVar[str] = "schedule"

    def factor(self, step: int, steps: int) -> float:
        """Factor of the rate at `step` of `steps`, both in updates of the weights, counted from 0."""
        raise NotImplementedError


@dataclass(frozen=True)
class Seen:
    """What a schedule has seen of the figure that it watches."""

    best: float = nan
    waited: int = 0
    """Evaluations in a row without a gain."""
    cooling: int = 0
    """Evaluations to come that do not count."""
    falls: int = 0
    """How often the rate fell."""


class Watching(Schedule):
    """Base of the schedules that go by a figure too: the rate is `factor` times what is `left` of the optimizer's `lr`."""

    monitor: Figure = "valid/loss"
    """The figure watched: `valid/loss` or `valid/` and a metric."""

    def seen(self, before: Seen, figure: float, higher: bool) -> Seen:
        """What is known after one more evaluation. `higher`: more is better. A figure that is NaN is no gain."""
        raise NotImplementedError

    def left(self, seen: Seen, lr: float) -> float:
        """The share of `lr` that is left by now."""
        raise NotImplementedError


class Learner(Component):
    """Base of all learners: how weights follow from data."""

    role: ClassVar[str] = "learner"
    needs_loss: ClassVar[bool] = True
    """Whether it makes a loss small. One that does not trains an energy network instead."""
    figures: ClassVar[tuple[str, ...]] = ("loss",)
    """What it measures on the validation part, beside the metrics."""
    unused: ClassVar[tuple[str, ...]] = ()
    """Keys of `train` that it has no use for."""


class Storage(Learner):
    """Base of the learners that store all patterns at once, without a gradient."""

    needs_loss: ClassVar[bool] = False
    figures: ClassVar[tuple[str, ...]] = ()
    unused: ClassVar[tuple[str, ...]] = (
        "loss", "optimizer", "schedule", "epochs", "steps", "batch_size", "clip_norm", "regularize", "average", "early_stopping",
        "evaluate_every", "truncate", "carry_state", "shuffle", "precision", "compile", "parallel",
    )  # fmt: skip

    def store(self, patterns: Tensor) -> Tensor:
        """Weights (N, N), symmetric with zero diagonal, that hold patterns (P, N) of -1 and +1."""
        raise NotImplementedError
