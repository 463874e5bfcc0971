"""`nnrun predict`: a recorded network answers for the rows of a file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnrun.registry.field import DataError

MOST_RUNS = 5
"""Stretches of rows that are listed."""


@dataclass(frozen=True)
class Said:
    """Answers as text, and what is said of the rows that have none."""

    text: str
    refused: Sequence[str]
    """What is wrong with rows."""
    between: str | None
    """Rows that are right and yet have no answer: those with which no window ends."""
    strange: Sequence[str]
    """What was read that the training part does not hold."""


def predict_file(run: str, file: Path, as_json: bool, label: str | None = None) -> Said:
    """Predictions for a CSV, Parquet or JSON file, as CSV or as JSON rows: each with the number of its row, or with what the column
    `label` of the file holds there. A row that is wrong stands among the others without an answer.

    Of pictures in a folder, the `file` names the row.

    Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound.
    """
    import pandas

    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.answers.rows import read_columns
    from nnrun.runner.engine.inference.predict import Predictor

    predictor = Predictor.load(model_at(run))
    columns = read_columns(file, predictor, [label] if label is not None else [])
    answers = predictor.ask(columns)
    if label in answers.columns:
        raise DataError(f"`--id {label}` is also the name of an answer", "name another column, or leave it out: rows are counted")
    labels = _plain(columns[label]) if label is not None else None
    if file.is_dir():
        (paths,) = columns.values()
        label, labels = "file", [os.path.relpath(path, file.resolve()) for path in paths]
    table = answers.table(label, labels)
    ended = {*answers.rows, *answers.refused}
    between = [row for row in range(len(columns[predictor.columns[0]])) if row not in ended]
    said = f"{_listed(between)} no answer: no window ends there" if between else None
    refused = [f"row {row + 1} has no answer: {error.message}" for row, error in answers.refused.items()]
    if as_json:
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        return Said(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", refused, said, answers.strange)
    frame = pandas.DataFrame({name: pandas.Series(values, dtype=object) for name, values in table.items()})
    return Said(str(frame.to_csv(index=False)), refused, said, answers.strange)


def _listed(rows: Sequence[int]) -> str:
    """Rows as people count them: `rows 1 to 3 and 12 have`."""
    from nnrun.runner.engine.inference.asked import runs_of

    runs = [(run[0] + 1, run[-1] + 1) for run in runs_of(rows)]
    parts = [str(first) if first == last else f"{first} to {last}" for first, last in runs[:MOST_RUNS]]
    more = f" and others ({len(rows)} in all)" if len(runs) > MOST_RUNS else ""
    text = ", ".join(parts) if more or len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"row {text} has" if len(rows) == 1 else f"rows {text}{more} have"


def _plain(column: Sequence[Any]) -> Sequence[Any]:
    """Values of a column as JSON has them."""
    return column.tolist() if hasattr(column, "tolist") else column
