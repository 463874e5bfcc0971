"""What a few bytes of a file tell before it is read: the names of its columns, and the sizes of its arrays. No numpy."""

from __future__ import annotations

from pathlib import Path

from nnrun.registry.source import Sizes

LONGEST = 1 << 16
"""Bytes of a heading, or of what an archive says of an array."""

MOST = 1000
"""Arrays of an archive that are looked at."""


def first_line(file: Path, encoding: str) -> str | None:
    """The heading of a table; None where it is no such text, or too long."""
    with file.open("rb") as stream:
        line = stream.readline(LONGEST)
    if not line.endswith(b"\n"):
        return None
    try:
        return line.decode(encoding).removeprefix("\ufeff").rstrip("\r\n")
    except (ValueError, LookupError):  # not so encoded, or no name of an encoding
        return None


def arrays(file: Path) -> dict[str, Sizes] | None:
    """The arrays of an archive; None where it is none. Those that cannot be understood have no sizes."""
    from zipfile import BadZipFile, ZipFile
    from zlib import error

    try:
        with ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")][:MOST]
            return {name.removesuffix(".npy"): _sizes(archive.open(name).read(LONGEST)) for name in names}
    except (BadZipFile, OSError, ValueError, RuntimeError, EOFError, error):  # among them: encrypted, packed in a way that zipfile lacks
        return None


def _sizes(head: bytes) -> Sizes:
    """Source: the format of .npy files, numpy.lib.format: magic, version, length, a dictionary as Python writes it."""
    import ast

    wide = head[6:7] in (b"\x02", b"\x03")
    start = 12 if wide else 10
    length = int.from_bytes(head[8:start], "little")
    if head[:6] != b"\x93NUMPY" or length > LONGEST - start:
        return ()
    try:
        shape = ast.literal_eval(head[start : start + length].decode("latin-1"))["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        return ()
    whole = isinstance(shape, tuple) and all(isinstance(size, int) and size >= 0 for size in shape)
    return tuple(shape[1:]) if whole else ()
