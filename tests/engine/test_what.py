"""What `predict` may be asked for: probabilities, scores, values of the network, the best of several; as any file, whole or in pieces."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas
import pytest
import torch
from click.testing import CliRunner

from nnrun.registry.field import DataError
from nnrun.registry.sources import csv
from nnrun.runner.answers import written
from nnrun.runner.cli.group import main
from nnrun.runner.engine.checkpoint.model import save
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.face.model import Model
from tests.engine.support import Built, build
from tests.served.models import KINDS

FLOWERS = """\
nnrun: 1
name: flowers
data:
  source: csv
  file: flowers.csv
  fields:
    x: {type: vector, columns: [a, b], normalize: standard}
    kind: {type: category}
    both: {type: vector, columns: [a, c]}
    price: {type: number}
  split: {train: 0.6, valid: 0.2, test: 0.2}
nodes:
  code: {type: linear, units: 3, activation: tanh}
  scores: {type: linear, units: kind}
  pair: {type: linear, units: 2}
  low: {type: linear, units: 1}
  middle: {type: linear, units: 1}
  high: {type: linear, units: 1}
  wrong: {type: formula, is: (middle - price) ** 2}
edges: ["x -> code -> scores, pair, low, middle, high"]
train:
  loss:
  - {type: cross_entropy, input: scores, target: kind}
  - {type: mse, input: pair, target: both}
  - {type: quantile, input: low, target: price, q: 0.1, name: low}
  - {type: quantile, input: middle, target: price, name: middle}
  - {type: quantile, input: high, target: price, q: 0.9, name: high}
  - {type: minimise, input: wrong}
