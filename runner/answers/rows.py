"""The rows of a file, as a recorded network reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnrun.registry.data.reading import plain, read_json
from nnrun.registry.data.tables import FileSource, MissingColumn, absolute, check_columns
from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError
from nnrun.registry.sources.csv import Csv
from nnrun.registry.sources.image_folder import pictures

if TYPE_CHECKING:
    from nnrun.runner.engine.inference.predict import Predictor

ENDINGS = (".csv", ".parquet", ".npz", ".json")
TABLES = (".csv", ".parquet")
"""Those that can be read in pieces."""


def read_columns(file: Path, predictor: Predictor, more: Sequence[str] = ()) -> Mapping[str, Sequence[Any]]:
    """What a network reads, from a table or an archive, read as the source of its training reads one, from a JSON file, or from a
    folder of pictures.

    JSON is a list of rows, or an object of columns. `more` names columns that are wanted beside them.
    Raises: SourceError without such a file, DataError if it lacks a column or rows.
    """
    if not exists(file):
        raise SourceError(f"there is no file `{file}`", "look at its name, and at the folder you are in")
    wanted, paths = _wanted(predictor, more)
    if file.is_dir():
        return _folder_columns(file, wanted, paths)
    if file.suffix not in ENDINGS:
        raise SourceError(f"`{file}` is no {', '.join(ENDINGS)} file", "the ending tells how a file is read")
    try:
        columns = _json_columns(file, wanted) if file.suffix == ".json" else _reader(file, predictor).read(plain(file), wanted)
    except MissingColumn as error:
        raise _missing(error, predictor) from None
    if not all(len(columns[name]) for name in wanted):
        raise DataError(f"`{file}` has no rows")
    return {name: absolute(columns[name], file.parent) if name in paths else columns[name] for name in wanted}


def read_pieces(file: Path, predictor: Predictor, more: Sequence[str] = ()) -> Iterator[Mapping[str, Sequence[Any]]]:
    """The same, some rows at a time, of a table that memory need not hold: each of its rows is answered for by itself.

    Raises: SourceError, DataError.
    """
    data = predictor.plan.spec.data
    if file.suffix not in TABLES or not file.is_file() or (data is not None and data.window is not None):
        yield read_columns(file, predictor, more)
        return
    wanted, paths = _wanted(predictor, more)
    try:
        for columns in _reader(file, predictor).read_in_pieces(plain(file), wanted):
            yield {name: absolute(columns[name], file.parent) if name in paths else columns[name] for name in wanted}
    except MissingColumn as error:
        raise _missing(error, predictor) from None


def _wanted(predictor: Predictor, more: Sequence[str]) -> tuple[list[str], set[str]]:
    """The columns that are wanted, and those that hold paths."""
    paths = {name for field, config in predictor.plan.fields.items() if config.holds_paths for name in config.reads(field)}
    return list(dict.fromkeys([*predictor.columns, *more])), paths


def _missing(error: MissingColumn, predictor: Predictor) -> DataError:
    return DataError(error.message, f"the network reads {', '.join(f'`{name}`' for name in predictor.columns)}")


def _folder_columns(folder: Path, wanted: Sequence[str], paths: Collection[str]) -> dict[str, list[str]]:
    """The pictures of a folder and of those within it, by name, for a network that reads nothing else."""
    if len(wanted) != 1 or wanted[0] not in paths:
        listed = ", ".join(f"`{name}`" for name in wanted)
        raise DataError(
            f"`{folder}` is a folder, which can hold pictures, and the network reads {listed}", "name a file with these columns"
        )
    found = pictures(folder)
    if not found:
        raise DataError(f"`{folder}` holds no pictures", "name a folder with .png or .jpg files")
    return {wanted[0]: found}


def _reader(file: Path, predictor: Predictor) -> FileSource:
    """The source of the training, with its options, if it reads such files."""
    data = predictor.plan.spec.data
    own = data.source if data is not None and isinstance(data.source, FileSource) and data.source.suffixes else None
    return (own or Csv.model_validate({"source": "csv", "file": str(file)})).reader(file)


def _json_columns(file: Path, wanted: Sequence[str]) -> dict[str, list[Any]]:
    found = read_json(file)
    rows, columns = isinstance(found, list), isinstance(found, dict)
    if rows and all(isinstance(row, dict) for row in found):
        own = check_columns(f"`{file}`", wanted, found[0] if found else wanted)
        return {name: [row.get(own[name]) for row in found] for name in wanted}
    if columns and all(isinstance(values, list) for values in found.values()):
        own = check_columns(f"`{file}`", wanted, found)
        lengths = {len(found[own[name]]) for name in wanted}
        if len(lengths) == 1:
            return {name: found[own[name]] for name in wanted}
    raise DataError(f"`{file}` holds neither a list of rows nor columns of one length", 'rows are written `[{"name": value}, ...]`')
