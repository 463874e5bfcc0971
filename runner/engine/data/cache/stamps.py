"""The files that data is read from: known again by size, time and inode, and proved by what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple

SIZE = 16
"""Bytes of a digest."""


class Stamp(NamedTuple):
    """A file, or a folder, whose time tells that a file came or went."""

    path: str
    size: int
    time: int
    """Of its last change, nanoseconds."""
    inode: int
    is_folder: bool

    @classmethod
    def of(cls, path: str) -> Stamp:
        """Raises: OSError."""
        about = os.stat(path)
        return cls(path, about.st_size, about.st_mtime_ns, about.st_ino, S_ISDIR(about.st_mode))

    def is_current(self) -> bool:
        """Whether the file looks as it did."""
        try:
            return Stamp.of(self.path) == self
        except OSError:
            return False

    def holds(self, digest: str) -> bool:
        """Whether the file looks as it did, and holds what it did then."""
        try:
            return self.is_current() and self.digest() == digest
        except OSError:
            return False

    def digest(self) -> str:
        """Of what the file holds; of a folder nothing. Raises: OSError."""
        if self.is_folder:
            return ""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=SIZE)).hexdigest()


def stamped(paths: Iterable[str | Path]) -> tuple[Stamp, ...] | None:
    """Files, and all that lies in folders, each once. None if one of them cannot be looked at: whoever reads it will say so."""
    found: dict[int, Stamp] = {}
    try:
        for path in paths:
            for stamp in _within(Stamp.of(str(path))):
                found.setdefault(stamp.inode, stamp)
    except OSError:
        return None
    return tuple(found.values())


def _within(stamp: Stamp) -> Iterator[Stamp]:
    yield stamp
    if stamp.is_folder:
        for entry in sorted(os.scandir(stamp.path), key=lambda entry: entry.name):
            if entry.is_dir() and not entry.is_symlink():
                yield from _within(Stamp.of(entry.path))
            elif entry.is_file():
                yield Stamp.of(entry.path)
