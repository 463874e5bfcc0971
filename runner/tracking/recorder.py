"""The trainer's side of the tracking: what is said here goes into a journal at once, and to MLflow by a process of its own.

Neither mlflow nor torch is imported, and nothing here waits for MLflow, except `finish` and, where asked to, `run_id`.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Literal

from nnrun.runner.signals import Stopped
from nnrun.runner.tracking import limits
from nnrun.runner.tracking.again.before import Before, entries
from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.ending import wait_for
from nnrun.runner.tracking.journal import Journal, now
from nnrun.runner.tracking.known import NOTE
from nnrun.runner.tracking.outbox import Folder, Progress, called, usable_outbox
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.plumbing import Plumbing
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store
from nnrun.runner.tracking.trouble.backlog import Backlog, write_whole
from nnrun.runner.tracking.trouble.patience import Patience
from nnrun.runner.tracking.trouble.secrets import scrubbed

Status = Literal["FINISHED", "FAILED", "KILLED"]

WAIT = 600.0
"""Most seconds that the end of a run waits for MLflow; one that does not answer is given up much earlier."""


@dataclass(frozen=True)
class ModelColumn:
    """A column of what a model reads or gives: one value a row, or an array a row."""

    name: str
    type: Literal["boolean", "integer", "long", "float", "double", "string", "any"]
    """`any`: the model sees for itself what it is given."""
    shape: tuple[int, ...] = ()
    """Axes of an array, -1 where a size is open; empty for a single value."""


class Recorder:
    """Records one run. As a context manager it also ends it: `FINISHED`, `FAILED` with the error, or `KILLED` on Ctrl-C.

    A trainer that is killed without a chance to say so ends as `KILLED` too, with all that it had recorded.
    """

    def __init__(self, store: Store, folder: Folder, sidecar: Sidecar | None, say: Callable[[str], None]) -> None:
        self.store, self.say = store, say
        self.folder = folder.path
        """Where the run lies until MLflow has all of it."""
        self.delivered: Delivered | None = None
        """How the run ended; None while it runs."""
        self._place = folder
        self._journal = Journal(folder.journal)
        self._backlog = Backlog(folder.path, say)
        self._opened = False
        self._before = Before()
        shared = sidecar is not None and not sidecar.has_died
        self._sidecar = sidecar if sidecar is not None and shared else Sidecar()
        self._own = not shared
        self._sidecar.serve(folder)

    @classmethod
    def start(
        cls, store: Store, sidecar: Sidecar | None = None, outbox: Path | None = None, say: Callable[[str], None] = lambda _: None
    ) -> Recorder:
        """Start the process that talks to MLflow; the sooner, the less there is to wait for.

        A sweep passes one `sidecar` to all of its runs. What is not yet delivered lies in a folder of `outbox`, by default among
        the user's state files. `say` tells people what is wrong and what is waited for. Raises: OSError.
        """
        return cls(store, Folder.create(outbox or usable_outbox(), store, Owner.of(os.getpid())), sidecar, say)

    @classmethod
    def go_on(cls, folder: Folder, after: int, sidecar: Sidecar | None = None, say: Callable[[str], None] = lambda _: None) -> Recorder:
        """Go on with a run that was broken off, whose training starts again from what was said up to entry `after` of the journal.

        What was said later is said again: it is recorded once, as it was the first time. Raises: OSError.
        """
        recorder = cls(folder.store, folder, sidecar, say)
        recorder._before = Before.of(folder.journal, after)
        recorder._opened = recorder._before.name is not None
        return recorder

    @property
    def name(self) -> str | None:
        """What the run is called; None before it is opened."""
        return self._before.name

    @property
    def called(self) -> str:
        """What a person types to name the run on this machine."""
        return called(self.name, self._place)

    @property
    def reached(self) -> int:
        """Up to which entry the training has come: all that were said, but for what it has still to say again."""
        return self._before.reached(self._journal.sequence)

    def figures(self, up_to: int) -> Iterator[tuple[int, Mapping[str, float]]]:
        """(step, figures) of the entries up to a number."""
        said = (entry for entry in entries(self._place.journal, up_to) if entry.what == "metrics")
        return ((entry.fields["step"], entry.fields["values"]) for entry in said)

    @property
    def differing(self) -> Mapping[str, int]:
        """Of the figures that were said again, those that were not the same, and at which step first: the training is not the same."""
        return self._before.differing

    def keep_job(self, text: str) -> None:
        """Keep what is to be run, so that `nnrun resume` goes on with it, wherever the run breaks off. Raises: OSError."""
        write_whole(self._place.job, text.encode())

    def forget_job(self) -> None:
        """There is nothing to go on with: when MLflow has all of the run, nothing of it stays here."""
        self._place.job.unlink(missing_ok=True)
        shutil.rmtree(self._place.checkpoints, ignore_errors=True)

    @property
    def checkpoints(self) -> Path:
        """Where the training is to be kept."""
        return self._place.checkpoints

    @property
    def kept_bytes(self) -> int:
        """The room that what is kept of the training takes on the disk."""
        return sum(path.stat().st_size for path in self.checkpoints.rglob("*") if path.is_file())

    def open(
        self,
        experiment: str,
        name: str,
        params: Mapping[str, object],
        tags: Mapping[str, str],
        note: str = "",
        *,
        description: str = "",
        source: Path | None = None,
    ) -> None:
        """Make the run `name` of an experiment, or open again the one that goes on. Without it there is no run, and the rest goes nowhere.

        `description` is the experiment's own note; `source` the spec's path, whose git commit is recorded too.
        """
        owner = Owner.of(os.getpid())
        own = {"spec": experiment, "mlflow.user": _user(), **Plumbing(owner, str(self.folder)).tags}
        if source is not None:
            own |= {"mlflow.source.name": str(source), "mlflow.source.type": "LOCAL"}
        known = _tags({**own, **tags, **_note(note)})
        if self._opened:
            self._record("resume", tags=known)
        else:
            self._before.name = limits.cut(name, limits.KEY)
            self._record(
                "open",
                experiment=limits.cut(experiment, limits.KEY),
                name=self._before.name,
                tags=known,
                description=limits.cut(description, limits.TAG),
                source=None if source is None else str(source.absolute()),
            )
        self._record("params", params={limits.key(key): limits.cut(str(value), limits.PARAM) for key, value in params.items()})
        self._opened = True
        self._sidecar.wake()

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record numbers at a step. NaN is kept as such; infinity becomes the largest number."""
        said = self._before.without_known(int(step), {limits.key(key): float(value) for key, value in values.items()})
        if said:
            self._record("metrics", step=int(step), values=said)

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; an earlier value of the same tag is lost."""
        self._record("tags", tags=_tags(tags))

    def note(self, text: str) -> None:
        """Set the text at the top of the run's page, in Markdown. At most 8,000 characters are kept."""
        self.tags(_note(text))

    def artifact(self, path: str, content: str | bytes) -> None:
        """Keep a file with the run; a later one of the same path takes its place. Raises: ValueError for a path that leads outwards."""
        self._file("artifact", path, content.encode() if isinstance(content, str) else content)

    def table(self, path: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Keep a table, which MLflow shows as one; `path` ends in `.json`. Columns hold plain JSON values; NaN is left blank."""
        rows = [[_finite(value) for value in row] for row in zip(*columns.values(), strict=True)]
        self._file("table", path, json.dumps({"columns": list(columns), "data": rows}, allow_nan=False).encode())

    def image(self, key: str, step: int, png: bytes) -> None:
        """Keep a picture of a step; MLflow shows those of one key with a slider over the steps."""
        key = limits.key(key).replace(":", "_")
        if self._before.has_picture(key, int(step)):
            return

        def write(said: int) -> None:
            path = f"{self._journal.sequence + 1}.png"
            write_whole(self._place.images / path, png)
            self._journal.append("image", said, path=path, key=key, step=int(step))

        self._write(write)

    def model(
        self,
        files: Mapping[str, bytes],
        *,
        loader: str,
        inputs: Sequence[ModelColumn],
        outputs: Sequence[ModelColumn],
        requirements: Sequence[str],
        example: Mapping[str, Sequence[Any]] | None = None,
        params: Mapping[str, Any] | None = None,
        name: str = "model",
    ) -> None:
        """Keep the files of a folder as an MLflow model, which `mlflow.pyfunc.load_model` and `mlflow models serve` read.

        `loader` names the module whose `_load_pyfunc(path)` makes the model from such a folder; `requirements` are the pip packages
        it needs; `inputs` and `outputs` say what it reads and gives, `example` are columns that it answers for, `params` what may be said
        beside them, with what goes without saying.
        """
        columns = {"inputs": [asdict(column) for column in inputs], "outputs": [asdict(column) for column in outputs]}

        def write(said: int) -> None:
            copy = f"{self._journal.sequence + 1}/{name}"
            for file, content in files.items():
                write_whole(self._place.models / copy / file, content)
            known = {
                "path": copy,
                "name": name,
                "loader": loader,
                "requirements": list(requirements),
                "example": example,
                "params": dict(params or {}),
            }
            self._journal.append("model", said, **known, **columns)

        self._write(write)

    def dataset(self, name: str, digest: str, source: str, sizes: Mapping[str, int]) -> None:
        """Say what the run learns from: shown in MLflow's column Dataset. `sizes` are the examples of each part."""
        self._record("dataset", name=limits.cut(name, limits.DATASET), digest=digest, source=source, sizes=dict(sizes))

    def sync(self) -> None:
        """Wait until all that was said is on this machine's disk, for the moment of a checkpoint. Raises: OSError where it is not."""
        self._backlog.flush()
        if len(self._backlog):
            raise OSError(errno.ENOSPC, "records wait in memory for room on the disk")
        self._journal.sync()

    def run_id(self, wait: float = 0.0) -> str | None:
        """The run's id in MLflow, as soon as it has one; waits at most `wait` seconds for it."""
        end = time.monotonic() + wait
        self._sidecar.wake()
        while (run_id := self._place.progress().run_id) is None and time.monotonic() < end and not self._sidecar.has_died:
            time.sleep(0.02)
        return run_id

    @property
    def trouble(self) -> str | None:
        """Why nothing reaches MLflow at the moment, to be shown while the training goes on; None when all is well."""
        return (self._backlog.trouble or self._place.progress().trouble) if self.delivered is None else None

    def finish(self, status: Status, error: str | None = None, wait: float = WAIT) -> Delivered:
        """End the run and wait until MLflow has all of it: while it takes records, at most `wait` seconds, or until Ctrl-C.

        What is late then is delivered in the background, as far as MLflow allows. A second call changes nothing.
        """
        if self.delivered is not None:
            return self.delivered
        patience = Patience(self.store.address if self.store.is_server else None, wait)
        self._record("finish", status=status, error=None if error is None else scrubbed(error))
        stop: BaseException | None = None
        try:
            self._backlog.wait(patience.lasts)
            self._sidecar.wake()
            if len(self._backlog):  # without its end the record is not waited for
                progress = self._place.progress()
            else:
                progress = self._result(patience) if self._opened else Progress(delivered=self._journal.sequence)
        except (KeyboardInterrupt, Stopped) as impatience:  # it ends the waiting, not the delivery
            progress, stop = self._place.progress(), impatience
        self.delivered = Delivered.of(self.store, self.folder, self._journal.sequence, progress, lost=len(self._backlog))
        self._journal.close()
        if self._own:
            self._sidecar.close()
        if isinstance(stop, Stopped):
            raise stop
        return self.delivered

    def _result(self, patience: Patience) -> Progress:
        """How far the delivery came. One that died is done again: sent twice, a record is stored once."""
        progress = wait_for(self._sidecar, self._place, self.store, self._journal.sequence, patience, self.say)
        if progress is None:
            self._begin_again()
            progress = wait_for(self._sidecar, self._place, self.store, self._journal.sequence, patience, self.say)
        return progress or replace(self._place.progress(), trouble=self._sidecar.log.rpartition("\n")[2])

    def _begin_again(self) -> None:
        with contextlib.suppress(OSError):  # where there is no room for it, the end of it is told all the same
            self._place.log.write_text(self._sidecar.log)
        if self._own:
            self._sidecar.close()
        self._sidecar, self._own = Sidecar(), True
        self._sidecar.serve(self._place)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        match error:
            case None:
                self.finish("FINISHED")
            case KeyboardInterrupt():
                self.finish("KILLED", "interrupted")
            case SystemExit(code=None | 0):
                self.finish("FINISHED")
            case _:
                self.finish("FAILED", f"{type(error).__name__}: {error}")

    def _record(self, what: str, **fields: Any) -> None:
        self._write(lambda said: self._journal.append(what, said, **fields))

    def _file(self, what: str, path: str, content: bytes) -> None:
        place = PurePosixPath(path)
        if place.is_absolute() or not place.parts or ".." in place.parts:
            raise ValueError(f"an artifact's path leads nowhere but into the run, got `{path}`")

        def write(said: int) -> None:
            write_whole(self._place.files / place, content)
            self._journal.append(what, said, path=path)

        self._write(write)

    def _write(self, action: Callable[[int], object]) -> None:
        """Do what is told the time of this moment, now or when the disk takes it."""
        said = now()
        self._backlog.write(lambda: action(said))


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {limits.key(key): limits.cut(str(value), limits.TAG) for key, value in tags.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _note(text: str) -> dict[str, str]:
    return {NOTE: text} if text else {}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has a number but no name
        return str(os.getuid())
