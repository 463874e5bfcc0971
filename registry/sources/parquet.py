"""Tables as Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
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
    """A Parquet file: columns with types, which may hold lists and packed pictures.

    Only the columns that fields ask for are read.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)

    source: Literal["parquet"]

    def read(self, file: Path, columns: Sequence[str]) -> Columns:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile

        try:
            with ParquetFile(file) as opened:
                found = check_columns(f"`{file.name}`", columns, opened.schema_arrow.names)
                texts = [name for name in found.values() if _is_text(opened.schema_arrow.field(name).type)]
            with ParquetFile(file, read_dictionary=texts) as opened:
                table = _table(opened, list(dict.fromkeys(found.values())), file)
        except (ArrowException, OSError, MemoryError) as error:
            raise SourceError(f"`{file}` cannot be read as a Parquet file: {error}", "`pandas.DataFrame.to_parquet` writes one") from error
        return {name: _values(table.column(own)) for name, own in found.items()}


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


def _values(column: Any) -> Any:
    """Numbers as an array, with NaN in gaps; all else as a list, with None in gaps."""
    import pyarrow.types as types

    numbers = types.is_integer(column.type) or types.is_floating(column.type)
    return column.to_numpy() if numbers else column.to_pylist()
