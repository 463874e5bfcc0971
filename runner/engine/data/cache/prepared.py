"""Files -> prepared data, by way of the cache where they are large: looked up before they are read, kept beside the training."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnrun.registry.data.files import is_confined
from nnrun.registry.source import Source
from nnrun.runner.compiler.memory.machine import Allowed
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.cache.entry import Entry, NoEntry, write
from nnrun.runner.engine.data.cache.key import key
from nnrun.runner.engine.data.cache.proof import ChangedData, Proof
from nnrun.runner.engine.data.cache.shelf import MOST, Shelf
from nnrun.runner.engine.data.cache.stamps import Stamp, stamped
from nnrun.runner.engine.data.columns import load_columns, named_files
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.engine.data.digest import computed, digest
from nnrun.runner.engine.data.room import refuse_data
from nnrun.runner.untrusted.own import is_own

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
    shelf = Shelf.own() if before and (names_files or _are_large(before)) else None
    place = None if shelf is None else _Place(shelf, key(spec, plan.fields, plan.targets, files), files[0])
    if place is not None and (found := place.find(plan)) is not None:
        say(f"`{place.name}` as it was prepared before; it is read again beside the training")
        return found
    say(f"reading {spec.source.type_name()}")
    parts = load_columns(spec, plan.fields, folder)
    named = stamped(named_files(plan.fields, parts)) if place is not None else None
    refuse_data(plan, limit, parts)
    data = prepare(spec, plan.fields, parts, plan.targets, folder)
    if place is None or named is None:
        return data, Proof()
    stamps = tuple({stamp.path: stamp for stamp in (*named, *before)}.values())
    return data, Proof(lambda: place.keep(data, stamps)) if _are_large(stamps) else Proof()


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

    def prove(self, files: Sequence[tuple[Stamp, str]], data: Dataset) -> None:
        """Whether the files hold what was prepared, and the entry what was kept. Raises: ChangedData."""
        help = f"what was kept of it is thrown away: the next run reads `{self.name}` anew"
        for stamp, held in files:
            if not stamp.holds(held):
                self.file.unlink(missing_ok=True)
                raise ChangedData(f"`{stamp.path}` is not what this run learned from: it was changed since that was prepared", help)
        if computed(data) != data.digest:
            self.file.unlink(missing_ok=True)
            raise ChangedData(f"what was prepared of `{self.name}`, and kept, has been damaged", help)

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
