"""The journal of a run: what is to be recorded, in order, safe in a file before anybody talks to MLflow.

An entry is one line: the CRC-32 of the JSON text in eight hexadecimal digits, a space, the text. A line without its end
was cut off by a crash and does not count; a line whose checksum is wrong was damaged on the disk.
"""

from __future__ import annotations

import errno
import json
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL = 1 << 16
"""Bytes at the end of a journal within which its last line is looked for."""


@dataclass(frozen=True)
class Entry:
    """One thing to record, as the trainer said it."""

    sequence: int
    """Number of the entry, counted from 1."""
    time: int
    """When it was said, in milliseconds since 1970. MLflow gets this time however late it is sent."""
    what: str
    """Kind: `open`, `resume`, `params`, `metrics`, `tags`, `artifact`, `table`, `image`, `dataset`, `model`, `finish`; or `again`: the
    training goes on from here, and a `finish` before, perhaps not yet sent, is not the end."""
    fields: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """What one line of the journal holds, and where the next begins."""

    entry: Entry | None
    """None where the line is damaged."""
    end: int
    """Offset of the next line, in bytes."""


class Journal:
    """The writing side. Every entry is handed to the operating system at once: a killed process loses none.

    One that is there already goes on; what a crash cut off of its last line is gone.
    """

    def __init__(self, path: Path) -> None:
        self.sequence, end = 0, 0
        for line in read_lines(path) if path.is_file() else ():
            self.sequence, end = line.entry.sequence if line.entry is not None else self.sequence + 1, line.end
        if path.is_file():
            os.truncate(path, end)
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115  (open as long as the run)

    def append(self, what: str, said: int | None = None, **fields: Any) -> int:
        """Write an entry; its number. `said` is its time, by default now. Raises: OSError if the disk refuses; then nothing is written."""
        entry = {"sequence": self.sequence + 1, "time": now() if said is None else said, "what": what, **fields}
        body = json.dumps(entry, separators=(",", ":")).encode()
        line = b"%08x %s\n" % (zlib.crc32(body), body)
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(os.fstat(self._file.fileno()).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file.name))
        self.sequence += 1
        return self.sequence

    def sync(self) -> None:
        """Wait until the entries are on the disk itself: they then survive a loss of power. Costs milliseconds."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def read_lines(path: Path, offset: int = 0) -> Iterator[Line]:
    """The complete lines of a journal from `offset` on; the journal may still be growing."""
    with open(path, "rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield Line(_parse(line), offset)


def last_entry(path: Path) -> Entry | None:
    """The last complete line of a journal; None if there is none, or if it is damaged or very long."""
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
        *lines, _ = file.read().split(b"\n")
    return _parse(lines[-1] + b"\n") if lines else None


def _parse(line: bytes) -> Entry | None:
    checksum, _, body = line[:-1].partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    fields = json.loads(body)
    return Entry(fields.pop("sequence"), fields.pop("time"), fields.pop("what"), fields)
