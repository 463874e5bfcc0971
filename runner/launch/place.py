"""Which process of a training this is, as torchrun's environment variables tell: the contract of every engine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from nnrun.registry.fault import Fault


class ProcessLost(Fault):
    """Another process of the same training has ended."""

    kind = "failed"
    id = "process-lost"


class NotAlone(Fault):
    """What one process does, several were started for."""

    kind = "failed"
    id = "not-alone"


@dataclass(frozen=True)
class Place:
    """A process among those of a training, and among those on its machine."""

    rank: int = 0
    size: int = 1
    local: int = 0
    beside: int = 1
    """How many of them this machine has."""

    @staticmethod
    def here(variables: Mapping[str, str] = os.environ) -> Place:
        """That of this process; the only one where nothing is said."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        if not all(variables.get(name, "").isdecimal() for name in (*names, "MASTER_PORT")):
            return ALONE
        return Place(*(int(variables[name]) for name in names))

    @property
    def is_alone(self) -> bool:
        return self.size == 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that records."""
        return self.rank == 0


ALONE = Place()
