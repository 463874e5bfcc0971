"""Pictures as arrays (C, H, W) of 32-bit numbers; 8-bit values become 0 to 1, unless they are 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnrun.registry.data.columns import MISSING, in_row
from nnrun.registry.data.picture_files import Size, frames_kept, frames_of, opened
from nnrun.registry.field import DataError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

GREY, COLOUR = 1, 3

_GREY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_TURNED = (5, 6, 7, 8)
_ORIENTATION = 0x0112
"""Exif: how the camera was held; from 5 on, height and width are exchanged."""

_LAYOUT = "a picture is an array of numbers (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels"


def is_array(value: Any) -> bool:
    """Whether a value holds numbers itself, instead of naming or packing a file."""
    return hasattr(value, "ndim") or isinstance(value, list | tuple)


def levels(column: Sequence[Any]) -> dict[str, Any]:
    """Facts of the pixels of a column of pictures or films.

    `bits`: how many they have, 8 or 16, by the first picture; None of other numbers. `binary`: whether all are 0 or 1 in spite of
    that, and some are 1: such numbers mean what they say. Files are read until one shows another. Raises: DataError naming the row.
    """
    rows = [column] if getattr(column, "ndim", 1) > 1 else column
    with in_row(0):
        bits = _bits(rows[0])
    greatest = 0
    for row, value in enumerate(rows if bits is not None else ()):
        with in_row(row):
            greatest = max(greatest, _greatest(value))
        if greatest > 1:
            break
    return {"bits": bits, "binary": greatest == 1}


def _bits(value: Any) -> int | None:
    if hasattr(value, "dtype"):
        return 8 * int(value.dtype.itemsize) if value.dtype.kind == "u" and value.dtype.itemsize <= 2 else None
    if isinstance(value, list | tuple):
        return _bits(value[0]) if value else None
    if isinstance(value, int | float):
        return None
    with opened(value) as image:
        return 16 if _is_sixteen(image) else None if image.mode in ("I", "F") else 8


def _greatest(value: Any) -> int:
    """The greatest pixel of a picture or film, as it is stored; what is no plain grey or colour counts as bright."""
    if hasattr(value, "dtype"):
        return int(value.max(initial=0))
    if isinstance(value, int | float):
        return int(value)
    if isinstance(value, list | tuple):
        greatest = 0
        for tick, frame in enumerate(value):
            with in_row(tick):
                greatest = max(greatest, _greatest(frame))
        return greatest
    with opened(value) as image:
        return max(_brightest(frame) for frame in frames_of(image))


def _brightest(image: Image) -> int:
    extrema: Any = image.getextrema() if image.mode in ("L", "RGB") or _is_sixteen(image) else (0, 255)
    return int(max(band[1] for band in extrema) if isinstance(extrema[0], tuple) else extrema[1])


def _is_sixteen(image: Image) -> bool:
    """Pillow used to keep 16 bits in 32."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def in_bits(column: Sequence[Any], bits: int | None) -> Sequence[Any]:
    """A column whose whole numbers are pixels of so many bits. Lists, as JSON has them, do not say so themselves."""
    import numpy as np

    if bits is None or not any(isinstance(value, list | tuple) for value in column[:1]):
        return column
    arrays = [np.asarray(value) if isinstance(value, list | tuple) else value for value in column]
    return [array.astype(f"uint{bits}") if getattr(array, "dtype", None) == np.int64 else array for array in arrays]


def picture(value: Any, size: Size | None = None, channels: int | None = None, binary: bool = False) -> np.ndarray:
    """One picture (C, H, W): an array, the path of a file, or the bytes of one; of zeros and ones if it is `binary`. Raises: DataError."""
    if is_array(value):
        return pictures(value, 0, size, channels, binary)
    with opened(value) as image:
        return from_image(image, size, channels, binary)


def pictures(array: Any, leading: int, size: Size | None = None, channels: int | None = None, binary: bool = False) -> np.ndarray:
    """Pictures in an array with so many axes before those of a picture: (H, W), (H, W, C) or (C, H, W). Raises: DataError."""
    import numpy as np

    try:
        array = np.asarray(array)
    except ValueError:
        raise DataError("holds no picture, but lists of different length", _LAYOUT) from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"holds no picture, but an array of {array.dtype}", _LAYOUT)
    array = _to_unit(_channels_first(array, leading), leading, binary)
    if not np.isfinite(array).all():
        bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
        raise DataError("has pixels without a finite value", MISSING, row=int(np.flatnonzero(bad)[0]) if leading else None)
    return _resized(_in_channels(array, channels), size)


