"""One of a few names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema
from pydantic import Field as Option
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import NAMELESS, by_pieces, by_row, check_rows, is_missing, is_ragged, real, shown
from nnrun.registry.data.samples import in_ticks, with_gaps
from nnrun.registry.data.spelling import LEARNED, as_learned, composed
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import NAME, Count
from nnrun.registry.shape import Shape, ShapeError

if TYPE_CHECKING:
    import numpy as np


LONGEST = 1000
"""Characters of a name."""

OTHER = "(other)"
"""The class of names that are no class of their own."""

NOTHING = -1
"""In the place of a class where there is none."""

RARE = 2
"""How often a name must occur to be a class of its own, where nothing else is said."""


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
    unseen: Literal["refuse", "other"] = "refuse"
    """What becomes of a name that is no class: `refuse` ends with its row, `other` takes it for one more class, `(other)`,
    the last one, which rare names of the training part teach."""
    min_count: Count | None = None
    """How often a name must occur in the training part to be a class of its own, with `unseen: other`; 2 where left out."""
    missing: Literal["refuse", "other", "skip"] = "refuse"
    """What becomes of an empty cell: `refuse` ends with its row, `other` takes it for the class `(other)`. `skip`, for a
    target alone: losses and metrics leave it out."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        if self.min_count is not None and self.unseen == "refuse":
            message = "`min_count` takes rare names for the class `(other)`, which `unseen: other` brings"
            raise ShapeError(message, field="min_count", help="add `unseen: other`, or leave out `min_count`")
        classes = facts["classes"] if facts else [*self.classes, *self._others] if self.classes else None
        return Shape(kind="category", classes=len(classes) if classes else name, time=self.along)

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        import numpy as np

        check_rows(column)

        def names(values: Sequence[Any]) -> np.ndarray:
            return np.array(list(self._names(values, LEARNED)), dtype=object)

        counts: Counter[Any] = Counter()
        for parsed in by_pieces(column, lambda piece: by_row(piece, names) if is_ragged(piece) else Encoded(names(piece))):
            counts.update(real(parsed).tolist())
        counts.pop(None, None)
        if not counts:
            raise DataError("has no value at all in the training part", "leave it out")
        classes = self.classes or _sorted(name for name in counts if name != OTHER and counts[name] >= self._least)
        own = set(classes)
        others = sum(count for name, count in counts.items() if name not in own)
        known = [counts[name] for name in classes]
        return {"classes": [*classes, *self._others], "counts": [*known, *([others] if self._others else [])], **LEARNED}

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        import numpy as np

        number = {name: index for index, name in enumerate(facts["classes"])}

        def numbers(names: Sequence[Any]) -> np.ndarray:
            return np.array([self._find(name, number, row) for row, name in enumerate(self._names(names, facts))], dtype=np.int64)

        found = by_row(column, numbers) if is_ragged(column) else Encoded(numbers(column))
        return found if self.missing != "skip" else replace(found, values=np.maximum(found.values, 0), given=found.values != NOTHING)

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        import numpy as np

        return list(np.array(facts["classes"], dtype=object)[values].tolist())

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        import numpy as np

        classes = np.array(self.classes or ("one", "three", "two"))
        if self.along:
            return in_ticks(lambda n: rng.choice(classes, n).tolist(), count)
        made = [str(name) for name in rng.permutation(np.resize(classes, count))]  # each class occurs if there is room
        return made if self.missing == "refuse" else with_gaps(made)

    @property
    def _others(self) -> tuple[str, ...]:
        """The class of all others, if there is one."""
        return (OTHER,) if "other" in (self.unseen, self.missing) else ()

    @property
    def _least(self) -> int:
        """How often a class occurs at least."""
        return (self.min_count or RARE) if self.unseen == "other" else 1

    def _names(self, values: Sequence[Any], facts: Facts) -> Iterator[str | None]:
        """The names of cells, None for one that is left out. Raises: DataError."""
        known: dict[str, str] = {}
        for row, value in enumerate(values.tolist() if hasattr(values, "tolist") else values):
            if type(value) is str and value in known:
                yield known[value]
                continue
            if is_missing(value) and self.missing != "refuse":
                yield OTHER if self.missing == "other" else None
                continue
            name = _name(value, row, facts)
            if type(value) is str:
                known[value] = name
            yield name

    def _find(self, name: str | None, number: dict[str, int], row: int) -> int:
        if name is None:
            return NOTHING
        if name in number:
            return number[name]
        if self.unseen == "other":
            return number[OTHER]
        known = ", ".join(map(shown, list(number)[:10])) + (", ..." if len(number) > 10 else "")
        if self.classes:
            raise DataError(f"holds the class {shown(name)}, which is not among `classes`: {known}", "add it to `classes`", row=row)
        help = "write `unseen: other`, list all names under `classes`, stratify the split by this field, or leave the row out"
        raise DataError(f"holds the class {shown(name)}, which does not occur in the training part: {known}", help, row=row)


def _name(value: Any, row: int, facts: Facts) -> str:
    """Raises: DataError."""
    if is_missing(value):
        raise DataError("has no value", NAMELESS, row=row)
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
