"""Masks as arrays (H, W) of the numbers of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnrun.registry.data.picture_files import Size, opened
from nnrun.registry.data.pixels import is_array
from nnrun.registry.field import DataError

if TYPE_CHECKING:
    import numpy as np

MOST = 1 << 16
"""Numbers that a pixel may have, from 0 on: those of 16 bits."""

_MODES = ("1", "L", "P", "I", "I;16", "I;16L", "I;16B", "I;16N")
"""Of Pillow: grey, or numbers of a palette."""

_LAYOUT = "a mask is an array (H, W) of whole numbers, or a file in grey or with a palette"


def class_pixels(value: Any, size: Size | None = None) -> np.ndarray:
    """The numbers of a mask (H, W), of an array or a file, brought to a size by the nearest pixel. Raises: DataError."""
    import numpy as np

    try:
        mask = np.asarray(value) if is_array(value) else _stored(value)
    except ValueError:
        raise DataError("holds no mask, but lists of different length", _LAYOUT) from None
    if mask.ndim != 2 or mask.size == 0:
        raise DataError(f"holds an array of {mask.shape}, which is no mask", _LAYOUT)
    if mask.dtype.kind not in "fiub":
        raise DataError(f"holds no mask, but an array of {mask.dtype}", _LAYOUT)
    wrong = ~((mask >= 0) & (mask < MOST) & (mask == np.floor(mask)))
    if wrong.any():
        raise DataError(
            f"holds a pixel {mask[wrong][0]:g}, which is no number of a class", f"classes are whole numbers from 0 to {MOST - 1:,}"
        )
    return _resized(mask.astype(np.int64), size or mask.shape)


def _stored(value: Any) -> np.ndarray:
    """The pixels of a file, held upright, as they are stored."""
    import numpy as np
    from PIL import ImageOps

    with opened(value) as image:
        if image.mode not in _MODES:
            raise DataError(f"holds a picture of the mode {image.mode}, whose colours are no numbers of classes", _LAYOUT)
        return np.asarray(ImageOps.exif_transpose(image))


def _resized(mask: np.ndarray, size: Size) -> np.ndarray:
    import numpy as np

    rows, columns = (((np.arange(wanted) + 0.5) * held / wanted).astype(int) for wanted, held in zip(size, mask.shape, strict=True))
    resized: np.ndarray = mask[rows[:, None], columns]
    return resized
