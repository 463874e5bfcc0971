"""What data sources share: choosing columns, and tables that come in files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Option
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import all_of, near
from nnrun.registry.data.files import existing, locate
from nnrun.registry.data.paths.many import is_many, joined, listed
from nnrun.registry.data.paths.urls import fetched, is_url, kept
from nnrun.registry.data.reading import plain
from nnrun.registry.data.spelling import spelled
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns, Glance, Pieces, Sizes, Source, SourceError

FilePath = Annotated[str, Option(min_length=1)]


class Files(BaseModel):
    """One file for each part of the data. Where none is for validation, `split` cuts its share off the training part; for a test only
    if it is asked to."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    train: FilePath
    """What the network learns from."""
    valid: FilePath | None = None
    """What early stopping and a search look at."""
    test: FilePath | None = None
    """What is looked at once, at the end."""


class FileSource(Source):
    """A table in files: one or many, or some for each part. A file whose ending says that it is another source's is read by that."""

    may_come_in_parts: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Endings of files that this source reads; without any it reads every file its own way."""

    quoted: ClassVar[tuple[str, ...]] = ()
    """Endings of files whose text may be quoted wherever they lie; any may in the spec's folder. Without any nothing is quoted."""

    file: FilePath | None = None
    """Path of the file, relative to the spec. A folder, or a path with `*` such as `days/*.csv`, means many files, which are read in the
    order of their names. A URL, such as `https://…/a.csv` or `s3://…/a.parquet`, is fetched once, and kept in `~/.cache/nnrun/urls`; with
    the extra `remote`."""
    files: Files | None = None
    """Paths of separate files for the parts, such as `{train: a.csv, test: b.csv}`, instead of `file`."""

    @model_validator(mode="after")
    def _file_or_files(self) -> Self:
        if (self.file is None) == (self.files is None):
            given = "neither" if self.file is None else "both"
            raise PydanticCustomError("conflict", "either `file`, the path of one file, or `files`, one for each part", {"given": given})
        return self

    def load(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> dict[str, Columns]:
        return {
            part: joined([self._table(file, columns, paths) for file in self.found(folder, path)]) for part, path in self._parts().items()
        }

    def pieces(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> Pieces | None:
        files = {part: self.found(folder, path) for part, path in self._parts().items()}
        counts = {part: [self.reader(file).rows(file) for file in held] for part, held in files.items()}
        rows = {part: sum(count for count in held if count is not None) for part, held in counts.items() if None not in held}
        if len(rows) < len(files):
            return None

        def read(part: str, wanted: Sequence[str]) -> Iterator[Columns]:
            for file in files[part]:
                for table in self.reader(file).read_in_pieces(file, wanted):
                    yield {name: absolute(values, file.parent) if name in paths else values for name, values in table.items()}

        return Pieces(rows, read)

    def read_files(self, folder: Path) -> tuple[Path, ...]:
        return tuple(file for path in self._parts().values() for file in self.found(folder, path))

    def place(self, folder: Path, part: str, row: int) -> str:
        path = self._parts().get(part)
        if path is None or not _is_there(folder, path):  # the rows came otherwise
            return super().place(folder, part, row)
        files = self.found(folder, path)
        counts = [self.reader(file).rows(file) for file in files[:-1]]
        starts = [0, *accumulate(count for count in counts if count is not None)]
        if len(starts) < len(files):
            return super().place(folder, part, row)
        number = bisect_right(starts, row) - 1
        file = files[number]
        name = path if len(files) == 1 else str(file.relative_to(folder.resolve()) if file.is_relative_to(folder.resolve()) else file)
        return self.reader(file).place_in(file, name, row - starts[number])

    def _parts(self) -> dict[str, str]:
        """The path of each part; it may mean many files."""
        return {"all": str(self.file)} if self.files is None else self.files.model_dump(exclude_none=True)

    def glance(self, folder: Path) -> Glance:
        missing: list[str] = []
        tables: dict[str, dict[str, Sizes]] = {}
        for path in (path for path in self._parts().values() if not is_url(path)):
            try:
                found, many = locate(folder, path), is_many(folder, path)
            except (SourceError, RuntimeError, ValueError):  # the home of nobody, links in a circle, a zero byte
                missing.append(path)
                continue
            if many or not found.is_relative_to(folder.resolve()):
                continue
            if not found.is_file():
                missing.append(path)
            elif (columns := self.reader(found).heading(found)) is not None:
                tables[path] = columns
        return Glance(tuple(missing), tables)

    def heading(self, file: Path) -> dict[str, Sizes] | None:
        """The columns of a file, with the sizes of arrays; None where only reading it would tell."""
        return None

    def rows(self, file: Path) -> int | None:
        """How many rows a file has, without keeping them; None where only reading it would tell. Raises: SourceError, DataError."""
        return None

    def place_in(self, file: Path, name: str, row: int) -> str:
        """Where a row of a file stands, counted from 0. `name` is what people call the file."""
        return f"row {row + 1} of `{name}`"

    def origin(self, part: str) -> str:
        return f"`{self.file if self.files is None else getattr(self.files, part)}`"

    def read(self, file: Path, columns: Sequence[str]) -> Columns:
        """These columns of one file. Raises: SourceError, DataError."""
        raise NotImplementedError(f"{type(self).__name__} does not read a file")

    def read_in_pieces(self, file: Path, columns: Sequence[str]) -> Iterator[Columns]:
        """The same, some rows at a time, where memory need not hold all. Raises: SourceError, DataError."""
        yield self.read(file, columns)

    def reader(self, file: Path) -> FileSource:
        """The source that reads such a file: this one, unless the ending says that it is another's."""
        ending = file.suffix.lower()
        if not self.suffixes or ending in self.suffixes:
            return self
        other = next((cls for cls in all_of("source").values() if issubclass(cls, FileSource) and ending in cls.suffixes), None)
        return self if other is None else other.model_validate({"source": other.type_name(), "file": str(file)})

    def found(self, folder: Path, path: str) -> list[Path]:
        """The files that a path of the spec means. Raises: SourceError."""
        if is_url(path):
            return [fetched(path)]
        if not is_many(folder, path):
            return [self._found(folder, path)]
        ending = self.suffixes[0] if self.suffixes else ""
        return [self._found(folder, str(file)) for file in listed(folder, path, ending)]

    def _found(self, folder: Path, path: str) -> Path:
        """Raises: SourceError, also for a file that is perhaps no data: messages quote what they cannot read."""
        file = plain(existing(folder, path))
        endings = self.reader(file).quoted
        if endings and file.suffix.lower() not in endings and not file.is_relative_to(folder.resolve()):
            message = f"`{path}` lies outside of the spec's folder, and its name does not end as that of a table: {', '.join(endings)}"
            raise SourceError(message, "give it such an ending, or move it into the spec's folder")
        return file

    def _table(self, file: Path, columns: Sequence[str], paths: Collection[str]) -> Columns:
        table = self.reader(file).read(file, columns)
        return {name: absolute(values, file.parent) if name in paths else values for name, values in table.items()}


def _is_there(folder: Path, path: str) -> bool:
    return kept(path).is_file() if is_url(path) else is_many(folder, path) or locate(folder, path).is_file()


class PackagedSource(Source):
    """A table that an installed package ships."""

    def load(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> dict[str, Columns]:
        table = self.table()
        found = check_columns(f"`{self.type_name()}`", columns, table)
        return {"all": {name: table[own] for name, own in found.items()}}

    def table(self) -> Mapping[str, Any]:
        """All columns."""
        raise NotImplementedError(f"{type(self).__name__} has no table")


@contextmanager
def needs_extra(source: str, package: str, extra: str) -> Iterator[None]:
    """Within it, an import that fails names the optional part of nnrun that brings the package. Raises: SourceError."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise SourceError(f"`{source}` needs the package {package}, which is not installed", f'pip install "nnrun[{extra}]"') from None


class MissingColumn(DataError):
    """A table lacks a column that is wanted. `near` is one that is there and may be meant."""

    id = "no-column"

    def __init__(self, what: str, help: str | None = None, *, column: str, near: str | None = None) -> None:
        super().__init__(what, help)
        self.column, self.near = column, near


def check_columns(place: str, wanted: Sequence[str], present: Collection[str]) -> dict[str, str]:
    """How each column that is wanted is spelled there. Raises: MissingColumn for one that is not."""
    found = {name: spelled(name, present) for name in wanted}
    for name, own in found.items():
        if own is None:
            others = ", ".join(f"`{other}`" for other in present)
            close = near(name, present)
            help = f"a column `{close}` exists: name it in `column`, or in `columns` of several"
            help = (
                help
                if close
                else f"a field reads one of {others}, by its own name or by `column: NAME`; a vector, by `columns: [NAME, NAME]`"
            )
            raise MissingColumn(f"{place} has no column `{name}`, only {others}", help, column=name, near=close)
    return {name: own for name, own in found.items() if own is not None}


def check_lengths(place: str, table: Columns) -> None:
    """Refuse columns of different length. Raises: DataError."""
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
        raise DataError(f"{place} has columns of different length: {listed}", "each needs one entry for each example")


def absolute(values: Sequence[Any], folder: Path) -> Sequence[Any]:
    """Paths of files made absolute, also within lists; what is no path stays."""
    if hasattr(values, "dtype") and hasattr(values, "tolist"):
        return absolute(values.tolist(), folder) if values.dtype.kind == "U" else values
    return [_absolute(value, folder) for value in values]


def _absolute(value: Any, folder: Path) -> Any:
    if isinstance(value, str) and value.strip():
        return str(locate(folder, value))
    if isinstance(value, list | tuple):
        return [_absolute(entry, folder) for entry in value]
    if isinstance(value, dict) and not value.get("bytes"):
        return _absolute(value.get("path"), folder)
    return value
