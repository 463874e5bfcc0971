"""What a data source owes: columns by name, in parts where the data comes in parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from nnrun.registry.component import Component
from nnrun.registry.fault import Fault

Columns = Mapping[str, Sequence[Any]]
"""Columns of equal length by name: lists or numpy arrays."""


Sizes = tuple[int, ...]
"""Of an example in an array: its axes but the first. Of a column of cells nothing is known: no axes."""


class SourceError(Fault):
    """The data cannot be had: a missing file, package or network."""

    kind = "missing"
    id = "no-data"
    path = ("data", "source")


@dataclass(frozen=True)
class Column:
    """What a source knows of a column before it is opened."""

    type: str
    """The field type that fits it best."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options that a field may therefore leave out, such as the size of an image."""
    about: str = ""


@dataclass(frozen=True)
class Glance:
    """What was seen of the files of a source, by their paths as the spec has them."""

    missing: tuple[str, ...] = ()
    """Files that are not there."""
    tables: Mapping[str, Mapping[str, Sizes]] = field(default_factory=dict)
    """Of those that are, the columns with what is known of their sizes."""


@dataclass(frozen=True)
class Pieces:
    """Data that can be read a piece at a time."""

    rows: Mapping[str, int]
    """How many each part has."""
    read: Callable[[str, Sequence[str]], Iterator[Columns]]
    """These columns of a part, some rows at a time, in order; from the beginning each time it is called. Raises: SourceError, DataError."""


class Source(Component):
    """Base of all data sources."""

    role: ClassVar[str] = "source"
    tag: ClassVar[str] = "source"
    may_come_in_parts: ClassVar[bool] = False
    """Whether only the data tells if it comes in parts."""
    generated: ClassVar[bool] = False
    """Whether the examples are made up by a rule, wholly or of real pieces; a run on them says so."""

    @property
    def makes(self) -> int | None:
        """How many rows there will be, where an option says so."""
        return None

    def columns(self) -> Mapping[str, Column] | None:
        """The columns, where they are known without opening anything."""
        return None

    def glance(self, folder: Path) -> Glance:
        """What a few bytes of its files tell, of files within the spec's folder only."""
        return Glance()

    def misread(self, heading: Sequence[str], columns: Collection[str]) -> tuple[str, str] | None:
        """What is wrong with how the names of a heading are told apart, and a repair, if these columns are wanted of it."""
        return None

    def origin(self, part: str) -> str:
        """Where a part comes from, as people read it; `all` for data that comes in one."""
        return f"`{self.type_name()}`"

    def read_files(self, folder: Path) -> tuple[Path, ...]:
        """The user's files that the data is read from, and folders of which all is; none where a package or a rule gives it.
        Raises: SourceError."""
        return ()

    def place(self, folder: Path, part: str, row: int) -> str:
        """Where a row of a part stands, counted from 0, as people find it: `films.csv:19`."""
        return f"row {row + 1} of {self.origin(part)}"

    def expecting(self, numbers: Collection[str]) -> Source:
        """The same source, which may give these columns as arrays of finite numbers where it finds nothing else in them."""
        return self

    def pieces(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> Pieces | None:
        """The same as `load`, for data that memory does not hold; None where it can only be read whole."""
        return None

    def load(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> dict[str, Columns]:
        """The columns asked for, by part: `all`, or `train`, `valid`, `test` where the data comes split.

        `folder` is the spec's own; paths are relative to it. Texts in the columns named by `paths` are paths of files,
        relative to the file they stand in, and come back absolute. Raises: SourceError, DataError.
        """
        raise NotImplementedError
