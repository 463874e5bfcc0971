"""How a run ended: where it is, and what MLflow has not got."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nnrun.runner.tracking.known import KnownRun
from nnrun.runner.tracking.links import Links
from nnrun.runner.tracking.outbox import Progress
from nnrun.runner.tracking.store import Store


@dataclass(frozen=True)
class Delivered:
    """The end of a run, as its trainer sees it."""

    run_id: str | None
    """None if MLflow could not be asked for a run, or none was opened."""
    experiment_id: str | None
    experiment: str | None
    links: Links | None
    previous: KnownRun | None
    """The finished run of the same spec before this one, with its last metrics."""
    missing: int
    """Records that MLflow has not got: late ones and refused ones."""
    message: str | None
    """What is missing, why and where it is, in a sentence or two; None if nothing is."""

    @property
    def is_complete(self) -> bool:
        """Whether MLflow has all of it."""
        return self.missing == 0

    @classmethod
    def of(cls, store: Store, folder: Path, count: int, progress: Progress, lost: int = 0) -> Delivered:
        """The end of a run of `count` records, of which `progress` says how far they are in `store`; `lost` found no room on the disk."""
        links = None
        if progress.run_id is not None and progress.experiment_id is not None:
            previous = None if progress.previous is None else progress.previous.run_id
            links = Links.to(store.address, progress.experiment_id, progress.run_id, previous)
        late = count - progress.delivered
        return cls(
            run_id=progress.run_id,
            experiment_id=progress.experiment_id,
            experiment=progress.experiment,
            links=links,
            previous=progress.previous,
            missing=late + progress.refused + lost,
            message="\n".join(_message(store, folder, late, lost, count, progress)) or None,
        )


def _message(store: Store, folder: Path, late: int, lost: int, count: int, progress: Progress) -> Iterator[str]:
    if lost:
        yield f"{lost} of {count + lost} records of this run are lost: `{folder}` had no room for them"
    if late:
        why = f": {progress.trouble}" if progress.trouble else ""
        yield f"{late} of {count} records of this run are not yet in MLflow at `{store.public}`{why}"
        yield f"they are safe in `{folder}`; `nnrun sync` delivers them"
    elif progress.refused:
        yield f"MLflow at `{store.public}` refused {progress.refused} of {count} records of this run: {progress.refusal}"
        yield f"all are kept in `{folder}`; `nnrun sync` tries again"
    if (late or progress.refused) and (store.is_locked or store.public != store.uri):
        yield "no file holds the store's password: `MLFLOW_TRACKING_URI` must give the user and the password again"
