"""One of a few names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema
from pydantic import Field as Option
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import MISSING, by_pieces, by_row, check_rows, is_missing, is_ragged, real, shown
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.data.spelling import LEARNED, as_learned, composed
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import NAME
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np


LONGEST = 1000
"""Characters of a name."""


def class_name(value: object) -> str | None:
    """A value of the data as the name of a class: `setosa`, `3` (also for 3.0), `true`; None if it names none."""
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int) and value != "" else None


def _classes(value: Any) -> tuple[str, ...]:
    named = [class_name(entry) for entry in value] if isinstance(value, list | tuple) else []
    names = tuple(composed(name) for name in named if name is not None)
    if len(names) < max(2, len(named)) or len(set(names)) < len(names):
        raise PydanticCustomError("wrong_type", "a list of two different names or more")
    return names


Classes = Annotated[Any, BeforeValidator(_classes), WithJsonSchema({"type": "array", "minItems": 2, "uniqueItems": True})]


@register
class Category(Field):
    """One of a few names in each row, such as the species of a flower. Names may be texts, whole numbers, or true and false;
    texts that look alike are one name, however Unicode composes their characters.

    The classes are those of the training part, in the order of the alphabet or of the numbers; `classes` fixes them.

    Shape: a category; with `along`, a category at each tick of the other field.
    Raises: DataError if a row has no value, or one that is not among the classes.
    """

    type: Literal["category"]
    classes: Classes | None = None
    """All names that may occur, in the order in which the network counts them. The shape is then known before the data is
    read, and a class may be missing from the training part."""
    along: Annotated[str, Option(pattern=NAME)] | None = None
    """The field that has this category at each of its ticks. A row then holds a list, one name for each tick; along a
    series, whose ticks are the rows, it holds one name."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        classes = facts["classes"] if facts else self.classes
        return Shape(kind="category", classes=len(classes) if classes else name, time=self.along)

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        import numpy as np

        check_rows(column)

        def names(values: Sequence[Any]) -> np.ndarray:
            return np.array(list(_names(values, LEARNED)), dtype=object)

        counts: Counter[Any] = Counter()
        for parsed in by_pieces(column, lambda piece: by_row(piece, names) if is_ragged(piece) else Encoded(names(piece))):
            counts.update(real(parsed).tolist())
        classes = self.classes or _sorted(counts)
        return {"classes": list(classes), "counts": [counts[name] for name in classes], **LEARNED}

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        import numpy as np

        number = {name: index for index, name in enumerate(facts["classes"])}

        def numbers(names: Sequence[Any]) -> np.ndarray:
            return np.array([self._find(name, number, row) for row, name in enumerate(_names(names, facts))], dtype=np.int64)

        return by_row(column, numbers) if is_ragged(column) else Encoded(numbers(column))

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        import numpy as np

        return list(np.array(facts["classes"], dtype=object)[values].tolist())

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        import numpy as np

        classes = np.array(self.classes or ("one", "three", "two"))
        if self.along:
            return in_ticks(lambda n: rng.choice(classes, n).tolist(), count)
        return [str(name) for name in rng.permutation(np.resize(classes, count))]  # each class occurs if there is room

    def _find(self, name: str, number: dict[str, int], row: int) -> int:
        if name in number:
            return number[name]
        known = ", ".join(map(shown, list(number)[:10])) + (", ..." if len(number) > 10 else "")
        if self.classes:
            raise DataError(f"holds the class {shown(name)}, which is not among `classes`: {known}", "add it to `classes`", row=row)
        help = "list all names under `classes`, stratify the split by this field, or leave the row out"
        raise DataError(f"holds the class {shown(name)}, which does not occur in the training part: {known}", help, row=row)


def _names(values: Sequence[Any], facts: Facts) -> Iterator[str]:
    known: dict[str, str] = {}
    for row, value in enumerate(values.tolist() if hasattr(values, "tolist") else values):
        if type(value) is str and value in known:
            yield known[value]
            continue
        name = _name(value, row, facts)
        if type(value) is str:
            known[value] = name
        yield name


def _name(value: Any, row: int, facts: Facts) -> str:
    """Raises: DataError."""
    if is_missing(value):
        raise DataError("has no value", MISSING, row=row)
    name = class_name(value)
    if name is not None and len(name) > LONGEST:
        what = f"holds a name of {len(name):,} characters, where {LONGEST:,} are allowed"
        raise DataError(what, "a `text` field takes texts", row=row)
    if name is None:
        raise DataError(f"holds {shown(value)}, which names no class", "a `number` field takes numbers that are not whole", row=row)
    return as_learned(name, facts)


def _sorted(names: Iterable[str]) -> list[str]:
    """Whole numbers by size, before all other names by the alphabet."""

    def key(name: str) -> tuple[bool, int, str]:
        whole = name.removeprefix("-").isdecimal()
        return not whole, int(name) if whole else 0, name

    return sorted(names, key=key)
