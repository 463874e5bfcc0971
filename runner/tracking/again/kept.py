"""Runs of this machine that can go on: those that were broken off, and finished ones whose last checkpoint is kept."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path

from nnrun.registry.fault import Fault
from nnrun.runner.tracking.again.before import entries
from nnrun.runner.tracking.journal import Journal, last_entry
from nnrun.runner.tracking.outbox import KEPT, Folder, called, usable_outbox
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.store import Store

BROKEN = (None, "KILLED")
"""How a run ended that can go on as if nothing had happened."""

SHORTEST = 4
"""Least number of characters that name a run by the beginning of its id."""


class NotResumable(Fault):
    """The run cannot go on, or not here, or not as it was asked."""

    kind = "missing"
    id = "no-resume"


@dataclass(frozen=True)
class KeptRun:
    """A run that can go on."""

    folder: Folder
    name: str | None
    """None if it broke off before it was one."""
    run_id: str | None
    experiment: str | None
    status: str | None
    """FINISHED, FAILED or KILLED; None if it did not say how it ended."""
    is_running: bool
    tags: Mapping[str, str]
    """Of its job."""
    is_left: bool
    """Whether no process of another machine goes on with it: it has said how it ended, or who starts its processes knows that."""

    @staticmethod
    def of(folder: Folder, is_left: bool = False) -> KeptRun:
        last, progress = last_entry(folder.journal), folder.progress()
        name = next((entry.fields["name"] for entry in entries(folder.journal, up_to=1) if entry.what == "open"), None)
        status = last.fields["status"] if last is not None and last.what == "finish" else None
        is_left = is_left or status is not None
        is_running = not folder.owner.is_dead(silence=float("inf"), unseen=is_left)
        tags = json.loads(folder.job.read_text())["tags"]
        return KeptRun(folder, name, progress.run_id, progress.experiment, status, is_running, tags, is_left)

    @property
    def called(self) -> str:
        """What a person types to name it."""
        return called(self.name, self.folder)

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in self.folder.path.rglob("*") if path.is_file())

    def answers_to(self, reference: str) -> bool:
        """Whether a person may mean it."""
        by_id = self.run_id is not None and len(reference) >= SHORTEST and self.run_id.startswith(reference)
        return by_id or reference in (self.name, self.called, self.folder.path.name)

    def taken_over(self) -> Folder:
        """Its folder, among those that are being delivered and owned by this process; waits until nobody else delivers it.

        Raises: NotResumable if another process goes on with it.
        """
        try:
            return self._taken_over()
        except FileNotFoundError:  # all of it was delivered, and moved, at this moment
            moved = self.folder.path.parent / KEPT / self.folder.path.name
            if not moved.is_dir():
                raise NotResumable(f"nothing is kept any more of run `{self.called}`") from None
            return replace(self, folder=Folder(moved))._taken_over(again=True)

    def _taken_over(self, again: bool = False) -> Folder:
        """`again`: perhaps it belongs to this process already."""
        me, owner = Owner.of(os.getpid()), self.folder.owner
        if not owner.is_dead(silence=float("inf"), unseen=self.is_left) and not (again and owner == me):
            raise NotResumable(f"run `{self.called}` is going on in process {owner.pid}", "wait for its end, or end it")
        self.folder.own(self.folder.store, me)  # who delivers it sees that, and lets go
        with self.folder.hold():
            kept = Folder(self.folder.path.parent / KEPT / self.folder.path.name)
            folder = kept if kept.path.is_dir() else self.folder  # all of it was delivered meanwhile
            if folder.owner != me:
                raise NotResumable(f"run `{self.called}` is going on in process {folder.owner.pid}", "wait for its end, or end it")
            if folder.path.parent.name == KEPT:
                folder = folder.moved(folder.path.parent.parent)
            progress = folder.progress()
            progress.over = False
            folder.save(progress)
            journal = Journal(folder.journal)
            journal.append("again")
            journal.close()
        folder.own(folder.store, me)
        return folder

    def clear(self) -> None:
        """Give the room back. What MLflow has of the run stays."""
        shutil.rmtree(self.folder.path)


def kept_runs(outbox: Path | None = None, is_left: bool = False) -> list[KeptRun]:
    """Those of this machine, or of all that share the folder; the latest first."""
    outbox = outbox or usable_outbox()
    found: dict[str, tuple[float, KeptRun]] = {}
    for job in [*outbox.glob("[!.]*/job.json"), *(outbox / KEPT).glob("*/job.json")]:
        for place in (job.parent, outbox / KEPT / job.parent.name):  # all of it may be delivered, and moved, at this moment
            with contextlib.suppress(FileNotFoundError):
                found[place.name] = Folder(place).journal.stat().st_mtime, KeptRun.of(Folder(place), is_left)
                break
    return [run for _, run in sorted(found.values(), key=itemgetter(0), reverse=True)]


def broken_off(tags: Mapping[str, str], outbox: Path | None = None) -> KeptRun | None:
    """The run with these tags of its job that was broken off last, if one was."""
    runs = kept_runs(outbox)
    return next((run for run in runs if not run.is_running and run.status in BROKEN and run.tags == dict(tags)), None)


def begun(tags: Mapping[str, str], outbox: Path | None = None) -> KeptRun | None:
    """The run that a job with these tags began when it was started before, unless it failed. Whoever starts it has seen to it that it runs
    nowhere else: so what another machine had of it has ended, even where it had no time to say so."""
    return next((run for run in kept_runs(outbox, is_left=True) if run.status != "FAILED" and run.tags == dict(tags)), None)


def find_kept(reference: str | None, store: Store, outbox: Path | None = None) -> KeptRun:
    """The run that a person means; without a word the last one of this store that was broken off. Raises: NotResumable."""
    runs = kept_runs(outbox)
    if reference is None:
        broken = [run for run in runs if run.folder.store.public == store.public and not run.is_running and run.status in BROKEN]
        if not broken:
            help = "name one: `nnrun clear` lists those that can go on" if runs else None
            raise NotResumable(f"no run was broken off that was recorded at `{store.public}` from this machine", help)
        return broken[0]
    meant = [run for run in runs if run.answers_to(reference)]
    if not meant:
        listed = ", ".join(f"`{run.called}`" for run in runs[:8])
        help = f"those that can go on: {listed}" if runs else "a run that is broken off can go on where it was started"
        raise NotResumable(f"nothing is kept on this machine of a run `{reference}`", help)
    if len({run.folder for run in meant}) > 1:
        raise NotResumable(
            f"`{reference}` names {len(meant)} runs: {', '.join(f'`{run.folder.path.name}`' for run in meant)}", "take one of these"
        )
    return meant[0]