"""
COLUMNS: dict[str, list[Any]] = {
    "a": [0.1 * row for row in range(30)],
    "b": [float(row % 4) for row in range(30)],
    "c": [2.0] * 30,
    "kind": ["rose", "iris", "daisy"] * 10,
    "price": [float(row) for row in range(30)],
}
ASKED: dict[str, list[Any]] = {"a": [0.3, 1.0, 2.0], "b": [1.0, 2.0, 0.0]}


@pytest.fixture(scope="module")
def built() -> Built:
    return build(FLOWERS, COLUMNS)


@pytest.fixture(scope="module")
def folder(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("run") / "model"
    save(found, built.network, built.data.facts)
    return found


@pytest.fixture
def values(built: Built) -> Mapping[str, torch.Tensor]:
    predictor = Predictor(built.network, built.plan, built.data.facts)
    with torch.no_grad():
        return built.network(predictor.batch(ASKED), ("code", "scores", "low", "middle", "high"))


def test_each_quantile_is_an_answer(folder: Path, values: Mapping[str, torch.Tensor]) -> None:
    answers = Model.load(folder).predict(ASKED)

    assert list(answers) == ["row", "kind", "kind_probability", "both", "price_q0.1", "price", "price_q0.9"]
    for name, node in (("price_q0.1", "low"), ("price", "middle"), ("price_q0.9", "high")):
        assert answers[name] == pytest.approx(values[node].flatten().tolist())


def test_probabilities_and_scores_of_all_classes(folder: Path, values: Mapping[str, torch.Tensor]) -> None:
    answers = Model.load(folder).predict(ASKED, what=["probabilities", "logits"])

    classes = ["daisy", "iris", "rose"]
    assert list(answers) == ["row", *(f"kind_{name}" for name in classes), *(f"kind_{name}_logit" for name in classes)]
    for place, name in enumerate(classes):
        assert answers[f"kind_{name}"] == pytest.approx(values["scores"].softmax(1)[:, place].tolist())
        assert answers[f"kind_{name}_logit"] == pytest.approx(values["scores"][:, place].tolist())


def test_any_value_of_the_network(folder: Path, values: Mapping[str, torch.Tensor]) -> None:
    answers = Model.load(folder).predict(ASKED, what=["code"])

    assert list(answers) == ["row", "code"]
    torch.testing.assert_close(torch.tensor(answers["code"]), values["code"])


def test_a_value_may_need_more_columns_than_the_answers(folder: Path) -> None:
    model = Model.load(folder)
    answers = model.predict({**ASKED, "price": [1.0, 2.0, 3.0]}, what=["answers", "wrong"])

    expected = [(guess - price) ** 2 for guess, price in zip(answers["price"], [1.0, 2.0, 3.0], strict=True)]
    assert [one for (one,) in answers["wrong"]] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(DataError, match="`price`"):
        model.predict(ASKED, what=["wrong"])


def test_the_best_classes_follow_each_other(folder: Path, values: Mapping[str, torch.Tensor]) -> None:
    answers = Model.load(folder).predict(ASKED, what=["answers"], best=5)  # there are three

    names = [name for name in answers if name.startswith("kind")]
    assert names == ["kind", "kind_probability", "kind_2", "kind_2_probability", "kind_3", "kind_3_probability"]
    ranked = values["scores"].softmax(1).sort(1, descending=True)
    for place, end in enumerate(("", "_2", "_3")):
        assert answers[f"kind{end}"] == [["daisy", "iris", "rose"][index] for index in ranked.indices[:, place]]
        assert answers[f"kind{end}_probability"] == pytest.approx(ranked.values[:, place].tolist())


def test_mlflow_asks_by_params(folder: Path) -> None:
    model = Model.load(folder)
    frame = pandas.DataFrame(ASKED)

    asked = model.predict(frame, {"what": ["answers", "code"], "best": 2})

    assert asked.to_dict("list") == model.predict(ASKED, what=["answers", "code"], best=2)


@pytest.mark.parametrize(
    ("what", "best", "message"),
    [
        (["cod"], 1, "the network has no value `cod`"),
        (["x"], 1, "the network has no value `x`"),
        (["code"], 2, "the 2 best are answers, and `code` alone is asked for"),
    ],
)
def test_what_cannot_be_said_is_refused(folder: Path, what: list[str], best: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Model.load(folder).predict(ASKED, what=what, best=best)


def recorded(kind: str, folder: Path) -> Model:
    made = build(KINDS[kind].spec, KINDS[kind].data)
    save(folder, made.network, made.data.facts)
    return Model.load(folder)


def test_a_network_without_classes_has_no_probabilities(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`logits` are of classes, and the network answers with none"):
        recorded("table", tmp_path / "model").predict(KINDS["table"].asked, what=["logits"])


def test_a_network_that_writes_gives_its_best_texts_and_what_it_read(tmp_path: Path) -> None:
    model = recorded("writer", tmp_path / "model")
    answers = model.predict(KINDS["writer"].asked, what=["answers", "heard"], best=2)

    count = len(KINDS["writer"].asked["said"])
    assert list(answers) == ["row", "answer", "answer_score", "answer_2", "answer_2_score", "heard"]
    assert [len(column) for column in answers.values()] == [count] * 6
    assert len(answers["heard"][0][0]) == 8
    with pytest.raises(DataError, match="`told` is made symbol by symbol"):
        model.predict(KINDS["writer"].asked, what=["told"])


def test_an_energy_network_answers_and_gives_its_groups(tmp_path: Path) -> None:
    model, rows = recorded("machine", tmp_path / "model"), KINDS["machine"].asked

    both = model.predict(rows, what=["answers", "seen"])
    assert list(both) == ["row", "hidden", "seen"]
    assert both["hidden"] == model.predict(rows)["hidden"] == model.predict(rows, what=["answers", "hidden"])["hidden"]
    assert len(both["seen"]) == len(both["row"])


READ: dict[str, Callable[[Path], pandas.DataFrame]] = {
    ".csv": pandas.read_csv,
    ".json": lambda file: pandas.DataFrame(json.loads(file.read_text())),
    ".parquet": pandas.read_parquet,
}


def asked(folder: Path, file: Path, *more: str) -> str:
    done = CliRunner().invoke(main, ["predict", str(folder), "--input", str(file), *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stderr


@pytest.mark.parametrize("ending", list(READ))
def test_the_answers_come_as_a_file_of_any_kind(folder: Path, tmp_path: Path, ending: str) -> None:
    file, output = tmp_path / "rows.csv", tmp_path / f"answers{ending}"
    pandas.DataFrame({**ASKED, "name": ["x", "y", "z"], "lot": [7, 8, 9]}).to_csv(file, index=False)

    asked(folder, file, "--id", "name", "--id", "lot", "--what", "answers", "--what", "code", "--output", str(output))
    found = READ[ending](output)

    code = ["code_1", "code_2", "code_3"] if ending == ".csv" else ["code"]
    assert list(found) == ["name", "lot", "kind", "kind_probability", "both_a", "both_c", "price_q0.1", "price", "price_q0.9", *code]
    expected = Model.load(folder).predict(ASKED, what=["answers", "code"])
    assert found["both_c"].tolist() == pytest.approx([row[1] for row in expected["both"]])
    assert found["name"].tolist() == ["x", "y", "z"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("source", [".csv", ".parquet"])
@pytest.mark.parametrize("ending", list(READ))
def test_a_large_table_is_answered_in_pieces(
    folder: Path, tmp_path: Path, source: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is answered whole, also where rows are wrong: those of one piece alone, and in another all."""
    count = 40
    a = [0.1 * row for row in range(count)]
    b = [None if row == 3 or 10 <= row < 20 else float(row % 4) for row in range(count)]
    file, output = tmp_path / f"rows{source}", tmp_path / f"answers{ending}"
    frame = pandas.DataFrame({"a": a, "b": b})
    frame.to_csv(file, index=False) if source == ".csv" else frame.to_parquet(file, row_group_size=10)
    whole = asked(folder, file, "--output", str(output))
    expected = READ[ending](output)

    monkeypatch.setattr(csv, "WHOLE", 0)
    monkeypatch.setattr(csv, "ROWS", 10)
    monkeypatch.setattr(written, "HELD", 100)
    monkeypatch.setattr("nnrun.registry.sources.parquet.ROWS", 10)
    said = asked(folder, file, "--output", str(output))
    found = READ[ending](output)

    assert said == whole
    assert "row 4 has no answer: `x` in row 4" in said
    assert "1 more rows" in said
    assert list(found) == list(expected)
    assert list(found)[-1] == "error"
    assert found["row"].tolist() == [*range(1, count + 1)]
    pandas.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-5)


def test_nothing_half_written_stays(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, output = tmp_path / "rows.csv", tmp_path / "answers.csv"
    pandas.DataFrame(ASKED).to_csv(file, index=False)
    output.write_text("before")

    def broken(pieces: written.Pieces) -> Any:
        yield "row,"
        raise KeyboardInterrupt

    monkeypatch.setattr(written, "_csv", broken)
    CliRunner().invoke(main, ["predict", str(folder), "--input", str(file), "--output", str(output)])

    assert output.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "rows.csv"]
