"""`nnrun predict`: a recorded network answers for the rows of a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnrun.registry.field import DataError
from nnrun.runner.answers.written import Pieces

if TYPE_CHECKING:
    from nnrun.runner.engine.inference.answered import Strange

MOST_RUNS = 5
"""Stretches of rows that are listed."""


@dataclass(frozen=True)
class Said:
    """What is said of rows beside the answers."""

    refused: Sequence[str]
    """What is wrong with the first rows that have none."""
    more: int
    """Further rows that have none."""
    between: str | None
    """Rows that are right and yet have no answer: those with which no window ends."""
    strange: Sequence[str]
    """What was read that the training part does not hold."""


def predict_file(
    run: str, file: Path, pieces: Pieces, lists: bool, labels: Sequence[str] = (), words: Sequence[str] = (), best: int = 1, named: int = 10
) -> Said:
    """Add predictions to `pieces` for a CSV, Parquet, npz or JSON file: each with the number of its row, or with what the columns `labels`
    of the file hold there. A row that is wrong stands among the others without an answer; the first `named` are told of.

    `words` and `best` say what is asked for, as `What.of` takes them; a cell of the table may hold `lists`. Of pictures in a folder, the
    `file` names the row. A large table is answered piece by piece.

    Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound.
    """
    from nnrun.runner.answers.laid_out import laid_out
    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.answers.rows import read_pieces
    from nnrun.runner.engine.inference.predict import Predictor

    predictor = Predictor.load(model_at(run)).saying_also(words, best)
    refused, answered, between = dict[int, DataError](), 0, None
    strange: dict[str, Strange] = {}
    first = count = 0
    for columns in read_pieces(file, predictor, labels):
        count = len(columns[predictor.columns[0]])
        answers = predictor.ask_piece(columns, first)
        table = laid_out(answers.columns, predictor.plan, predictor.what, lists)
        if file.is_dir():
            ((_, paths),) = columns.items()
            own: dict[str, Sequence[Any]] = {"file": [os.path.relpath(path, file.resolve()) for path in paths]}
        else:
            own = {label: _plain(columns[label]) for label in labels}
        taken = next((label for label in own if label in table), None)
        if taken is not None:
            raise DataError(f"`--id {taken}` is also the name of an answer", "name another column, or leave it out: rows are counted")
        laid = replace(answers, columns=table)
        pieces.add(*laid.table({label: dict(enumerate(values, first)) for label, values in own.items()}))
        refused |= answers.refused
        answered += len(answers.rows)
        for one in answers.strange:
            strange[one.field] = strange[one.field] + one if one.field in strange else one
        if predictor.plan.spec.data is not None and predictor.plan.spec.data.window is not None:
            ended = {*answers.rows, *answers.refused}
            none = [row for row in range(count) if row not in ended]
            between = f"{_listed(none)} no answer: no window ends there" if none else None
        first += count
    if not answered and refused:
        raise next(iter(refused.values()))
    said = [f"row {row + 1} has no answer: {error.message}" for row, error in islice(refused.items(), named)]
    return Said(said, len(refused) - len(said), between, [str(one) for one in strange.values()])


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
