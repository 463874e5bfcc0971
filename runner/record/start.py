"""Where a training starts from: the beginning, or a checkpoint of it, if it is still the same experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.checkpoint.kept import Kept
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.loops.cells import CellRunner
from nnrun.runner.engine.loops.run import Runner
from nnrun.runner.engine.network.network import Network
from nnrun.runner.record.environment import environment
from nnrun.runner.record.names import spec_hash
from nnrun.runner.tracking.again.kept import NotResumable

REFUSED = {"spec": "the meaning of the spec has changed", "data": "the data has changed"}
"""What must be equal, or it is another experiment."""

EXACT = {
    "nnrun": "nnrun",
    "torch": "torch",
    "device": "the device",
    "processor": "the processor",
    "cpu_capability": "what the processor is taken for",
    "threads": "the number of threads",
    "processes": "the number of processes",
    "compiler": "the compiler of loops",
    "loops": "how loops run",
}
"""What must be equal for the same bits."""


def here(network: Network, plan: Plan, device: torch.device, data_hash: str) -> dict[str, Any]:
    """What a checkpoint says of where it was made."""
    runs: list[Runner | CellRunner] = [*network.loops.values(), *network.cells.values()]
    loops = [f"{run.title}: {run.execution(device.type).kind}" for run in runs]
    return {**environment(plan, device), "loops": loops, "spec": spec_hash(plan), "data": data_hash}


@dataclass(frozen=True)
class Start:
    """Where a training starts from."""

    snapshot: Snapshot | None = None
    """None: from the beginning."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Where it was made: see `here`."""
    skipped: tuple[str, ...] = ()
    """Why newer checkpoints were passed over."""
    is_other: bool = False
    """Whether it is the end of another run, from which this one goes on for longer."""

    @staticmethod
    def of(folder: Path) -> Start:
        """The newest whole checkpoint among those in a folder."""
        found = Kept(folder).newest()
        return Start(found.snapshot, found.about, found.skipped)

    @property
    def journal(self) -> int:
        """Up to which entry the journal of the run goes with it."""
        return self.snapshot.watcher["journal"] if self.snapshot is not None and not self.is_other else 0

    @property
    def told(self) -> str:
        """Where the training goes on, for people."""
        if self.snapshot is None:
            return "there is no whole checkpoint: the training starts from the beginning"
        stage = f" of stage {self.snapshot.stage}" if self.snapshot.stage > 1 else ""
        return f"goes on from step {self.snapshot.course['step']}{stage}"

    def doubts(self, now: Mapping[str, Any]) -> list[str]:
        """What is not as it was. Raises: NotResumable where it would be another experiment."""
        if self.snapshot is None:
            return list(self._passed_over)
        for key, what in REFUSED.items():
            if self.about[key] != now[key] and not (self.is_other and key == "spec"):
                raise NotResumable(f"{what} since the checkpoint: it would be another experiment", "run the spec anew")
        changed = [key for key in EXACT if self.about.get(key) != now[key]]
        return [
            *self._passed_over,
            *(
                f"it goes on, but not to the bit: {EXACT[key]} was {_shown(self.about.get(key))} and is {_shown(now[key])}"
                for key in changed
            ),
        ]

    @property
    def _passed_over(self) -> Iterator[str]:
        return (f"a checkpoint that is not whole was passed over: {why}" for why in self.skipped)


def _changed(before: Any, now: Any) -> str:
    return f"was {_shown(before)} and is {_shown(now)}"


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def for_longer(start: Start) -> Start:
    """The end of another run as a beginning: there are more steps to come, and patience begins anew. Raises: NotResumable."""
    snapshot = start.snapshot
    if snapshot is None:
        why = "; ".join(start.skipped) or "it was cleared, or the run keeps none"
        raise NotResumable(f"no whole checkpoint of the run is left to go on from: {why}", "run the spec anew with more epochs")
    course, best = {**snapshot.course, "over": False}, {**snapshot.best, "waited": 0}
    return replace(start, snapshot=replace(snapshot, course=course, best=best, watcher={}), is_other=True)
