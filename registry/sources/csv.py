"""Tables as text, one line for each row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field as Option
from pydantic import PrivateAttr

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import from_arrow
from nnrun.registry.data.glance import first_line
from nnrun.registry.data.reading import LONGEST_LINE, lines, plain
from nnrun.registry.data.spelling import spelled
from nnrun.registry.data.tables import FileSource, check_columns
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns, Sizes

BLOCK = LONGEST_LINE
"""Bytes that Arrow reads at once: a line is within one or two of them."""

WHOLE, ROWS = 64 << 20, 1 << 14
"""Bytes of a file that is read whole, and rows that are read at once of a larger one, where memory need not hold all."""

_OF_BYTES = ("utf-8", "latin-1", "ascii")
"""Encodings in which a byte that looks like the end of a line is one."""

_SIGNS = (";", "\t", "|", ",")
_QUOTED = {";": '";"', "\t": '"\\t"', "|": '"|"', ",": '","'}


@register
class Csv(FileSource):
    """A CSV file: one line for each row, its cells parted by a sign, the names of the columns in the first line.

    All cells are read as text; the fields make numbers, names and pictures of them. A cell may stand in double quotes and
    then hold the sign, line breaks, and quotes written twice. Empty lines are passed over.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    quoted: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")

    source: Literal["csv"]
    delimiter: Annotated[str, Option(min_length=1, max_length=1)] = ","
    """The sign between two cells: `;` in many European files, `"\\t"` for tabs."""
    header: bool = True
    """Whether the first line holds the names of the columns. Where not, they are called `column_1`, `column_2` and so on."""
    encoding: str = "utf-8"
    """How characters are written as bytes; `latin-1` in many older files."""

    def rows(self, file: Path) -> int:
        plainly = _count(plain(file)) if self.encoding in _OF_BYTES else None
        return (sum(1 for _ in self._rows(file)) if plainly is None else plainly) - self.header

    def place_in(self, file: Path, name: str, row: int) -> str:
        numbers = (line for line, _ in self._rows(file))
        return f"`{name}:{next(islice(numbers, row + self.header, None))}`"

    def heading(self, file: Path) -> dict[str, Sizes] | None:
        import csv

        line = first_line(file, self.encoding) if self.header else None
        if not line or line.count('"') % 2:  # a name that goes on in the next line
            return None
        names = next(csv.reader([line], delimiter=self.delimiter), [])
        return dict.fromkeys(names, ())

    _numbers: frozenset[str] = PrivateAttr(default=frozenset())

    def expecting(self, numbers: Collection[str]) -> Csv:
        told = self.model_copy()
        told._numbers = frozenset(numbers)
        return told

    def read(self, file: Path, columns: Sequence[str]) -> Columns:
        return self._at_once(file, columns) or self._row_by_row(file, columns)

    def _at_once(self, file: Path, columns: Sequence[str]) -> Columns | None:
        """The same by Arrow, in a tenth of the time; None where the two might not agree, or something is wrong that has to be said."""
        if not self.header or self.encoding != "utf-8" or not self.delimiter.isascii() or not file.stat().st_size:
            return None
        with file.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
            if any(content.find(sign) >= 0 for sign in (b'"', b"\r", b"\0", b"\xef\xbb\xbf")):
                return None
        names = (first_line(file, self.encoding) or "").split(self.delimiter)
        found = {name: own for name in columns if (own := spelled(name, names)) is not None}
        if len(found) < len(columns) or len(set(names)) < len(names):
            return None
        import numpy as np
        from pyarrow import ArrowException, csv, float64, string

        types = {own: float64() if name in self._numbers else string() for name, own in found.items()}
        try:
            table = csv.read_csv(
                file,
                csv.ReadOptions(use_threads=False, block_size=BLOCK),
                csv.ParseOptions(delimiter=self.delimiter, quote_char=False),
                csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[], strings_can_be_null=False),
            )
        except ArrowException:
            return None
        arrays = {name: from_arrow(table[own]) for name, own in found.items() if name in self._numbers}
        if not len(table) or not all(np.isfinite(array).all() for array in arrays.values()):
            return None
        return {name: arrays[name] if name in arrays else table[own].to_pylist() for name, own in found.items()}  # type: ignore[misc]

    def read_in_pieces(self, file: Path, columns: Sequence[str]) -> Iterator[Columns]:
        if file.stat().st_size <= WHOLE:
            yield self.read(file, columns)
        else:
            yield from self._pieces(file, columns, ROWS)

    def _row_by_row(self, file: Path, columns: Sequence[str]) -> Columns:
        (whole,) = self._pieces(file, columns, None)
        return whole

    def _pieces(self, file: Path, columns: Sequence[str], count: int | None) -> Iterator[Columns]:
        """So many rows at a time, or all."""
        rows = self._rows(file)
        _, first = next(rows, (0, None))
        if first is None:
            raise DataError(f"`{file.name}` is empty", "its first line names the columns")
        names = first if self.header else [f"column_{number}" for number in range(1, len(first) + 1)]
        if self.header and (wrong := self.misread(names, columns)) is not None:
            what, help = wrong
            raise DataError(f"the first line of `{file.name}` {what}", help).blaming("data", "source")
        found = check_columns(f"`{file.name}`", columns, names)
        twice = [name for name in found.values() if names.count(name) > 1]
        if twice:
            raise DataError(
                f"`{file.name}` has {names.count(twice[0])} columns `{twice[0]}`", "give each a name of its own in the first line"
            )
        places = [names.index(own) for own in found.values()]
        cells, told = [] if self.header else [[first[place] for place in places]], False
        for line, row in rows:
            if len(row) != len(names):
                what = f"line {line} of `{file.name}` has a row of {len(row)}, where {len(names)} cells are wanted"
                raise DataError(what, "set `delimiter`, or put quotes around a cell that holds it")
            cells.append([row[place] for place in places])
            if len(cells) == count:
                yield dict(zip(found, map(list, zip(*cells, strict=True)), strict=True))
                cells, told = [], True
        if not cells and not told:
            raise DataError(f"`{file.name}` has no rows, only a heading", "write a line for each example")
        if cells:
            yield dict(zip(found, map(list, zip(*cells, strict=True)), strict=True))

    def misread(self, heading: Sequence[str], columns: Collection[str]) -> tuple[str, str] | None:
        (name, *more), wanted = heading or [""], set(columns)
        for sign in _SIGNS if not more and name not in wanted else ():
            if sign in name and not wanted.isdisjoint(part.strip() for part in name.split(sign)):
                return f"has no `{self.delimiter}` between its names: {name}", f"write `delimiter: {_QUOTED[sign]}` beside `source`"
        return None

    def _rows(self, file: Path) -> Iterator[tuple[int, list[str]]]:
        """Each row with the number of its last line."""
        import csv

        csv.field_size_limit(LONGEST_LINE)  # Python's own limit of 131,072 is too short for a long text
        reader = csv.reader(lines(file, self.encoding), delimiter=self.delimiter, strict=True)
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as error:
            long = "field limit" in str(error)
            place = f"at line {reader.line_num}"
            what = f"has more than {LONGEST_LINE:,} characters in a cell {place}" if long else f"cannot be read {place}: {error}"
            help = "divide long texts into several rows" if long else "quotes inside a quoted cell stand twice"
            raise DataError(f"`{file.name}` {what}", help) from None


def _count(file: Path) -> int | None:
    """The lines of a file that are a row each; None where some are none, or only part of one."""
    if not file.stat().st_size:
        return None
    with file.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        if content[:1] == b"\n" or any(content.find(sign) >= 0 for sign in (b'"', b"\r", b"\n\n")):
            return None
        return sum(chunk.count(b"\n") for chunk in iter(lambda: content.read(WHOLE), b"")) + (content[-1:] != b"\n")
