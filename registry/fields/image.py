"""Pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import by_pieces, check_rows, in_row, real
from nnrun.registry.data.numbers.normalize import Normalize, fit_scale, natural, normalized
from nnrun.registry.data.pixels import COLOUR, GREY, extent, in_bits, is_array, levels, picture, pictures
from nnrun.registry.data.scales import Scale, at_scale, scale_of
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import LARGEST, Amount, Portion
from nnrun.registry.shape import Shape, ShapeError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def _size(value: Any) -> tuple[int, int]:
    sides = list(value) if isinstance(value, list | tuple) else [value, value]
    if len(sides) == 2 and all(isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= LARGEST for side in sides):
        return sides[0], sides[1]
    raise PydanticCustomError("wrong_type", "height and width in pixels, such as `[28, 28]`, or one whole number for both")


_SIDE = {"type": "integer", "minimum": 1}
Size = Annotated[
    Any, BeforeValidator(_size), WithJsonSchema({"anyOf": [_SIDE, {"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2}]})
]


class Augment(BaseModel):
    """Random changes of the training images, new in each epoch, that leave what they show."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    shift: Amount = 0
    """Move by up to so many pixels, up or down and left or right; the pixels of the border fill the gap."""
    flip: Literal["none", "horizontal", "vertical"] = "none"
    """Mirror every second image on average: `horizontal` exchanges left and right, `vertical` top and bottom."""

    @property
    def is_active(self) -> bool:
        """Whether anything is changed at all."""
        return self != Augment()

    def build(self) -> Callable[[Tensor, Tensor], Tensor] | None:
        """These changes of a batch of pictures by what is drawn, as `Field.build_augment` has them."""
        if not self.is_active:
            return None
        from nnrun.registry.modules.augment import augment

        return partial(augment, shift=self.shift, flip=self.flip)


