"""What the network of a run answers for the part that it is judged by, beside the truth.

`predictions.parquet` has all of it, for comparisons; `predictions.json` is a table of the worst for people, with what the network saw;
pictures where they say more.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nnrun.registry.data.columns import from_arrow
from nnrun.registry.objective import Metric
from nnrun.runner.compiler.plan import Comparison
from nnrun.runner.engine.inference.sheet import CHANCES, LOSS, TRUE, WEIGHT, Sheet
from nnrun.runner.engine.pictures import chances as probable
from nnrun.runner.engine.pictures import charts
from nnrun.runner.engine.training.baselines.baseline import Baseline
from nnrun.runner.record.forecast import record_forecast
from nnrun.runner.record.seen import Seen, most_rows
from nnrun.runner.tracking.recorder import Recorder

if TYPE_CHECKING:
    from pyarrow import Table

KEPT = "predictions.parquet"
ABOUT = b"nnrun"
"""The key of the file's metadata under which JSON says what its columns are, and what metrics compare."""


def record_predictions(recorder: Recorder, sheet: Sheet, part: str, beaten: Baseline | None = None) -> None:
    """Keep answers and truth of a part, for which `beaten` is the baseline."""
    table = sheet.table()
    recorder.artifact(KEPT, _parquet(table, sheet, part))
    worst = worst_first(table, sheet)[: most_rows(sheet.plan)]
    (row, *answers) = _shown(table, worst.tolist()).items()
    shown = dict([row, *Seen(recorder, sheet, worst).columns().items(), *answers])
    recorder.table("predictions.json", {name: [short(value) for value in column] for name, column in shown.items()})
    for loss in sheet.plan.answering[:1]:
        if loss.is_forecast:
            record_forecast(recorder, sheet, table, loss, beaten)
        if loss.input_shape.time is None:
            _draw(recorder, loss, sheet, table)


def worst_first(table: Table, sheet: Sheet) -> np.ndarray[Any, Any]:
    """The places of all examples: the largest loss first; of texts the wrong ones, and of these the surest."""
    if LOSS in table.column_names:
        return np.argsort(-np.nan_to_num(from_arrow(table[LOSS]), nan=np.inf), kind="stable")
    decoding = sheet.plan.decoding
    if decoding is None or not sheet.plan.read:
        return np.arange(len(table))
    written, true = (table[column].to_pylist() for column in (decoding.target, f"{TRUE}{decoding.target}"))
    right = np.array([one == other for one, other in zip(written, true, strict=True)], dtype=bool)
    return np.lexsort((-from_arrow(table[f"{decoding.target}_score"]), right))


def about(sheet: Sheet, part: str) -> dict[str, Any]:
    """What the columns are, so that any metric can be computed from them again."""
    plan, facts, answers = sheet.plan, sheet.predictor.facts, {}
    for loss in plan.answering:
        known = facts.get(loss.target.partition(".")[0], {})
        kind = "text" if plan.decoding is not None else loss.target_shape.kind
        answers[loss.answer] = {
            "kind": kind,
            "ticks": loss.target_shape.time is not None and kind != "text",
            **({"classes": known["classes"]} if kind == "category" else {}),
            **({"scale": known["scale"]} if kind == "number" and "scale" in known else {}),
        }
    by_values = {(loss.input, loss.target): loss.answer for loss in plan.answering}
    metrics = []
    for metric in plan.metrics:
        assert isinstance(metric.config, Metric)
        name = metric.answer if plan.decoding is not None else by_values.get((metric.input, metric.target))
        if name in answers:
            metrics.append({"label": metric.config.label, "type": metric.config.type_name(), "answer": name, **_options(metric.config)})
    return {"format": 1, "part": part, "answers": answers, "metrics": metrics}


def _options(metric: Metric) -> dict[str, Any]:
    said = {"input", "target", "name"}
    return {name: value for name, value in metric.model_dump(exclude_none=True).items() if name not in {*said, metric.tag}}


def _parquet(table: Table, sheet: Sheet, part: str) -> bytes:
    from pyarrow import parquet

    stream = io.BytesIO()
    described = {**(table.schema.metadata or {}), ABOUT: json.dumps(about(sheet, part)).encode()}
    parquet.write_table(table.replace_schema_metadata(described), stream, compression="zstd")
    return stream.getvalue()


def _shown(table: Table, places: Sequence[int]) -> dict[str, list[Any]]:
    """Some rows of the columns that people read: the probabilities of all classes and the weight of an example are none."""
    names = [name for name in table.column_names if name != WEIGHT and not name.endswith(CHANCES)]
    return {name: [table[name][place].as_py() for place in places] for name in names}


LONG = 32
"""Most numbers that a cell of the table shows."""


def short(value: Any) -> Any:
    """A cell: numbers with six digits, a list of many by its first ones."""
    if not isinstance(value, list):
        return float(f"{value:.6g}") if isinstance(value, float) else value
    flat = np.array(value, dtype=object).ravel() if value else np.array([])
    if len(flat) <= LONG:
        return [short(one) for one in value]
    first = ", ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in flat[:LONG])
    return f"{first}, … ({len(flat):,} in all)"


def _with_truth(truth: Sequence[Any], answers: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Those pairs of which the truth is there; of lists, one for each tick, those ticks."""
    found = [
        tuple(map(list, _with_truth(true, answer))) if isinstance(true, list) else (true, answer)
        for true, answer in zip(truth, answers, strict=True)
        if true is not None
    ]
    return [true for true, _ in found], [answer for _, answer in found]


def _draw(recorder: Recorder, loss: Comparison, sheet: Sheet, table: Table) -> None:
    """How classes were told apart and how probable they were said to be, or true against predicted numbers."""
    classes, name = sheet.predictor.facts.get(loss.target, {}).get("classes"), loss.answer
    if f"{TRUE}{name}" not in table.column_names:
        return
    truth, answers = _with_truth(*(table[column].to_pylist() for column in (f"{TRUE}{name}", name)))
    if classes and not loss.target_shape.axes:
        recorder.artifact("confusion.png", charts.confusion(truth, answers, classes))
        if f"{name}{CHANCES}" in table.column_names:
            _draw_chances(recorder, classes, *(table[column].to_pylist() for column in (f"{TRUE}{name}", f"{name}{CHANCES}")))
    elif loss.target_shape.kind == "number" and loss.target_shape.axes in ((), (1,)):
        true, predicted = (np.array(column, dtype=float).reshape(-1).tolist() for column in (truth, answers))
        recorder.artifact("predicted.png", charts.scatter(true, predicted, name))


def _draw_chances(recorder: Recorder, classes: Sequence[str], truth: Sequence[Any], chances: Sequence[Any]) -> None:
    """What the probabilities of the classes are worth."""
    number = {name: index for index, name in enumerate(classes)}
    true, said = (np.array(column) for column in _with_truth([number.get(name) for name in truth], chances))
    recorder.artifact("precision_recall.png", probable.precision_recall(said, true, classes))
    recorder.artifact("calibration.png", probable.calibration(said, true))
