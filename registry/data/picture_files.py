"""Pictures and films in files: which are read, and how large they may be. Only what Pillow reads itself, without another program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnrun.registry.data.columns import MISSING, is_missing, shown
from nnrun.registry.data.reading import plain
from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""By Pillow's names. For EPS it would start Ghostscript."""

PICTURE = 1 << 26
"""Pixels of a picture at most, and of all frames of a film as they are kept."""

FILM = 1 << 28
"""Pixels of all frames of a film in a file: a few bytes may say that there are very many."""

Size = tuple[int, int]
"""Height and width."""


@contextmanager
def opened(value: Any) -> Iterator[Image]:
    """A picture file, by path or as bytes, alone or beside its path as Parquet files of pictures have it. Raises: DataError."""
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if is_missing(value):
        raise DataError("has no value", MISSING)
    if not isinstance(value, str | bytes | PathLike):
        raise DataError(f"holds {shown(value)}, which is no picture", "a picture is an array, or the path of a file")
    said = "holds bytes that" if isinstance(value, bytes) else f"names the file `{value}`, which"
    try:
        with _opened(value) as image:
            _check(image)
            yield image
    except FileNotFoundError:
        raise DataError(f"{said} does not exist", "paths are relative to the file they stand in") from None
    except SourceError as error:
        raise DataError(f"{said} cannot be read as a picture: {error.message}", error.help) from None
    except _broken() as error:
        raise DataError(f"{said} cannot be read as a picture: {error}", f"of pictures {', '.join(FORMATS)} are read") from error


def frames_of(image: Image) -> Iterator[Image]:
    """The frames of a file. Raises: DataError if they are too large, or too many."""
    from PIL import ImageSequence

    pixels = 0
    for frame in ImageSequence.Iterator(image):
        _check(frame)
        pixels += frame.width * frame.height
        if pixels > FILM:
            raise DataError(f"holds a film of more than {FILM:,} pixels in all, which are allowed", "cut it into shorter films")
        yield frame


def frames_kept(image: Image, size: Size | None) -> Iterator[Image]:
    """The same, of which all are kept in this size. Raises: DataError."""
    pixels = 0
    for frame in frames_of(image):
        pixels += size[0] * size[1] if size is not None else frame.width * frame.height
        if pixels > PICTURE:
            help = "cut it into shorter films, or make them smaller: `size: [H, W]`"
            raise DataError(f"holds a film of more than {PICTURE:,} pixels to keep, which are allowed", help)
        yield frame


def _check(image: Image) -> None:
    if image.width * image.height > PICTURE:
        what = f"holds a picture of {image.width:,} x {image.height:,} pixels, where {PICTURE:,} in all are allowed"
        raise DataError(what, "make it smaller, or cut it into pieces")


def _opened(value: str | bytes | PathLike[str]) -> Image:
    import warnings
    from io import BytesIO

    from PIL import Image

    if not isinstance(value, bytes) and Path(value).exists():
        plain(Path(value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is lower, and said
        return Image.open(BytesIO(value) if isinstance(value, bytes) else value, formats=FORMATS)


def _broken() -> tuple[type[Exception], ...]:
    """What Pillow raises over files that are damaged or made up."""
    from struct import error as StructError
    from zlib import error as ZlibError

    from PIL import Image

    return (OSError, ValueError, SyntaxError, EOFError, OverflowError, StructError, ZlibError, Image.DecompressionBombError)
