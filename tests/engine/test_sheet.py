"""What a test part was answered, kept without another pass over the network."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.record import seen
from nnrun.runner.record.predictions import ABOUT, LONG, record_predictions, short, worst_first
from tests.engine.support import Built, build, train
from tests.engine.test_decode import reversal

CLASSES = """\
nnrun: 1
name: sides
data:
  source: csv
  file: none.csv
  fields:
    x: {type: vector, columns: [a, b]}
    side: {type: category}
    picture: {type: image}
nodes:
  flat: {type: flatten}
  scores: {type: linear, units: side}
edges:
  - x -> scores
  - picture -> flat -> scores
train: {loss: {type: cross_entropy, input: scores, target: side}, optimizer: {type: adam, lr: 1e-2}, epochs: 3}
metrics: [accuracy]
"""

TICKS = """\
nnrun: 1
name: signs
data:
  source: csv
  file: none.csv
  fields:
    x: {type: series}
    sign: {type: category, along: x}
nodes:
  seen: {type: gru, units: 4}
  scores: {type: linear, units: sign}
edges: [x -> seen -> scores]
train: {loss: {type: cross_entropy, input: scores, target: sign}, epochs: 1}
metrics: [accuracy]
"""


class Kept:
    """Stands where a recorder does, and keeps what it is given."""

    def __init__(self) -> None:
        self.files: dict[str, Any] = {}

    def artifact(self, path: str, content: str | bytes) -> None:
        self.files[path] = content

    def table(self, path: str, columns: Mapping[str, list[Any]]) -> None:
        self.files[path] = columns


def sides() -> Built:
    rng = random.Random(0)
    rows = [(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(300)]
    sides = ["right" if a + rng.gauss(0, 1) > 0 else "left" for a, _ in rows]
    pictures = np.random.default_rng(0).random((300, 4, 4))
    return build(CLASSES, {"a": [a for a, _ in rows], "b": [b for _, b in rows], "side": sides, "picture": pictures})


def signs() -> Built:
    rng = random.Random(0)
    rows = [[rng.gauss(0, 1) for _ in range(rng.randint(1, 6))] for _ in range(200)]
    return build(TICKS, {"x": rows, "sign": [["plus" if one > 0 else "minus" for one in row] for row in rows]})


def judged(built: Built) -> tuple[Sheet, Mapping[str, float]]:
    outcome, _ = train(built)
    assert outcome.answers is not None
    return outcome.answers, outcome.figures


def kept(sheet: Sheet) -> dict[str, Any]:
    recorder = Kept()
    record_predictions(recorder, sheet, "test")  # type: ignore[arg-type]
    return recorder.files


@pytest.mark.parametrize("made", [sides, signs, lambda: reversal("cell")], ids=["classes", "ticks", "texts"])
def test_the_sheet_of_a_test_is_what_another_pass_would_answer(made: Any) -> None:
    built = made()
    sheet, _ = judged(built)
    again = Sheet(Predictor(built.network, built.plan, built.data.facts), sheet.part).table()

    for name in again.column_names:
        written, answered = (table[name].to_pylist() for table in (sheet.table(), again))
        if isinstance(answered[0], float):
            assert written == pytest.approx(answered, abs=1e-5)
        elif name != "sign_probability":
            assert written == answered


@pytest.mark.parametrize("made", [sides, signs, lambda: reversal("cell")], ids=["classes", "ticks", "texts"])
def test_the_loss_of_a_part_is_the_weighted_mean_of_its_examples(made: Any) -> None:
    sheet, figures = judged(made())
    table = sheet.table()

    assert np.average(table["loss"], weights=table["weight"]) == pytest.approx(figures["test/loss"], rel=1e-5)


def test_the_test_needs_no_other_pass_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet, _ = judged(sides())
    monkeypatch.setattr(sheet.predictor.network, "forward", None)

    assert len(sheet.table()) == len(sheet.part)


def test_the_rows_are_those_of_the_data_counted_from_1() -> None:
    built = sides()
    sheet, _ = judged(built)
    table = sheet.table()
    values = built.data.train.values["side"].numpy()

    classes = np.array(built.data.facts["side"]["classes"])
    assert table["true_side"].to_pylist() == classes[values[table["row"].to_numpy() - 1]].tolist()


def test_the_file_has_all_rows_and_says_what_metrics_compare() -> None:
    sheet, _ = judged(sides())

    table = pyarrow.parquet.read_table(io.BytesIO(kept(sheet)["predictions.parquet"]))

    assert table.column_names == ["row", "true_side", "side", "side_probability", "side_probabilities", "loss", "weight"]
    assert np.sum(table["side_probabilities"].to_pylist(), axis=1) == pytest.approx(np.ones(len(sheet.part)))
    assert json.loads(table.schema.metadata[ABOUT]) == {
        "format": 1,
        "part": "test",
        "answers": {"side": {"kind": "category", "ticks": False, "classes": ["left", "right"]}},
        "metrics": [{"label": "accuracy", "type": "accuracy", "answer": "side"}],
    }


def test_the_table_begins_with_the_largest_loss() -> None:
    sheet, _ = judged(sides())

    losses = kept(sheet)["predictions.json"]["loss"]

    assert losses == sorted(losses, reverse=True)


def test_texts_begin_with_the_surest_of_the_wrong_ones() -> None:
    built = reversal("cell")
    sheet, _ = judged(built)
    table = sheet.table().drop_columns(["loss", "weight"])

    order = worst_first(table, sheet)
    right = [row["target"] == row["true_target"] for row in table.take(order).to_pylist()]
    scores = table.take(order)["target_score"].to_pylist()

    assert right == sorted(right)
    assert scores[: right.count(False)] == sorted(scores[: right.count(False)], reverse=True)


def test_the_table_shows_what_the_network_saw() -> None:
    built = sides()
    sheet, _ = judged(built)
    files = kept(sheet)
    table = files["predictions.json"]

    assert list(table) == ["row", "x", "picture", "true_side", "side", "side_probability", "loss"]
    given = built.data.train.values["x"].numpy()[[row - 1 for row in table["row"]]]
    assert np.array(table["x"]) == pytest.approx(given, rel=1e-5)
    assert files[table["picture"][0]["filepath"]].startswith(b"\x89PNG")


def test_a_table_with_pictures_holds_the_worst_examples_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "PICTURED", 5)
    sheet, _ = judged(sides())
    files = kept(sheet)
    cells = files["predictions.json"]["picture"]

    assert [cell["type"] for cell in cells] == ["image"] * 5  # MLflow's page complains of each cell without a picture
    assert len([path for path in files if path.startswith("table_images/")]) == 5


def test_a_long_list_is_shown_by_its_first_numbers() -> None:
    assert short([0.5] * LONG) == [0.5] * LONG
    assert str(short([0.5] * (LONG + 1))).endswith("0.5, … (33 in all)")
