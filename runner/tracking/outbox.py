"""The outbox: one private folder a run, which holds all that MLflow has not got yet, and goes when MLflow has it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from nnrun.runner.tracking.known import KnownRun
from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.store import Store
from nnrun.runner.tracking.trouble.backlog import write_whole

KEPT = "kept"
"""The folder within the outbox of runs that MLflow has all of, and that can go on."""


@dataclass
class Progress:
    """How far the delivery is. Kept in the folder, so that a delivery goes on where another ended."""

    run_id: str | None = None
    experiment_id: str | None = None
    experiment: str | None = None
    offset: int = 0
    """Bytes of the journal that need not be read again."""
    delivered: int = 0
    """Entries up to here are in MLflow, or were refused by it."""
    refused: int = 0
    """How many of them MLflow will not take."""
    refusal: str | None = None
    """Why it did not take the first of them."""
    trouble: str | None = None
    """Why nothing is delivered at the moment."""
    creating: bool = False
    """The run was asked for; whether MLflow made it is known once `run_id` is there."""
    latest: dict[str, tuple[float, int, int]] = field(default_factory=dict)
    """Last value of each metric, its time in milliseconds and its step."""
    previous: KnownRun | None = None
    """The finished run of the same spec before this one."""
    over: bool = False
    """The run has its final status."""

    def begin_again(self) -> None:
        """Deliver all entries once more, to the same run. What MLflow has already it does not store twice."""
        self.offset = self.delivered = self.refused = 0
        self.refusal, self.over = None, False

    @classmethod
    def from_json(cls, text: str) -> Progress:
        fields: dict[str, Any] = json.loads(text)
        if fields["previous"] is not None:
            fields["previous"] = KnownRun(**fields["previous"])
        return cls(**fields)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Folder:
    """One run's place in the outbox."""

    path: Path

    @classmethod
    def create(cls, outbox: Path, store: Store, owner: Owner) -> Folder:
        """A new folder for the run that process `owner` trains. Raises: OSError."""
        path = outbox / f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
        outbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.mkdir(mode=0o700)
        folder = cls(path)
        try:
            folder.own(store, owner)
            folder.journal.touch()
        except OSError:  # a full disk: half a folder would be in the way of later deliveries
            shutil.rmtree(path, ignore_errors=True)
            raise
        return folder

    def own(self, store: Store, owner: Owner) -> None:
        """Let a process train the run and record it in a store. Raises: OSError."""
        for place in (self.files, self.images, self.models):
            place.mkdir(exist_ok=True)
        write_whole(self.start, json.dumps({"store": store.written, "owner": asdict(owner)}).encode())

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def files(self) -> Path:
        return self.path / "files"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def checkpoints(self) -> Path:
        """What the training goes on from, if it was broken off."""
        return self.path / "checkpoints"

    @property
    def job(self) -> Path:
        """What was to be run. A folder with it stays when all is delivered, for `nnrun resume`."""
        return self.path / "job.json"

    @property
    def start(self) -> Path:
        return self.path / "start.json"

    @property
    def log(self) -> Path:
        """What a delivering process that died had to say."""
        return self.path / "sidecar.log"

    @property
    def store(self) -> Store:
        return Store.read(json.loads(self.start.read_text())["store"])

    @property
    def owner(self) -> Owner:
        return Owner(**json.loads(self.start.read_text())["owner"])

    def progress(self) -> Progress:
        try:
            return Progress.from_json((self.path / "progress.json").read_text())
        except FileNotFoundError:  # nothing is delivered yet
            return Progress()

    def save(self, progress: Progress) -> None:
        write_whole(self.path / "progress.json", progress.to_json().encode())

    def settle(self) -> None:
        """All is delivered: what a run can go on from stays, among the kept ones; nothing else does."""
        if not self.job.exists():
            self.remove()
            return
        for place in (self.files, self.images, self.models):
            shutil.rmtree(place, ignore_errors=True)
        self.moved(self.path.parent / KEPT)

    def moved(self, place: Path) -> Folder:
        """The same in another place, in one step."""
        place.mkdir(exist_ok=True, mode=0o700)
        return Folder(self.path.rename(place / self.path.name))

    def remove(self) -> None:
        gone = self.path.with_name(f".{self.path.name}")
        self.path.rename(gone)  # in one step: a reader finds all of it or nothing
        shutil.rmtree(gone)

    def hold(self) -> IO[str]:
        """Keep others from delivering as well, until the file is closed or the process ends; waits for who holds it now."""
        file = open(self.path / "lock", "w")  # noqa: SIM115  (open as long as the delivery)
        fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def is_taken(self, server: Owner) -> bool:
        """Whether another process than `server` goes on with the run, and sees to it that it is delivered."""
        owner = self.owner
        return owner != server and not owner.is_dead(silence=float("inf"))

    @property
    def is_held(self) -> bool:
        """Whether a process is delivering it right now; not if it is delivered and gone."""
        if not self.path.is_dir():
            return False
        with open(self.path / "lock", "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False


def called(name: str | None, folder: Folder) -> str:
    """What a person types to name a run: the four letters at the end of its name, or without one its folder."""
    return name.rpartition(" ")[2] if name else folder.path.name


def default_outbox() -> Path:
    """`nnrun/outbox` among the user's state files: it outlives a restart, and does not depend on the current folder."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "nnrun" / "outbox"


def usable_outbox() -> Path:
    """The default outbox; where the user's home cannot be written, one among the temporary files. Raises: OSError."""
    try:
        outbox = default_outbox()
        outbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(outbox, os.W_OK):
            return outbox
    except (OSError, RuntimeError):  # a home that takes nothing, or none at all
        pass
    outbox = Path(tempfile.gettempdir(), f"nnrun-{os.getuid()}")
    outbox.mkdir(exist_ok=True, mode=0o700)
    if outbox.stat().st_uid != os.getuid():  # there, everybody may make a folder of any name
        raise PermissionError(f"`{outbox}` belongs to somebody else")
    return outbox


def waiting(outbox: Path | None = None, store: Store | None = None) -> list[Folder]:
    """Folders whose delivery has ended early: nobody works on them, and their training has ended; those of `store`. Oldest first."""
    return list(_ended(outbox, store, held=False))


def under_way(outbox: Path | None = None) -> list[Folder]:
    """Folders whose training has ended, and which a process delivers at this moment."""
    return list(_ended(outbox, None, held=True))


def _ended(outbox: Path | None, store: Store | None, held: bool) -> Iterator[Folder]:
    outbox = outbox or usable_outbox()
    for path in sorted(outbox.glob("[!.]*/start.json")):  # one that begins with a dot is being removed
        folder = Folder(path.parent)
        with contextlib.suppress(FileNotFoundError, ValueError):  # delivered at this moment; or torn by a crash of the machine
            wanted = store is None or folder.store.public == store.public
            if wanted and folder.owner.is_dead(silence=float("inf")) and folder.is_held == held:
                yield folder
