"""`nnrun predict`: a recorded network answers for the rows of a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

MOST_NAMED = 5
"""Stretches of rows that are named one by one."""


class Answered(NamedTuple):
    """Answers, and what got none."""

    text: str
    unanswered: str | None
    """The rows without an answer, and why, as a sentence."""


def predict_file(run: str, file: Path, as_json: bool) -> Answered:
    """Predictions for the rows of a file, as CSV or as JSON rows. Of a series, each stands beside the `row` that its window ends with;
    of pictures in a folder, beside the `file`.

    Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound.
    """
    import pandas

    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.answers.rows import read_columns
    from nnrun.runner.engine.inference.predict import Predictor

    predictor = Predictor.load(model_at(run))
    columns = read_columns(file, predictor)
    examples = predictor.examples(columns) if predictor.plan.read else None
    answers, unanswered = predictor.predict(columns) if examples is None else predictor.answers(examples), None
    if examples is not None and examples.ends is not None:
        rows = (examples.ends[examples.rows] + 1).tolist()
        answers = {"row": rows, **answers}
        unanswered = _unanswered(rows, len(columns[predictor.columns[0]]))
    if file.is_dir():
        (paths,) = columns.values()
        answers = {"file": [os.path.relpath(path, file.resolve()) for path in paths], **answers}
    if as_json:
        listed = [dict(zip(answers, row, strict=True)) for row in zip(*answers.values(), strict=True)]
        return Answered(json.dumps(listed, ensure_ascii=False, indent=2) + "\n", unanswered)
    return Answered(str(pandas.DataFrame(answers).to_csv(index=False)), unanswered)


def _unanswered(answered: Sequence[int], count: int) -> str | None:
    """Names the rows, counted from 1, that no window ends with."""
    left = sorted(set(range(1, count + 1)) - set(answered))
    if not left:
        return None
    named = list(_stretches(left))
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    what = "rows" if len(left) > 1 else "row"
    return f"no answer for {what} {', '.join(named[:MOST_NAMED] + more)}: no window of one series ends there"


def _stretches(rows: Sequence[int]) -> Iterator[str]:
    """Rows that follow each other as `3 to 5`."""
    first = last = rows[0]
    for row in [*rows[1:], None]:
        if row == last + 1:
            last = last + 1
            continue
        yield f"{first}" if first == last else f"{first} to {last}"
        if row is not None:
            first = last = row
