"""Files -> prepared data, by way of the cache where they are large: looked up before they are read, kept beside the training."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nnrun.registry.data.files import is_confined
from nnrun.registry.field import DataError
from nnrun.registry.source import Pieces, Source
from nnrun.runner.compiler.memory.machine import Allowed
from nnrun.runner.compiler.memory.needs import in_gib, needed
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.cache.disk import Preparation
from nnrun.runner.engine.data.cache.entry import Entry, NoEntry, write
from nnrun.runner.engine.data.cache.key import key
from nnrun.runner.engine.data.cache.proof import ChangedData, Proof
from nnrun.runner.engine.data.cache.sections import digest as section_digest
from nnrun.runner.engine.data.cache.shelf import MOST, Shelf
from nnrun.runner.engine.data.cache.stamps import Stamp, stamped
from nnrun.runner.engine.data.columns import load_columns, named_files, read_columns
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.engine.data.digest import computed, digest
from nnrun.runner.engine.data.room import refuse_data
from nnrun.runner.untrusted.own import is_own

SHARE = 4
"""Data that takes more than one of so many parts of the free memory is kept on the disk."""

SMALL = 1 << 20
"""Bytes: files that hold less are read as fast as what was prepared of them."""


def prepared(plan: Plan, folder: Path, limit: Allowed, say: Callable[[str], None]) -> tuple[Dataset, Proof]:
    """The data of a plan whose spec lies in `folder`. Raises: SourceError, DataError, OutOfMemory."""
    spec = plan.spec.data
    assert spec is not None
    assert isinstance(spec.source, Source)
    files = () if is_confined() else _files(plan, spec.source, folder)
    before = stamped(files) or ()
    names_files = any(config.holds_paths for config in plan.fields.values())
    shelf = Shelf.own() if before and (names_files or spec.keep == "disk" or _are_large(before)) else None
    place = None if shelf is None else _Place(shelf, key(spec, plan.fields, plan.targets, files), files[0])
    if place is not None and (found := place.find(plan)) is not None:
        say(f"`{place.name}` as it was prepared before; it is read again beside the training")
        return found
    say(f"reading {spec.source.type_name()}")
    if (pieces := _in_pieces(plan, folder, limit, before, say)) is not None:
        if place is None:
            help = "let `XDG_CACHE_HOME` name a folder of yours, or write `keep: memory`"
            raise DataError("there is no folder that only this user may change, to keep the data on the disk", help).blaming("data", "keep")
        with place.held():  # of processes that train together one prepares, and the others find it
            found = place.find(plan)
            return found or (place.fill(Preparation(spec, plan.fields, pieces, plan.targets, folder), plan, before), Proof())
    parts = load_columns(spec, plan.fields, folder)
    named = stamped(named_files(plan.fields, parts)) if place is not None else None
    refuse_data(plan, limit, parts)
    data = prepare(spec, plan.fields, parts, plan.targets, folder)
    if place is None or named is None:
        return data, Proof()
    stamps = tuple({stamp.path: stamp for stamp in (*named, *before)}.values())
    return data, Proof(lambda: place.keep(data, stamps)) if _are_large(stamps) else Proof()


def _in_pieces(plan: Plan, folder: Path, limit: Allowed, files: Sequence[Stamp], say: Callable[[str], None]) -> Pieces | None:
    """The data, if it is to be kept on the disk. Raises: SourceError; DataError, if the spec asks for it and that cannot be."""
    spec = plan.spec.data
    assert spec is not None
    assert isinstance(spec.source, Source)
    if spec.keep == "memory" or (spec.keep == "auto" and not files):
        return None
    pieces = spec.source.pieces(folder, *read_columns(plan.fields)) if spec.window is None else None
    if spec.keep == "disk" and pieces is None:
        what = "data that `window` cuts is" if spec.window is not None else f"the source `{spec.source.type_name()}` is"
        raise DataError(f"`keep: disk`, but {what} read whole", "leave out `keep`").blaming("data", "keep")
    if spec.keep == "disk" or pieces is None:
        return pieces
    size = max(needed(plan, sum(pieces.rows.values()), examples=1).data, 2 * sum(stamp.size for stamp in files if not stamp.is_folder))
    if size <= limit.size // SHARE:
        return None
    say(f"the data takes up to {in_gib(size)}, more than a quarter of the {in_gib(limit.size)} that are free: it is kept on the disk")
    return pieces


def _are_large(stamps: Sequence[Stamp]) -> bool:
    return sum(stamp.size for stamp in stamps if not stamp.is_folder) >= SMALL


def _files(plan: Plan, source: Source, folder: Path) -> tuple[Path, ...]:
    """The files and folders that source and fields name; none where the source reads no files. Raises: SourceError."""
    own = source.read_files(folder)
    return (*own, *(path for config in plan.fields.values() for path in config.located(folder).read_files())) if own else ()


@dataclass(frozen=True)
class _Place:
    """Where the data of a run is kept."""

    shelf: Shelf
    key: str
    source: Path
    """The file or folder that people know it by."""

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def file(self) -> Path:
        return self.shelf.file(self.key)

    def find(self, plan: Plan) -> tuple[Dataset, Proof] | None:
        """What is kept there, if its files look as they did; it is still to be proved."""
        try:
            if not is_own(self.file.lstat()):
                raise NoEntry
            entry = Entry(self.file)
            if not all(stamp.is_current() for stamp, _ in entry.files):
                return None
            data = entry.data(plan.fields)
            os.utime(self.file)  # used now
        except NoEntry:
            self.file.unlink(missing_ok=True)
            return None
        except OSError:  # there is none, or the disk does not give it
            return None
        return data, Proof(lambda: self.prove(entry.files, data))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it no other process that asks for this is within it."""
        with (self.shelf.folder / f".{self.key}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def prove(self, files: Sequence[tuple[Stamp, str]], data: Dataset) -> None:
        """Whether the files hold what was prepared, and the entry what was kept. Raises: ChangedData."""
        help = f"what was kept of it is thrown away: the next run reads `{self.name}` anew"
        for stamp, held in files:
            if not stamp.holds(held):
                self.file.unlink(missing_ok=True)
                raise ChangedData(f"`{stamp.path}` is not what this run learned from: it was changed since that was prepared", help)
        if (section_digest(self.file) if data.train.on_disk else computed(data)) != data.digest:
            self.file.unlink(missing_ok=True)
            raise ChangedData(f"what was prepared of `{self.name}`, and kept, has been damaged", help)

    def fill(self, preparation: Preparation, plan: Plan, before: Sequence[Stamp]) -> Dataset:
        """Prepare data that memory does not hold. Raises: SourceError, DataError, ChangedData, OSError."""
        named = stamped(preparation.named_files()) or ()
        stamps = tuple({stamp.path: stamp for stamp in (*named, *before)}.values())
        files = [(stamp, stamp.digest()) for stamp in stamps]
        draft = self.shelf.folder / f".{self.key}.{os.getpid()}"
        try:
            draft.touch(0o600)
            preparation.write(draft, files, {"file": str(self.source)}, self.shelf.make_room)
            if not all(stamp.is_current() for stamp in stamps):
                raise ChangedData(f"`{self.name}` was changed while it was read", "run again when it is whole")
            os.replace(draft, self.file)
        finally:
            draft.unlink(missing_ok=True)
        return Entry(self.file).data(plan.fields)

    def keep(self, data: Dataset, stamps: Sequence[Stamp]) -> str | None:
        """Keep what was prepared of these files, unless they change meanwhile; what people should know of that."""
        try:
            files = [(stamp, stamp.digest()) for stamp in stamps]
            return self._written(data, files) if all(stamp.is_current() for stamp in stamps) else None
        except (OSError, TypeError) as error:  # a full disk; facts of a package's field that are no JSON
            why = getattr(error, "strerror", None) or error
            return f"what was prepared of `{self.name}` could not be kept for the next run: {why}"

    def _written(self, data: Dataset, files: Sequence[tuple[Stamp, str]]) -> str | None:
        """Other processes see the whole entry or none. Raises: OSError."""
        size = sum(tensor.untyped_storage().nbytes() for tensor in data.train.values.values())
        if size > min(MOST, shutil.disk_usage(self.shelf.folder).free // 2):
            return f"what was prepared of `{self.name}` is too large to be kept for the next run"
        self.shelf.make_room(size)
        draft = self.shelf.folder / f".{self.key}.{os.getpid()}"
        try:
            draft.touch(0o600)
            write(draft, data, files, {"file": str(self.source), "digest": digest(data)})
            draft.chmod(0o600)
            os.replace(draft, self.file)
        finally:
            draft.unlink(missing_ok=True)
        return None
