"""A file of data as columns, and how a spec says that it is to be read."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from nnrun.registry.catalog import find
from nnrun.registry.data.glance import arrays
from nnrun.registry.data.reading import LONGEST, LONGEST_LINE, read_bytes
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns, Source, SourceError

SIGNS = (",", ";", "\t", "|")
"""What may part the cells of a CSV file."""

LOOKED_AT = 20
"""Lines by which the sign is found."""

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Table:
    """Columns of a file. `source` holds the keys under `data` that read it."""

    title: str
    source: Mapping[str, Any]
    columns: Columns
    parts: tuple[str, ...] = ()
    """Those that the data comes in; empty where it comes in one."""

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))


def read_table(file: Path, folder: Path) -> Table:
    """The columns of a CSV, Parquet or npz file, or of a folder of pictures; paths are told from the spec's `folder`.

    Where the data comes in parts, the columns are those of the training part. Raises: SourceError, DataError.
    """
    if not file.exists():
        raise SourceError(
            f"there is no file or folder `{file}`", "a CSV, Parquet or npz file, or a folder with one of pictures for each class"
        )
    path = os.path.relpath(file.resolve(), folder.resolve())
    ending = file.suffix.lower()
    if file.is_dir():
        return _loaded(file, {"source": "image_folder", "folder": path}, ["image", "label"], folder)
    if ending in (".csv", ".tsv", ".txt", ".data"):
        options, names = _csv(file)
        return _loaded(file, {"source": "csv", "file": path, **options}, names, folder)
    if ending == ".parquet":
        return _loaded(file, {"source": "parquet", "file": path}, _parquet(file), folder)
    if ending == ".npz":
        return _loaded(file, {"source": "npz", "file": path}, _arrays(file), folder)
    help = "`pandas.read_…(…).to_csv` makes a CSV file of most tables"
    raise SourceError(f"`{file}` is none of a CSV, Parquet or npz file and no folder of pictures", help)


def _loaded(file: Path, source: Mapping[str, Any], names: Sequence[str], folder: Path) -> Table:
    cls = find("source", source["source"])
    assert cls is not None
    reader = cls.model_validate(source)
    assert isinstance(reader, Source)
    tables = reader.load(folder, names)
    parts = tuple(part for part in PARTS if part in tables)
    return Table(file.name, source, tables.get("all") or tables["train"], parts)


def _csv(file: Path) -> tuple[dict[str, Any], list[str]]:
    """Options with which the source `csv` reads a file, and the names of its columns. Raises: DataError."""
    content = read_bytes(file, LONGEST)
    options: dict[str, Any] = {}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text, options["encoding"] = content.decode("latin-1"), "latin-1"
    sign = max(SIGNS, key=lambda sign: _width(text, sign))  # the first of equals: the comma
    rows = [row for row in islice(_rows(text, sign), LOOKED_AT + 1) if row]
    if len(rows) < 2:
        raise DataError(f"`{file.name}` has no rows", "its first line names the columns, and each line after it is a row")
    if file.suffix.lower() == ".txt" and len(rows[0]) == 1:
        help = "`nnrun new NAME --from char_lm` starts a model of a text; its data is then `source: text` with `file: PATH`"
        raise DataError(f"`{file.name}` holds no table but a text", help)
    if sign != ",":
        options["delimiter"] = sign
    if _is_row(rows[0], rows[1:]):
        options["header"] = False
        return options, [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
    return options, rows[0]


def _rows(text: str, sign: str) -> Any:
    csv.field_size_limit(LONGEST_LINE)
    return csv.reader(StringIO(text), delimiter=sign)


def _width(text: str, sign: str) -> int:
    """Cells of a row, if all of the first rows have equally many; 1 otherwise."""
    widths = {len(row) for row in islice(_rows(text, sign), LOOKED_AT) if row}
    return widths.pop() if len(widths) == 1 else 1


def _is_row(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the first line holds no names: a number stands where all other rows hold numbers. Names that count (0, 1, 2) are names."""
    numbers = [place for place, cell in enumerate(first) if is_number(cell)]
    counted = [first[place] for place in numbers] in ([str(n) for n in range(len(numbers))], [str(n + 1) for n in range(len(numbers))])
    return any(all(place < len(row) and is_number(row[place]) for row in others) for place in numbers) and not (
        counted and len(numbers) > 1
    )


def is_number(cell: Any) -> bool:
    """Whether a cell holds a finite number."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return False
    return value - value == 0


def _parquet(file: Path) -> list[str]:
    """Raises: SourceError."""
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    try:
        return list(read_schema(file).names)
    except (ArrowException, OSError) as error:
        raise SourceError(f"`{file}` cannot be read as a Parquet file: {error}", "`pandas.DataFrame.to_parquet` writes one") from error


def _arrays(file: Path) -> list[str]:
    """Names of columns; those of parts without the part. Raises: SourceError."""
    found = arrays(file)
    if not found:
        raise SourceError(f"`{file}` cannot be read as an npz archive", "`numpy.savez(file, x=array)` writes such an archive")
    if not any(name.endswith("_train") for name in found):
        return list(found)
    return list(dict.fromkeys(name.removesuffix("_train") for name in found if name.endswith("_train")))
