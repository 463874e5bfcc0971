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
    found: dict[str, Stamp] = {}
    try:
        for path in paths:
            found |= {stamp.path: stamp for stamp in _within(os.fspath(path), frozenset())}
    except OSError:
        return None
    return tuple(found.values())


def _within(path: str, above: frozenset[str]) -> Iterator[Stamp]:
    """A file; a folder, and what lies in it, links followed unless they lead back to a folder `above`. Raises: OSError."""
    stamp = Stamp.of(path)
    yield stamp
    place = os.path.realpath(path)
    if stamp.is_folder and place not in above:
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            if entry.is_dir() or entry.is_file():  # no pipe, and no link to nothing
                yield from _within(entry.path, above | {place})
