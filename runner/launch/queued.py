"""A training that waits in the queue of a cluster: what every batch system is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nnrun.registry.fault import Fault


class NotSubmitted(Fault):
    """A training cannot be handed to a batch system."""

    kind = "missing"
    id = "not-submitted"


@dataclass(frozen=True)
class Training:
    """The processes of a training, all of which run one command."""

    name: str
    folder: str
    """In which they run."""
    nodes: int
    processes: int
    """Of each node."""
    command: tuple[str, ...]


@dataclass(frozen=True)
class Submitted:
    """A training that is in the queue."""

    job: str
    """How the batch system calls it."""
    log: str
    """Where it says what it does: a file, or a command that shows it."""


class Queue(Protocol):
    """Takes one training."""

    @property
    def text(self) -> str:
        """What the batch system is given, for a person to give it."""

    def submit(self) -> Submitted:
        """Raises: NotSubmitted."""
