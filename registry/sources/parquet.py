"""Tables as Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.tables import FileSource, check_columns
from nnrun.registry.source import Columns, SourceError


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
                table = opened.read(columns=list(dict.fromkeys(found.values())))
        except (ArrowException, OSError) as error:
            raise SourceError(f"`{file}` cannot be read as a Parquet file: {error}", "`pandas.DataFrame.to_parquet` writes one") from error
        return {name: _values(table.column(own)) for name, own in found.items()}


def _values(column: Any) -> Any:
    """Numbers as an array, with NaN in gaps; all else as a list, with None in gaps."""
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    numbers = types.is_integer(column.type) or types.is_floating(column.type)
    return column.to_numpy() if numbers else column.to_pylist()