class Pictures(Field):
    """What images and videos share."""

    holds_paths: ClassVar[bool] = True

    size: Size | None = None
    """Height and width in pixels to which all images are brought (bilinear; the sides are stretched alike or not). Where
    left out, all images must have one size."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for red, green and blue; others are converted. Where left out, as in the data."""
    normalize: Normalize = "none"
    """How the pixels are scaled before the network sees them, each channel for itself: `standard` to mean 0 and standard
    deviation 1, `minmax` to 0 to 1, `none` not at all. Fitted on the training part."""
    binarize: Portion | None = None
    """Threshold between 0 and 1: brighter pixels become 1, all others 0."""
    augment: Augment = Augment()
    """Random changes of the training images; validation and test see them as they are. One draw an example changes all its fields:
    an image and its mask with the same `augment` and `size` move and mirror together."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        if self.binarize is not None and self.normalize != "none":
            message = "`binarize` makes pixels 0 or 1, which `normalize` would undo"
            raise ShapeError(message, field="normalize", help="leave out one of them")
        height, width = facts["size"] if facts else self.size or (f"{name}.height", f"{name}.width")
        channels = facts["channels"] if facts else self.channels or f"{name}.channels"
        return Shape((channels, height, width))

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        return list(natural(values, facts, trailing=2).tolist())

    def received(self, column: Sequence[Any], facts: Facts) -> Sequence[Any]:
        if "pixels" not in facts:  # a network of earlier versions, which noted less
            return column
        return [self._received(value, row, facts) for row, value in enumerate(column)]

    def _received(self, value: Any, row: int, facts: Facts) -> Any:
        with in_row(row):
            found = self._at_scale(value, facts["pixels"])
            if facts["exact"]:
                self._check_exact(self._extent(found), tuple(facts["size"]))
        return found

    def _at_scale(self, value: Any, scale: Scale) -> Any:
        return at_scale(value, scale)

    def _extent(self, value: Any) -> tuple[int, int, int]:
        return extent(value)

    def _check_exact(self, found: tuple[int, int, int], size: tuple[int, int]) -> None:
        if found[1:] != size:
            what = f"holds an image {found[1]} pixels high and {found[2]} wide, where only {size[0]} and {size[1]} were learned from"
            raise DataError(what, "bring it to that size")

    def _exact(self, column: Sequence[Any], size: tuple[int, int]) -> bool:
        """Whether these are arrays of just that size, so that `size` never had anything to do."""
        if getattr(column, "ndim", 1) > 1:
            column = column[:1]
        for row, value in enumerate(column):
            with in_row(row):
                if not is_array(value) or len(value) == 0 or self._extent(value)[1:] != size:
                    return False
        return True

    def build_augment(self) -> Callable[[Tensor, Tensor], Tensor] | None:
        return self.augment.build()

    def _common(self, extents: Iterable[tuple[int, int, int]]) -> tuple[tuple[int, int], int]:
        """Size and channels of all images: those of the options, else the size of the first and the most channels of any."""
        seen = list(extents)
        return self.size or seen[0][1:], self.channels or max(channels for channels, _, _ in seen)

    def _check(self, images: np.ndarray, size: tuple[int, int], row: int) -> None:
        if images.shape[-2:] != size:
            (height, width), (wanted_height, wanted_width) = images.shape[-2:], size
            what = f"holds an image {height} pixels high and {width} wide, where {wanted_height} and {wanted_width} are wanted"
            raise DataError(what, f"`size: [{wanted_height}, {wanted_width}]` brings all images to one size", row)

    def _finished(self, encoded: Encoded, facts: Facts) -> Encoded:
        said = self._said(encoded, facts)
        if self.binarize is None:
            return replace(normalized(encoded, facts, trailing=2), said=said)
        return Encoded((encoded.values > self.binarize).astype("float32"), encoded.lengths, said=said)

    def _said(self, encoded: Encoded, facts: Facts) -> str | None:
        """Which pixels were found, and what became of them."""
        pixels = real(encoded)
        if pixels.size == 0:
            return None
        bits, low, high = facts.get("bits"), float(pixels.min()), float(pixels.max())
        if facts.get("binary"):
            said = "pixels are 0 and 1, and taken so"
        elif bits is None:
            said = f"pixels from {low:.4g} to {high:.4g}, taken as they are"
        else:
            top = 2**bits - 1
            said = f"pixels from {low * top:.0f} to {high * top:.0f}, divided by {top}"
        if self.binarize is not None:
            return f"{said}; those above {self.binarize:g}, {(pixels > self.binarize).mean():.0%} of all, become 1, others 0"
        return said + {"none": "", "standard": "; then mean 0 and deviation 1", "minmax": "; then from 0 to 1"}[self.normalize]

    def _facts(self, size: tuple[int, int], channels: int, images: Iterable[np.ndarray]) -> dict[str, Any]:
        """`images` reads all of them, (M, C, H, W), some at a time; asked only where their values matter."""
        import numpy as np

        pixels = (np.moveaxis(some, 1, -1).reshape(-1, channels).astype(np.float64) for some in images)
        scale = fit_scale([np.zeros((1, channels))] if self.normalize == "none" else pixels, self.normalize)
        return {"size": list(size), "channels": channels, **scale}


@register
class Image(Pictures):
    """A picture in each row: an array, the path of a file, or the bytes of one.

    An array is (H, W), (H, W, C) or (C, H, W). Pixels of 8 or 16 bits become numbers from 0 to 1, others stay as they are; so
    do those of a training part that holds only 0 and 1. Whole numbers in lists count as the pixels that were learned from.

    A trained network knows how the pixels it learned from were counted. Asked about pictures, it takes files, arrays of 8 or 16
    bits, and numbers from 0 to 1, where it learned from such; numbers above that count to 255 (to 65535 where it learned from 16
    bits), which must be plain where it learned from numbers from 0 to 1: whole, and some from 64 on. Where it learned from any
    other numbers, it takes such alone. What lies farther outside than half their range is refused, and so is another size than that of
    all arrays learned from.

    A file is held upright as its camera noted; what a transparent pixel hides is shown.

    Shape: (C, H, W).
    Raises: DataError if a picture is missing, cannot be read, or has another size and `size` is not given.
    """

    type: Literal["image"]

    def glimpsed(self, sizes: tuple[int, ...]) -> Facts | None:
        if len(sizes) == 2:
            height, width, channels = *sizes, GREY
        elif len(sizes) == 3 and sizes[2] in (1, 3, 4):
            height, width, channels = sizes
        elif len(sizes) == 3 and sizes[0] in (1, 3, 4):
            channels, height, width = sizes
        else:
            return None
        return {"size": self.size or (height, width), "channels": self.channels or min(channels, COLOUR)}

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        check_rows(column)
        known = self.size and self.channels
        size, channels = self._common(() if known else _extents(column))
        found = levels(column)
        own = {**found, "pixels": scale_of(column, found), "exact": self._exact(column, size)}
        return self._facts(size, channels, by_pieces(column, lambda piece: self._read(piece, size, channels, found))) | own

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        height, width = facts["size"]
        column = in_bits(column, facts.get("bits"))
        return self._finished(Encoded(self._read(column, (height, width), facts["channels"], facts)), facts)

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        return list(rng.integers(0, 256, (count, *(self.size or (28, 28)), self.channels or 1), dtype="uint8"))

    def _read(self, column: Sequence[Any], size: tuple[int, int], channels: int, facts: Facts) -> np.ndarray:
        import numpy as np

        binary = facts.get("binary", False)
        if getattr(column, "ndim", 1) > 1:
            images = pictures(column, 1, self.size, channels, binary)
            self._check(images, size, row=0)
            return images
        images = np.empty((len(column), channels, *size), dtype=np.float32)
        for row, value in enumerate(column):
            with in_row(row):
                image = picture(value, self.size, channels, binary)
            self._check(image, size, row)
            images[row] = image
        return images


def _extents(column: Sequence[Any]) -> Iterator[tuple[int, int, int]]:
    if getattr(column, "ndim", 1) > 1:
        yield pictures(column[:1], 1).shape[1:]
        return
    for row, value in enumerate(column):
        with in_row(row):
            yield extent(value)
