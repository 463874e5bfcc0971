"""The rows of a file, as a recorded network reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnrun.registry.data.tables import FileSource, MissingColumn, absolute, check_columns
from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError
from nnrun.registry.sources.csv import Csv
from nnrun.registry.sources.parquet import Parquet

if TYPE_CHECKING:
    from nnrun.runner.engine.inference.predict import Predictor


def read_columns(file: Path, predictor: Predictor, more: Sequence[str] = ()) -> Mapping[str, Sequence[Any]]:
    """What a network reads, from a CSV or Parquet file, read as the source of its training reads one, or from a JSON file.

    JSON is a list of rows, or an object of columns. `more` names columns that are wanted beside them.
    Raises: SourceError without such a file, DataError if it lacks a column or rows.
    """
    if not file.is_file():
        raise SourceError(f"there is no file `{file}`")
    if file.suffix not in (".csv", ".parquet", ".json"):
        raise SourceError(f"`{file}` is no .csv, .parquet, .json file", "the ending tells how a file is read")
    wanted = list(dict.fromkeys([*predictor.columns, *more]))
    try:
        columns = _json_columns(file, wanted) if file.suffix == ".json" else _reader(file, predictor).read(file, wanted)
    except MissingColumn as error:
        raise DataError(error.message, f"the network reads {', '.join(f'`{name}`' for name in predictor.columns)}") from None
    if not all(len(columns[name]) for name in wanted):
        raise DataError(f"`{file}` has no rows")
    paths = {name for field, config in predictor.plan.fields.items() if config.holds_paths for name in config.reads(field)}
    return {name: absolute(columns[name], file.parent) if name in paths else columns[name] for name in wanted}


def _reader(file: Path, predictor: Predictor) -> FileSource:
    """The source of the training, with its options, if it reads such files."""
    data = predictor.plan.spec.data
    kind: type[FileSource] = Csv if file.suffix == ".csv" else Parquet
    own = data.source if data is not None else None
    return own if isinstance(own, kind) else kind.model_validate({"source": kind.type_name(), "file": str(file)})


def _json_columns(file: Path, wanted: Sequence[str]) -> dict[str, list[Any]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:  # UnicodeDecodeError is one
        raise DataError(f"`{file}` is no JSON: {error}", 'rows are written `[{"name": value}, ...]`') from None
    rows, columns = isinstance(found, list), isinstance(found, dict)
    if rows and all(isinstance(row, dict) for row in found):
        check_columns(f"`{file}`", wanted, found[0] if found else wanted)
        return {name: [row.get(name) for row in found] for name in wanted}
    if columns and all(isinstance(values, list) for values in found.values()):
        check_columns(f"`{file}`", wanted, found)
        lengths = {len(found[name]) for name in wanted}
        if len(lengths) == 1:
            return {name: found[name] for name in wanted}
    raise DataError(f"`{file}` holds neither a list of rows nor columns of one length", 'rows are written `[{"name": value}, ...]`')
