"""Tables as Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.arrays import RATIO, SMALL
from nnrun.registry.data.tables import FileSource, check_columns
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns, SourceError

ROWS, LISTS = 1 << 16, 1 << 10
"""Rows that are unpacked at once, and of those that hold lists, which may be of any length."""


@register
class Parquet(FileSource):
    """A Parquet file: columns with types, which may hold lists and packed pictures. Only the columns that fields ask for are read."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)

    source: Literal["parquet"]

    def rows(self, file: Path) -> int:
        with _opened(file) as opened:
            return int(opened.metadata.num_rows)

    def read(self, file: Path, columns: Sequence[str]) -> Columns:
        from pyarrow.parquet import ParquetFile

        with _opened(file) as opened:
            found = check_columns(f"`{file.name}`", columns, opened.schema_arrow.names)
            texts = [name for name in found.values() if _is_text(opened.schema_arrow.field(name).type)]
            with ParquetFile(file, read_dictionary=texts) as in_dictionaries:
                table = _table(in_dictionaries, list(dict.fromkeys(found.values())), file)
        return {name: unpacked(table.column(own)) for name, own in found.items()}

    def read_in_pieces(self, file: Path, columns: Sequence[str]) -> Iterator[Columns]:
        return _read(file, columns)


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Raises: SourceError for what is no Parquet file."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(file, pre_buffer=False) as opened:  # else all row groups wait in memory
            yield opened
    except (ArrowException, OSError, MemoryError) as error:
        raise SourceError(f"`{file}` cannot be read as a Parquet file: {error}", "`pandas.DataFrame.to_parquet` writes one") from error


def _read(file: Path, columns: Sequence[str]) -> Iterator[Columns]:
    """Some rows at a time, of which none takes more room than memory has."""
    from pyarrow import Table
    from pyarrow.types import is_nested

    with _opened(file) as opened:
        found = check_columns(f"`{file.name}`", columns, opened.schema_arrow.names)
        own = list(dict.fromkeys(found.values()))
        types = [opened.schema_arrow.field(name).type for name in own]
        wide = any(is_nested(type) or _is_text(type) for type in types)
        for piece in opened.iter_batches(LISTS if wide else ROWS, columns=own):
            table = Table.from_batches([piece])
            yield {name: unpacked(table.column(held)) for name, held in found.items()}


def _table(opened: Any, columns: list[str], file: Path) -> Any:
    """These columns, piece by piece: what a few bytes say again and again may be far larger than memory. Raises: DataError."""
    import pyarrow.types as types
    from pyarrow import RecordBatch, Table

    most, size, pieces = max(SMALL, RATIO * file.stat().st_size), 0, []
    nested = any(types.is_nested(opened.schema_arrow.field(name).type) for name in columns)
    for piece in opened.iter_batches(LISTS if nested else ROWS, columns=columns):
        size += sum(_size(column) for column in piece.columns)
        if size > most:
            help = "write it without compression and dictionaries: `to_parquet(…, compression=None, use_dictionary=False)`"
            raise DataError(f"`{file.name}` unpacks from {file.stat().st_size:,} bytes to more than {most:,}, which are allowed", help)
        pieces.append(RecordBatch.from_arrays([_decoded(column) for column in piece.columns], names=piece.schema.names))
    return Table.from_batches(pieces) if pieces else opened.read(columns=columns)


def _is_text(type: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(type) or types.is_binary(type) or types.is_large_string(type) or types.is_large_binary(type))


def _size(column: Any) -> int:
    """Bytes, with each text as often as it stands there."""
    import pyarrow.compute as compute
    import pyarrow.types as types

    if types.is_dictionary(column.type) and _is_text(column.type.value_type):
        return int(compute.sum(compute.take(compute.binary_length(column.dictionary), column.indices)).as_py() or 0)
    return int(column.nbytes)


def _decoded(column: Any) -> Any:
    import pyarrow.types as types

    return column.dictionary_decode() if types.is_dictionary(column.type) else column


def unpacked(column: Any) -> Any:
    """Numbers as an array, with NaN in gaps, and lists of equally many finite numbers as one; all else as a list, with None in gaps."""
    import pyarrow.types as types

    if _is_number(column.type):
        return column.to_numpy()
    if types.is_list(column.type) and _is_number(column.type.value_type) and column.null_count == 0 and len(column) > 0:
        rows = _as_array(column)
        if rows is not None:
            return rows
    return column.to_pylist()


def _is_number(type: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(type) or types.is_floating(type))


def _as_array(column: Any) -> Any:
    """Lists of numbers as an array, which is a hundred times faster than as lists; None where they differ in length, or have gaps."""
    import numpy as np
    import pyarrow.compute as compute

    lengths = compute.unique(compute.list_value_length(column))
    flat = compute.list_flatten(column)
    if len(lengths) != 1 or lengths[0].as_py() == 0 or flat.null_count:
        return None
    numbers = flat.to_numpy()
    return numbers.reshape(len(column), -1) if np.isfinite(numbers).all() else None
