"""A class at each pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.class_pixels import MOST, class_pixels
from nnrun.registry.data.columns import by_pieces, check_rows, in_row, shown
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.fields.category import Classes
from nnrun.registry.fields.image import Augment, Size
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@register
class Mask(Field):
    """A class at each pixel of a picture, for segmentation: an array (H, W) of whole numbers, the path of a file, or the bytes of one.

    A file is grey or has a palette; what counts are its pixels as they are stored, not their colours. PNG keeps them, JPEG does not.

    Answers are numbers as in the data, a list of H lists of W.

    Shape: H x W categories.
    Raises: DataError if a mask is missing, cannot be read, has another size and `size` is not given, or a pixel that is no class.
    """

    holds_paths: ClassVar[bool] = True

    type: Literal["mask"]
    classes: Classes | None = None
    """Names of the classes: pixels 0 are of the first, 1 of the second. Where left out, the classes are the numbers that the pixels of
    the training part have, such as 0 and 255."""
    size: Size | None = None
    """Height and width in pixels to which all masks are brought; each pixel is that of the nearest place. Where left out, all masks must
    have one size."""
    augment: Augment = Augment()
    """Random changes of the training masks. One draw an example changes all its fields: a mask moves and mirrors with its image if
    both have the same `augment` and `size`."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        facts = facts or {}
        classes = facts.get("classes") or self.classes
        axes = facts.get("size") or self.size or (f"{name}.height", f"{name}.width")
        return Shape(tuple(axes), kind="category", classes=len(classes) if classes else name)

    def misfit(self, sizes: tuple[int, ...]) -> str | None:
        if len(sizes) == 2:
            return None
        return "a mask is an array (H, W) of the numbers of classes" + "; an `image` may have channels" * (len(sizes) == 3)

    def glimpsed(self, sizes: tuple[int, ...]) -> Facts | None:
        return {"size": self.size or sizes}

    def build_augment(self) -> Callable[[Tensor, Tensor], Tensor] | None:
        return self.augment.build()

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        import numpy as np

        check_rows(column)
        with in_row(0):
            size = class_pixels(column[0], self.size).shape
        counts = sum(by_pieces(column, lambda piece: np.bincount(self._read(piece, size).ravel(), minlength=MOST)))
        numbers = list(range(len(self.classes))) if self.classes else np.flatnonzero(counts).tolist()
        classes = list(self.classes or map(str, numbers))
        return {"size": list(size), "classes": classes, "numbers": numbers, "counts": counts[numbers].tolist()}

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        import numpy as np

        numbers, masks = np.array(facts["numbers"]), self._read(column, tuple(facts["size"]))
        places = np.searchsorted(numbers, masks).clip(max=len(numbers) - 1)
        strange = numbers[places] != masks
        if strange.any():
            row = int(strange.reshape(len(masks), -1).any(1).argmax())
            raise self._no_class(int(masks[row][strange[row]][0]), facts, row)
        return Encoded(places, said=_said(facts))

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        import numpy as np

        return list(np.array(facts["numbers"])[values].tolist())

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        return list(rng.integers(0, len(self.classes or "012"), (count, *(self.size or (28, 28))), dtype="uint16"))

    def _read(self, column: Sequence[Any], size: tuple[int, ...]) -> np.ndarray:
        """The numbers of all pixels, (n, H, W). Raises: DataError."""
        import numpy as np

        masks = np.empty((len(column), *size), dtype=np.int64)
        for row, value in enumerate(column):
            with in_row(row):
                mask = class_pixels(value, self.size)
                if mask.shape != size:
                    (height, width), (wanted_height, wanted_width) = mask.shape, size
                    what = f"holds a mask {height} pixels high and {width} wide, where {wanted_height} and {wanted_width} are wanted"
                    raise DataError(what, f"`size: [{wanted_height}, {wanted_width}]` brings all masks to one size")
            masks[row] = mask
        return masks

    def _no_class(self, number: int, facts: Facts, row: int) -> DataError:
        if self.classes:
            what = f"holds a pixel {number}, where `classes` names {len(self.classes)}, of 0 to {len(self.classes) - 1}"
            return DataError(what, "name its class there, or give it the number of another one", row)
        known = ", ".join(shown(known) for known in facts["numbers"][:10]) + ", ..." * (len(facts["numbers"]) > 10)
        what = f"holds a pixel {number}, which no mask of the training part has: they have {known}"
        return DataError(what, "name all classes in `classes`, or leave the row out", row)


def _said(facts: Facts) -> str:
    """What the pixels of the training part are."""
    most = max(facts["counts"])
    name = facts["classes"][facts["counts"].index(most)]
    return f"pixels of {len(facts['classes'])} classes; {most / max(sum(facts['counts']), 1):.0%} of the training part are {shown(name)}"