def extent(value: Any) -> tuple[int, int, int]:
    """Channels, height and width of a picture; of a file, only its head is read. Raises: DataError."""
    if is_array(value):
        channels, height, width = picture(value).shape
        return channels, height, width
    with opened(value) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION) in _TURNED:
            height, width = width, height
        return GREY if image.mode in _GREY_MODES else COLOUR, height, width


def from_image(image: Image, size: Size | None = None, channels: int | None = None, binary: bool = False) -> np.ndarray:
    """A picture that Pillow has opened, held upright."""
    import numpy as np
    from PIL import Image, ImageOps

    deep = image.mode in ("I", "F") or image.mode.startswith("I;16")
    sixteen = _is_sixteen(image)
    grey = image.mode in _GREY_MODES if channels is None else channels == GREY
    image = ImageOps.exif_transpose(image)
    if deep:
        array = np.asarray(image)
        return pictures(array.astype(np.uint16) if sixteen else array, 0, size, channels, binary)
    image = image.convert("L" if grey else "RGB")
    if size is not None and image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return pictures(np.asarray(image), 0, binary=binary)


def frames(value: Any, size: Size | None = None, channels: int | None = None, binary: bool = False) -> np.ndarray:
    """A film (T, C, H, W): an array of frames, a list of pictures, or an animated file. Raises: DataError."""
    if hasattr(value, "ndim"):
        film = pictures(value, 1, size, channels, binary)
    elif isinstance(value, list | tuple):
        film = _stacked([_frame(frame, tick, size, channels, binary) for tick, frame in enumerate(value)])
    else:
        with opened(value) as image:
            film = _stacked([from_image(frame, size, channels, binary) for frame in frames_kept(image, size)])
    if len(film) == 0:
        raise DataError("holds a film without frames", MISSING)
    return film


def _frame(value: Any, tick: int, size: Size | None, channels: int | None, binary: bool) -> np.ndarray:
    with in_row(tick):
        return picture(value, size, channels, binary)


def _stacked(images: Sequence[np.ndarray]) -> np.ndarray:
    import numpy as np

    if len({image.shape for image in images}) > 1:
        raise DataError("holds frames of different sizes", "`size: [H, W]` and `channels` make them equal")
    return np.stack(images) if images else np.zeros((0, 1, 1, 1), np.float32)


def _channels_first(array: np.ndarray, leading: int) -> np.ndarray:
    import numpy as np

    axes = array.shape[leading:]
    if len(axes) == 2:
        return np.expand_dims(array, leading)
    if len(axes) == 3 and axes[2] in (1, 3, 4):
        return np.moveaxis(array, -1, leading)
    if len(axes) == 3 and axes[0] in (1, 3, 4):
        return array
    raise DataError(f"holds an array of {axes}, which is no picture", _LAYOUT)


def _to_unit(array: np.ndarray, leading: int, binary: bool) -> np.ndarray:
    import numpy as np

    numbers = array.astype(np.float32)
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        return numbers
    if not binary:
        numbers /= 2 ** (8 * array.dtype.itemsize) - 1
    elif array.max(initial=0) > 1:
        row = int(np.flatnonzero((array > 1).reshape(len(array), -1).any(axis=1))[0]) if leading else None
        help = "the network was trained on zeros and ones: other pixels need a training part that has some"
        raise DataError(f"holds pixels up to {array.max()}, where the training part has only 0 and 1", help, row)
    return numbers


def _in_channels(array: np.ndarray, channels: int | None) -> np.ndarray:
    import numpy as np

    present = array.shape[-3]
    array = array[..., :COLOUR, :, :]  # the fourth channel is how opaque a pixel is
    if channels == COLOUR and present == GREY:
        return np.repeat(array, COLOUR, axis=-3)
    if channels == GREY and present != GREY:
        luma = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, as Pillow
        return np.expand_dims(np.einsum("...chw,c->...hw", array, luma), -3)
    return array


def _resized(array: np.ndarray, size: Size | None) -> np.ndarray:
    import numpy as np
    from PIL import Image

    if size is None or array.shape[-2:] == size:
        return array
    planes = array.reshape(-1, *array.shape[-2:])
    images = [Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR) for plane in planes]
    return np.stack([np.asarray(image) for image in images]).reshape(*array.shape[:-2], *size)
