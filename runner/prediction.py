"""`nnrun predict`: a recorded network answers for the rows of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from registry.field import DataError
from registry.source import SourceError


def predict_file(run: str, file: Path, as_json: bool) -> str:
    """Predictions for a CSV, Parquet or JSON file, as CSV or as JSON rows.

    Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound.
    """
    import pandas

    from runner.engine.predict import Predictor
    from runner.tracking.runs import find_run, model_folder
    from runner.tracking.store import Store

    store = Store.from_environment()
    predictor = Predictor.load(model_folder(store, find_run(store, run).run_id))
    columns = read_columns(file, predictor.columns)
    answers = predictor.predict(columns)
    if as_json:
        rows = [dict(zip(answers, row, strict=True)) for row in zip(*answers.values(), strict=True)]
        return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    return str(pandas.DataFrame(answers).to_csv(index=False))


def read_columns(file: Path, wanted: Sequence[str]) -> dict[str, list[Any]]:
    """The columns of a CSV, Parquet or JSON file. Raises: SourceError without one, DataError if it lacks a column that is wanted."""
    import pandas

    if not file.is_file():
        raise SourceError(f"there is no file `{file}`")
    readers = {".csv": pandas.read_csv, ".parquet": pandas.read_parquet, ".json": pandas.read_json}
    if file.suffix not in readers:
        raise SourceError(f"`{file}` is no {', '.join(readers)} file", "the ending tells how a file is read")
    frame = readers[file.suffix](file)
    columns = {str(name): [_plain(value) for value in frame[name].tolist()] for name in frame.columns}
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise DataError(
            f"`{file}` has no column `{missing[0]}`, which the network reads",
            f"its columns are {', '.join(f'`{name}`' for name in columns)}",
        )
    return columns


def _plain(value: Any) -> Any:
    """Lists where pandas has arrays, which may hold arrays."""
    import numpy

    return [_plain(one) for one in value] if isinstance(value, numpy.ndarray) else value
