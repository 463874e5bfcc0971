"""What the network of a run answers for the part that it is judged by, beside the truth: a table, and pictures where they say more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnrun.runner.compiler.plan import Comparison
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.pictures import charts
from nnrun.runner.tracking.recorder import Recorder

ROWS = 500
"""Most rows of the table."""

Columns = Mapping[str, list[Any]]


def record_predictions(recorder: Recorder, predictor: Predictor, part: Part) -> None:
    """Keep answers and truth of a part."""
    answers, truth = predictor.answers(part), predictor.truth(part)
    true = {f"true_{name}": column for name, column in truth.items()}
    recorder.table("predictions.json", {name: column[:ROWS] for name, column in {**true, **answers}.items()})
    for loss in predictor.plan.losses[:1]:
        if loss.input_shape.time is None:
            classes = predictor.facts.get(loss.target, {}).get("classes")
            _draw(recorder, loss, classes, truth, answers)


def _draw(recorder: Recorder, loss: Comparison, classes: list[str] | None, truth: Columns, answers: Columns) -> None:
    """A confusion matrix of classes, or true against predicted numbers."""
    if classes:
        name = loss.target.replace(".", "_") if loss.target_shape.kind == "number" else loss.target
        recorder.artifact("confusion.png", charts.confusion(truth[name], answers[name], classes))
    elif loss.target_shape.kind == "number" and loss.target_shape.axes in ((), (1,)):
        name = loss.target.replace(".", "_")
        true, predicted = ([float(value) for value in column] for column in (truth[name], answers[name]))
        recorder.artifact("predicted.png", charts.scatter(true, predicted, name))
