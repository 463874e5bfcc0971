"""A training between two of its steps: all that what follows depends on, beside data and spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Snapshot:
    """A training between two of its steps. Its tensors are those of the training itself, so it is written before the next step."""

    course: Mapping[str, Any]
    """Where it stands: see `training/fit.py`."""
    weights: Mapping[str, Tensor]
    learner: Mapping[str, Any]
    """Optimizer, generators, chains, carried states, sums: what `Learner.state` gives."""
    best: Mapping[str, Any]
    """The best weights so far, and how long patience has waited."""
    stage: int = 1
    """Which of the stages it is, counted from 1."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """What the stages before it gave."""
    watcher: Mapping[str, Any] = field(default_factory=dict)
    """What the record of the run keeps in memory, and how far its journal was."""
