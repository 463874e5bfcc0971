"""`nnrun predict`: a recorded network answers for the rows of a file."""

from __future__ import annotations

import json
from pathlib import Path


def predict_file(run: str, file: Path, as_json: bool) -> str:
    """Predictions for a CSV, Parquet or JSON file, as CSV or as JSON rows.

    Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound.
    """
    import pandas

    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.answers.rows import read_columns
    from nnrun.runner.engine.inference.predict import Predictor

    predictor = Predictor.load(model_at(run))
    answers = predictor.predict(read_columns(file, predictor))
    if as_json:
        rows = [dict(zip(answers, row, strict=True)) for row in zip(*answers.values(), strict=True)]
        return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    return str(pandas.DataFrame(answers).to_csv(index=False))
