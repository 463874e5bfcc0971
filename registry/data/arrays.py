"""NumPy's own files of arrays, of plain numbers and texts: reading them runs nothing, and takes no more than the file says with reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nnrun.registry.source import SourceError

if TYPE_CHECKING:
    from zipfile import ZipFile

    import numpy as np

LARGEST = 1 << 34
"""Bytes that an array may unpack to."""

SMALL, RATIO = 1 << 28, 100
"""Bytes that an array may unpack to however small it is packed, and how many times its packed size a larger one may."""


class NoArray(Exception):
    """What is wrong with it, in words; `help` is a repair."""

    def __init__(self, what: str, help: str = "write plain arrays of numbers or texts") -> None:
        super().__init__(what)
        self.help = help


@contextmanager
def opened(file: Path) -> Iterator[ZipFile]:
    """An archive of arrays. Raises: SourceError."""
    from struct import error as StructError
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(file) as archive:
            yield archive
    except (BadZipFile, OSError, NotImplementedError, UnicodeDecodeError, StructError) as error:
        help = "`numpy.savez(file, x=array)` writes such an archive"
        raise SourceError(f"`{file.name}` cannot be read as an npz archive: {error}", help) from error


def array_in(content: bytes) -> np.ndarray:
    """The array of a `.npy` file. Raises: NoArray."""
    return _read(BytesIO(content), len(content))


def member_of(archive: ZipFile, name: str) -> np.ndarray:
    """An array of an archive. Raises: NoArray."""
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    member = archive.getinfo(f"{name}.npy")
    size, packed = member.file_size, member.compress_size
    if member.flag_bits & 1:
        raise NoArray("it is encrypted", "pack it without a password: `numpy.savez` does")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise NoArray("it is packed in a way that NumPy does not use", "`numpy.savez_compressed` packs an archive")
    if size > LARGEST:
        help = "split the data into several archives, or store smaller numbers"
        raise NoArray(f"it unpacks to {size:,} bytes, where {LARGEST:,} are allowed", help)
    if size > max(SMALL, RATIO * packed):
        what = f"it unpacks from {packed:,} bytes to {size:,}, where {max(SMALL, RATIO * packed):,} are allowed"
        raise NoArray(what, "`numpy.savez` writes it without packing; then its size is known to be real")
    with archive.open(member) as stream:
        return _read(stream, size)


def _read(stream: IO[bytes], size: int) -> np.ndarray:
    """The array of a stream of so many bytes. Raises: NoArray."""
    from tokenize import TokenError
    from zipfile import BadZipFile
    from zlib import error as ZlibError

    from numpy.lib.format import read_array

    damaged = (BadZipFile, ZlibError, TokenError)
    try:
        array: np.ndarray = read_array(stream, allow_pickle=False)
    except (EOFError, KeyError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError, OverflowError, *damaged) as error:
        raise NoArray(str(error).partition("\n")[0] or "it is damaged") from error
    if array.ndim and len(array) > size:  # of nothing there can be any number
        raise NoArray(f"it says that it holds {len(array):,} examples, and has {size:,} bytes")
    return array
