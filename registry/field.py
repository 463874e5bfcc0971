"""What a field type owes: it turns a column of data into numbers, and numbers back into what people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field as Option

from nnrun.registry.component import Component
from nnrun.registry.fault import Fault
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Facts = Mapping[str, Any]
"""What a field learned from the training part: vocabulary, classes, mean. Plain JSON; it travels with the network."""


class DataError(Fault):
    """The data is not what the spec says. `message` names wanted and given; `help` is a repair.

    What a field says of its column is a predicate, `what`, which `naming` completes. `row` is the one to blame, counted
    from 0 in the column that was given; people read it counted from 1.
    """

    kind = "data"
    id = "bad-data"

    def __init__(
        self, what: str, help: str | None = None, row: int | None = None, name: str | None = None, place: str | None = None
    ) -> None:
        where = place or (f"row {row + 1}" if row is not None else None)
        subject = " in ".join(filter(None, [name and f"`{name}`", where]))
        super().__init__(f"{subject} {what}" if subject else what, help)
        self.what, self.row, self.name = what, row, name
        self.path = ("data", "fields", name) if name else ("data",)

    def of(self, name: str, rows: Sequence[int] | None = None) -> DataError:
        """The same, said of the field or column `name`, whose entries stand in these rows of the data."""
        row = int(rows[self.row]) if rows is not None and self.row is not None else self.row
        return DataError(self.what, self.help, row, name)

    def blaming(self, *path: str | int) -> DataError:
        """The same, with the value of the spec that is to blame."""
        self.path = path
        return self

    def at(self, place: str) -> DataError:
        """The same, with the place in the data in place of the row: `films.csv:19`."""
        found = DataError(self.what, self.help, self.row, self.name, place)
        found.path = self.path
        return found


@contextmanager
def naming(name: str, rows: Sequence[int] | None = None) -> Iterator[None]:
    """Within it, what is wrong with a column is said with the name of its field and the rows of the whole data."""
    try:
        yield
    except DataError as error:
        raise error.of(name, rows) from None


@dataclass(frozen=True)
class Encoded:
    """A column as numbers: `values` (n, *axes) or, along time, (n, T, *axes) padded with zeros; then `lengths` (n,) too."""

    values: np.ndarray
    lengths: np.ndarray | None = None
    given: np.ndarray | None = None
    """Where values may be missing, which were there: (n,), or (n, T) along time. What was filled in for the others is no target."""
    whole: np.ndarray | None = None
    """Of a field that may leave out the ends of rows, how many ticks each has with its end, (n,): so many has what lies along it."""
    said: str | None = None
    """What was done to the values, for people: completes a sentence that begins with the field's name and a colon."""


class Field(Component):
    """Base of all field types.

    `fit` and `encode` do not know the field's name: call them within `naming`.
    """

    role: ClassVar[str] = "field"
    timed: ClassVar[bool] = False
    """Whether its values are sequences, with a time axis of their own."""
    holds_paths: ClassVar[bool] = False
    """Whether texts in the column are paths of files."""
    holds_numbers: ClassVar[bool] = False
    """Whether its columns hold nothing but numbers."""

    column: Annotated[str, Option(min_length=1)] | None = None
    """Name of the column or array, where it is not the field's own."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        """Type of the field called `name`; sizes that only the data knows are texts until the facts are there."""
        raise NotImplementedError

    def reads(self, name: str) -> tuple[str, ...]:
        """Columns of the source that the field called `name` is made of."""
        return (self.column or name,)

    def gather(self, name: str, columns: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
        """The column that `fit` and `encode` take, of what `reads` asked for."""
        (column,) = self.reads(name)
        return columns[column]

    def located(self, folder: Path) -> Self:
        """The same field with the paths of its options made absolute; relative ones start at `folder`."""
        return self

    def read_files(self) -> tuple[Path, ...]:
        """Files that its options name, once it is `located`."""
        return ()

    def misfit(self, sizes: tuple[int, ...]) -> str | None:
        """What to write in place of this field, if an array holds examples of these sizes, which it does not take."""
        return None

    def glimpsed(self, sizes: tuple[int, ...]) -> Facts | None:
        """What `shape` may know before any data is read, if an array holds examples of these sizes."""
        return None

    def build_augment(self) -> Callable[[Tensor, Tensor], Tensor] | None:
        """Random changes of a training batch, as the network gets it, that leave its meaning, if any were asked for.

        It is given the batch and three numbers between 0 and 1 for each example, (3, B), which are those of all fields.
        """
        return None

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        """Facts from the training part of the column. Raises: DataError."""
        return {}

    def received(self, column: Sequence[Any], facts: Facts) -> Sequence[Any]:
        """A column as it is sent to a trained network, in the way in which the training data would hold it. Raises: DataError."""
        return column

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        """The column as numbers. Raises: DataError naming the row."""
        raise NotImplementedError

    def ahead(self, name: str, facts: Facts | None = None) -> Shape:
        """Type of a tick behind a window over the field called `name`: of a value that is `bare`."""
        return self.shape(name, facts).tick

    def bare(self, values: Any) -> Any:
        """Encoded values, an array or a tensor, without what is put beside them for the network: what `decode` takes, and a target is."""
        return values

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        """What people read for `values` in the units or symbols of the data: one entry a row."""
        return list(values.tolist())

    def restored(self, values: np.ndarray, facts: Facts) -> list[Any]:
        """A column that would be encoded as `values`, one entry a row: what they are decoded to, where that can be read again."""
        return self.decode(values, facts)

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        """A made-up column of `count` values of this type, for trying a spec without its data."""
        raise NotImplementedError
