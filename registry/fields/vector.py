"""Several numbers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import by_pieces, check_rows, depth, real
from nnrun.registry.data.numbers.labels import fit_labels
from nnrun.registry.data.numbers.numeric import Numeric
from nnrun.registry.data.samples import with_gaps
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import Count, Many
from nnrun.registry.shape import Axis, Shape, ShapeError

if TYPE_CHECKING:
    import numpy as np


@register
class Vector(Numeric):
    """Several numbers in each row: columns of a table side by side, or one column that holds lists or an array.

    Shape: (N) with N the number of `columns`, or the size of the array; with `missing: indicator` (2 * N).
    Raises: DataError if a row has no value somewhere, one that is no finite number, or another size than the first row.
    """

    type: Literal["vector"]
    columns: Many[Annotated[str, Option(min_length=1)]] | None = None
    """The columns that are put side by side, in this order. Where left out, one column holds all numbers of a row."""
    size: Count | None = None
    """How many numbers a row of that one column holds, where it should be known before the data is read."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        one_column(self.column, self.columns, self.size)
        size: Axis | None = facts["size"] if facts else self._size
        return self.marked(Shape((size or name,)))

    def misfit(self, sizes: tuple[int, ...]) -> str | None:
        return _as_series(self, sizes) if len(sizes) == 2 else None

    def glimpsed(self, sizes: tuple[int, ...]) -> Facts | None:
        return {"size": sizes[0]} if len(sizes) == 1 and self._size is None else None

    def reads(self, name: str) -> tuple[str, ...]:
        return self.columns or super().reads(name)

    def gather(self, name: str, columns: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
        return side_by_side([columns[column] for column in self.columns]) if self.columns else super().gather(name, columns)

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        size = self._size or first_size(column)

        def parse(piece: Sequence[Any]) -> Encoded:
            return self.numbers(piece, self.columns, size)

        names = {"columns": list(self.columns)} if self.columns else {}
        return {"size": size, **names, **self.learned(column, parse), **fit_labels(by_pieces(column, lambda piece: real(parse(piece))))}

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        return self.encoded(self.numbers(column, self.columns, facts["size"]), facts)

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        made = list(rng.random((count, self._size or 4)))  # units of 0 and 1, or -1 and +1, hold them too
        return made if self.missing == "refuse" else with_gaps(made)

    @property
    def has_features(self) -> bool:
        return True

    @property
    def _size(self) -> int | None:
        return len(self.columns) if self.columns else self.size


def _as_series(field: Field, sizes: tuple[int, ...]) -> str:
    column = f", column: {field.column}" if field.column else ""
    series = f"write `{{type: series, size: {sizes[1]}{column}}}` for {sizes[0]} ticks of {sizes[1]} numbers each"
    return f"{series}, or `{{type: image{column}}}` for a picture" if sizes[0] == sizes[1] else series


def one_column(column: str | None, columns: Sequence[str] | None, size: int | None) -> None:
    """Refuse options that speak of one column beside `columns`. Raises: ShapeError."""
    if columns is None:
        return
    for option, value in (("column", column), ("size", size)):
        if value is not None:
            message = f"`{option}` is for one column that holds lists, but `columns` names {len(columns)}"
            raise ShapeError(message, field=option, help=f"leave out `{option}`")


def side_by_side(columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Columns as rows of tuples, or as an array where they are arrays of numbers; where rows hold lists, as rows of lists of tuples, one
    for each tick.

    Raises: DataError if the lists of a row are not equally long.
    """
    if all(getattr(column, "ndim", 0) == 1 for column in columns):
        import numpy as np

        array: Sequence[Any] = np.column_stack(columns)  # type: ignore[assignment]
        return array
    rows = list(zip(*columns, strict=True))
    if not rows or depth(rows[0][0]) == 0:
        return rows
    for index, row in enumerate(rows):
        lengths = [len(ticks) if depth(ticks) else 0 for ticks in row]
        if min(lengths) != max(lengths):
            raise DataError(
                f"has lists of different length in its columns: {lengths}", "give each column one value for each tick", row=index
            )
    return [list(zip(*row, strict=True)) for row in rows]


def first_size(column: Sequence[Any]) -> int:
    """How many numbers the first row holds. Raises: DataError if it holds no list."""
    check_rows(column)
    if depth(column[0]) == 0:
        help = "`columns: [a, b]` puts columns side by side"
        raise DataError("holds no list of numbers, which a vector without `columns` takes", help, row=0)
    return len(column[0])
