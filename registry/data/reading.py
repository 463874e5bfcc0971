"""Reading files of data: plain files only, as much of them as memory is for, and in words what goes wrong."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from nnrun.registry.data.files import shown_path
from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError

if TYPE_CHECKING:
    import numpy as np

LONGEST_LINE = 1 << 24
"""Characters of a line, and so of a cell."""

LONGEST = 1 << 29
"""Bytes of a text that is read as one."""

LARGEST_JSON = 1 << 27
"""Bytes of a JSON file: in memory it may take twenty times as many."""

NO_CHARACTERS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
"""Encodings of Python's that are no way to write a text; some take ages."""


def plain(file: Path, most: int | None = None) -> Path:
    """A file that is one: reading a pipe or a device may never end. Raises: SourceError, also if it has more than `most` bytes."""
    try:
        about = file.stat()
    except (OSError, ValueError) as error:
        raise SourceError(f"`{file}` cannot be read: {_reason(error)}", "name a file that may be read") from None
    if not stat.S_ISREG(about.st_mode):
        kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a pipe, a socket or a device"
        raise SourceError(f"`{file}` is {kind}, where a file is wanted", "name a file that holds the data")
    if most is not None and about.st_size > most:
        raise SourceError(f"`{file}` has {about.st_size:,} bytes, where {most:,} are allowed", "divide it into several files")
    return file


def read_bytes(file: Path, most: int) -> bytes:
    """All of a file that has at most so many bytes. Raises: SourceError."""
    try:
        with plain(file, most).open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise SourceError(f"`{file}` cannot be read: {_reason(error)}", "name a file that may be read") from None


def read_text(file: Path, encoding: str = "utf-8") -> str:
    """The text of a file, with `\\n` at the ends of lines. Raises: SourceError if it is in another encoding, or too long."""
    plain(file, LONGEST)
    with opened_text(file, encoding) as stream:
        return stream.read(LONGEST)


def lines(file: Path, encoding: str = "utf-8", most: int = LONGEST_LINE) -> Iterator[str]:
    """A text line by line, with `\\n` at their ends. Raises: SourceError if it is in another encoding, or a line is longer than `most`."""
    plain(file)
    with opened_text(file, encoding) as stream:
        count = 0
        while line := stream.readline(most + 1):
            count += 1
            if len(line) > most:
                message = f"line {count} of `{file}` has more than {most:,} characters, which are allowed"
                raise SourceError(message, "name a text file of shorter lines")
            yield line


@contextmanager
def opened_text(file: Path, encoding: str) -> Iterator[TextIO]:
    """A text; within it, bytes that are none are said. Raises: SourceError."""
    try:
        if "\0" in encoding or encoding.lower().replace("-", "_") in NO_CHARACTERS:
            raise LookupError
        with file.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding) as stream:
            yield stream
    except LookupError:
        raise SourceError(f"no encoding is called {shown_path(encoding)}", "utf-8 and latin-1 are common") from None
    except UnicodeError as error:
        where = f"byte {_wrong_byte(file, encoding)} cannot be read" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SourceError(f"`{file}` is not {encoding}: {where}", "`encoding: latin-1` reads most older files") from None
    except OSError as error:
        raise SourceError(f"`{file}` cannot be read: {_reason(error)}", "name a file that may be read") from None


def read_json(file: Path) -> Any:
    """What a JSON file holds. Raises: SourceError for one that is too large or cannot be read, DataError for one that is no JSON."""
    help = 'rows are written `[{"name": value}, ...]`'
    try:
        return json.loads(read_bytes(file, LARGEST_JSON).decode("utf-8-sig"))
    except RecursionError:
        raise DataError(f"`{file}` is no JSON of rows: lists stand within each other too deep", help) from None
    except ValueError as error:  # UnicodeDecodeError is one
        raise DataError(f"`{file}` is no JSON: {error}", help) from None


def _wrong_byte(file: Path, encoding: str) -> int:
    """The first that cannot be read, counted from 0: who reads a stream knows only how far it is from the last piece."""
    from codecs import getincrementaldecoder

    decoder, done = getincrementaldecoder(encoding)(), 0
    with file.open("rb") as stream:
        while piece := stream.read(1 << 16):
            kept = len(decoder.getstate()[0])
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                return done - kept + error.start
            done += len(piece)
    return done


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def shipped(name: str, between: str | None = ",") -> np.ndarray:
    """A table of numbers (n, columns) that scikit-learn ships, read without importing it, which takes a second.

    A plain CSV file has a heading there, a packed one has none.

    `between` stands between two numbers, None for white space.
    """
    from importlib.util import find_spec

    import numpy as np

    found = find_spec("sklearn")
    assert found is not None
    assert found.submodule_search_locations is not None
    path = Path(found.submodule_search_locations[0], "datasets", "data", name)
    return np.loadtxt(path, delimiter=between, skiprows=int(path.suffix == ".csv"))
