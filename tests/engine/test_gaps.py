"""Gaps, strangers and missing targets: a messy table trains, is judged, answers, goes on and is shared as a whole one is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.data.encoding import encode
from nnrun.runner.engine.data.series.recordings import recordings
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.pictures.learned import Mistakes
from nnrun.runner.engine.training.objective import Losses
from nnrun.runner.experiments.answers import Answers
from nnrun.runner.record.predictions import _with_truth
from tests.engine.support import Built, build, train

SPEC = """\
nnrun: 1
name: messy
data:
  source: {source: csv, file: none.csv}
  split: {train: 0.7, valid: 0.15, test: 0.15}
  fields:
    a: {type: number, missing: mean, normalize: standard}
    b: {type: number, decimal: ",", missing: median, normalize: standard}
    cd: {type: vector, columns: [c, d], missing: indicator, normalize: standard}
    city: {type: category, unseen: other, missing: other}
    y: {type: number, missing: skip, normalize: standard}
    label: {type: category, missing: skip}
nodes:
  place: {type: embedding, units: 3}
  hidden: {type: linear, units: 16, activation: tanh}
  price: {type: linear, units: 1}
  likely: {type: linear, units: label}
edges:
  - city -> place
  - a, b, cd, place -> hidden -> price, likely
train:
  loss:
    - {type: mse, input: price, target: y}
    - {type: cross_entropy, input: likely, target: label}
  optimizer: {type: adam, lr: 0.02}
  batch_size: 8
  epochs: 12
metrics:
  - {type: rmse, input: price, target: y}
  - {type: accuracy, input: likely, target: label}
"""


def table(count: int = 240, gaps: float = 1 / 3, seed: int = 0) -> dict[str, list[Any]]:
    """A third of the cells empty, two decimal signs, a city that is seldom, and targets for some rows only."""
    rng = np.random.default_rng(seed)
    x, cities = rng.normal(size=(count, 4)), rng.choice(["Bonn", "Kiel", "Ulm"], count)
    y = x @ [1.0, -2.0, 0.5, 1.5] + np.array([{"Bonn": 0, "Kiel": 1, "Ulm": -1}[city] for city in cities])

    def holed(values: list[str], share: float) -> list[str]:
        return [value if rng.random() > share else str(rng.choice(["", "NA"])) for value in values]

    columns: dict[str, list[Any]] = {name: holed([f"{value:.3f}" for value in x[:, at]], gaps) for at, name in enumerate("abcd")}
    columns["b"] = [cell.replace(".", ",") for cell in columns["b"]]
    columns["city"] = [city if rng.random() > gaps else "" for city in cities]
    columns["city"][:2] = ["Wien", "Graz"]
    columns["y"] = [f"{value:.3f}" if rng.random() > 0.3 else "" for value in y]
    columns["label"] = [("yes" if value > 0 else "no") if rng.random() > 0.3 else "" for value in y]
    return columns


@pytest.fixture
def messy() -> Built:
    return build(SPEC, table())


def test_a_messy_table_is_learned_from(messy: Built) -> None:
    before = messy.evaluator.evaluate(messy.data.train, "train")
    train(messy)
    after = messy.evaluator.evaluate(messy.data.train, "train")

    assert after["train/rmse"] < 0.7 * before["train/rmse"]
    assert after["train/accuracy"] > 0.75


def test_figures_are_those_of_the_rows_that_have_a_target(messy: Built) -> None:
    columns, rows = table(), messy.data.train.rows.tolist()
    given = [row for row in rows if columns["y"][row]]
    predictor = Predictor(messy.network, messy.plan, messy.data.facts)
    answers = predictor.ask({name: [column[row] for row in given] for name, column in columns.items()}).columns["y"]
    true = [float(columns["y"][row]) for row in given]

    figure = messy.evaluator.evaluate(messy.data.train, "train")["train/rmse"]

    error = np.sqrt(np.mean((np.array(answers) - true) ** 2))
    assert figure == pytest.approx(error / messy.data.facts["y"]["scale"], rel=1e-5)


def test_a_missing_target_gives_no_gradient(messy: Built) -> None:
    part, losses = messy.data.train, Losses(messy.plan, messy.data.facts)
    given = part.given("y")
    assert given is not None
    rows = part.rows[given[part.rows] == 0][:5]
    batch = part.batch(rows)
    assert set(batch.given) == {"y", "label"}
    values = messy.network(batch, losses.wanted)
    (sums, weight), _ = losses.sums(values, batch)
    total = losses.total(losses.means([(sums, weight), (sums, weight)]))
    total.backward()  # type: ignore[no-untyped-call]

    assert (weight.item(), total.item()) == (0.0, 0.0)
    assert all(not parameter.grad.any() for parameter in messy.network.parameters() if parameter.grad is not None)


def test_shares_of_a_batch_add_up_to_the_batch(messy: Built) -> None:
    part, losses = messy.data.train, Losses(messy.plan, messy.data.facts)
    batches = [part.batch(rows) for rows in (part.rows[:20], part.rows[:3], part.rows[3:20])]
    whole, *shares = [losses.sums(messy.network(batch, losses.wanted), batch) for batch in batches]

    for at, (total, weight) in enumerate(whole):
        torch.testing.assert_close(sum(share[at][0] for share in shares), total)
        assert sum(float(share[at][1]) for share in shares) == float(weight) == float(losses.weights(batches[0])[at])


def test_gaps_are_filled_as_scikit_learn_fills_them() -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    built, columns = build(SPEC, table()), table()
    rows = built.data.train.rows.numpy()
    numbers = {
        name: np.array([float(cell.replace(",", ".")) if cell not in ("", "NA") else np.nan for cell in columns[name]])[:, None]
        for name in "abcd"
    }
    for name, strategy in (("a", "mean"), ("b", "median")):
        imputer = SimpleImputer(strategy=strategy).fit(numbers[name][rows])
        wanted = StandardScaler().fit(imputer.transform(numbers[name][rows])).transform(imputer.transform(numbers[name]))
        np.testing.assert_allclose(built.data.train.values[name].numpy(), wanted[:, 0], atol=1e-6)
    both = np.concatenate([numbers["c"], numbers["d"]], axis=1)
    imputer = SimpleImputer(strategy="mean", add_indicator=True).fit(both[rows])
    filled = imputer.transform(both)
    wanted = np.concatenate([StandardScaler().fit(filled[rows, :2]).transform(filled[:, :2]), filled[:, 2:]], axis=1)
    np.testing.assert_allclose(built.data.train.values["cd"].numpy(), wanted, atol=1e-6)


def test_rare_names_teach_the_class_of_strangers() -> None:
    built = build(SPEC, table())
    facts = built.data.facts["city"]

    assert facts["classes"] == ["Bonn", "Kiel", "Ulm", "(other)"]
    assert sum(facts["counts"]) == len(built.data.train)
    predictor = Predictor(built.network, built.plan, built.data.facts)
    asked = {name: ["1"] for name in "abcd"}
    one, other, none = (predictor.ask({**asked, "city": [city]}).columns["y"] for city in ("Oslo", "Rom", ""))
    assert one == other == none


def test_answers_know_no_truth_where_there_is_none(messy: Built) -> None:
    columns = table()
    truth = Predictor(messy.network, messy.plan, messy.data.facts).truth(messy.data.train)

    rows = messy.data.train.rows.tolist()
    assert [value is None for value in truth["y"]] == [not columns["y"][row] for row in rows]
    assert [value or "" for value in truth["label"]] == [columns["label"][row] for row in rows]


def test_a_row_that_is_wrong_is_named_and_the_others_are_answered(messy: Built) -> None:
    given: Mapping[str, list[Any]] = {
        "a": [1.0, None, "x"], "b": ["0,5", "", "1"], "c": [None] * 3, "d": [2, "NA", 1], "city": ["Oslo", None, "Bonn"],
    }  # fmt: skip
    answers = Predictor(messy.network, messy.plan, messy.data.facts).ask(given)

    assert list(answers.rows) == [0, 1]
    assert {row: error.message for row, error in answers.refused.items()} == {2: "`a` in row 3 holds `x`, which is no number"}


SERIES = """\
nnrun: 1
name: series
data:
  source: {source: csv, file: none.csv}
  window: {length: 4}
  fields: {x: {type: series, missing: mean}}
nodes:
  memory: {type: gru, units: 4}
  last: {type: last}
  out: {type: linear, units: 1}
edges: [x -> memory -> last -> out]
train: {loss: {type: mse, input: out, target: x.next}, epochs: 2}
metrics: [mae]
"""


def test_what_was_filled_in_is_no_target() -> None:
    x: list[Any] = [float(number % 7) for number in range(60)]
    x[10] = x[11] = x[40] = None
    built = build(SERIES, {"x": x})
    part = built.data.train
    (mask,) = [part.given("x.next")]
    assert mask is not None

    missing = {int(row) for row in (mask == 0).nonzero().flatten()}
    assert missing == {6, 7, 36}  # windows behind which nothing stands
    assert built.data.train.values["x"].isfinite().all()
    train(built)


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("last", [[1.0, 1.0, 4.0, 4.0], [None, 2.0, 2.0, 8.0]]),
        ("interpolate", [[1.0, 2.5, 4.0, 4.0], [2.0, 2.0, 5.0, 8.0]]),
    ],
)
def test_gaps_in_time_are_filled_within_a_series(how: str, wanted: list[list[float | None]]) -> None:
    columns = {"x": [1.0, None, None, 2.0, 4.0, None, None, 8.0], "who": ["a", "b", "a", "b", "a", "b", "a", "b"]}
    text = SERIES.replace("missing: mean", f"missing: {how}").replace("{length: 4}", "{length: 2, by: who}")
    checked = check(text)
    assert checked.plan is not None
    data = checked.plan.spec.data
    assert data is not None
    series = recordings(data, {"all": columns})
    facts = {"x": checked.plan.fields["x"].fit(columns["x"])}
    part, _ = encode(data, checked.plan.fields, {"x": columns["x"]}, facts, targets=["x"], series=series)

    for at, (run, numbers) in enumerate(zip(series.runs, wanted, strict=True)):
        mean = facts["x"]["fill"]
        assert part.values["x"][torch.from_numpy(run)].tolist() == [mean if number is None else number for number in numbers], at
    assert part.values["x.given"].bool().tolist() == [value is not None for value in columns["x"]]


def test_gaps_within_rows_are_filled_row_by_row() -> None:
    field = check(TICKS.replace("x: {type: series}", "x: {type: series, missing: interpolate}")).plan
    assert field is not None
    column = [[1.0, None, 3.0], [None, 5.0, None, 6.0, None]]
    facts = field.fields["x"].fit(column)

    assert field.fields["x"].encode(column, facts).values.tolist() == [[1, 2, 3, 0, 0], [5, 5, 5.5, 6, 6]]


TICKS = """\
nnrun: 1
name: ticks
data:
  source: {source: csv, file: none.csv}
  split: {train: 0.6, valid: 0.2, test: 0.2}
  fields:
    x: {type: series}
    y: {type: number, along: x, missing: skip}
nodes:
  memory: {type: gru, units: 4}
  out: {type: linear, units: 1}
edges: [x -> memory -> out]
train: {loss: {type: mae, input: out, target: y}, epochs: 1, batch_size: 4}
metrics: [mae]
"""


def test_single_ticks_may_be_without_a_target() -> None:
    rng = np.random.default_rng(0)
    x = [rng.normal(size=3 + row % 4).tolist() for row in range(40)]
    y: list[Any] = [[None if (row + tick) % 3 == 0 else 2.0 * value for tick, value in enumerate(ticks)] for row, ticks in enumerate(x)]
    built = build(TICKS, {"x": x, "y": y})
    figure = built.evaluator.evaluate(built.data.train, "train")["train/mae"]

    part = built.data.train
    batch = part.batch(part.rows)
    out = built.network(batch, ("out",))["out"].detach().squeeze(-1)
    apart = [
        abs(float(out[tick, place]) - y[row][tick])
        for place, row in enumerate(part.rows.tolist())
        for tick in range(len(x[row]))
        if y[row][tick] is not None
    ]
    assert figure == pytest.approx(np.mean(apart), rel=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a: {type: number, missing: mean,", "a: {type: number, missing: skip,", "`missing: skip` leaves out what `a` lacks"),
        ("city: {type: category, unseen: other, missing: other}", "city: {type: category, missing: skip}", "reads `city`"),
        ("y: {type: number, missing: skip,", "y: {type: number, missing: indicator,", "puts marks behind `y`, which is a target"),
        ("unseen: other, missing: other", "min_count: 3", "`min_count` takes rare names for the class `(other)`"),
    ],
)
def test_what_does_not_go_together_is_found(old: str, new: str, said: str) -> None:
    findings = [finding.headline for finding in check(SPEC.replace(old, new)).report]

    assert any(said in finding for finding in findings), findings


@pytest.mark.parametrize("column", ["a", "y", "label"])
def test_a_column_without_any_value_is_refused(column: str) -> None:
    with pytest.raises(DataError, match=f"`{column}` has no value at all"):
        build(SPEC, {**table(), column: [""] * 240})


def test_names_that_were_never_seen_are_counted(messy: Built) -> None:
    given = {**{name: ["1"] * 3 for name in "abcd"}, "city": ["Oslo", "Bonn", ""]}
    answers = Predictor(messy.network, messy.plan, messy.data.facts).ask(given)

    assert [*map(str, answers.strange)] == ["`city`: 2 of 3 names have no place of their own in the training part"]


IMAGES = """\
nnrun: 1
name: half_labelled
data:
  source: {source: csv, file: none.csv}
  fields: {image: {type: image}, digit: {type: category, missing: skip}}
nodes:
  flat: {type: flatten}
  scores: {type: linear, units: digit}
edges: [image -> flat -> scores]
train: {loss: {type: cross_entropy, input: scores, target: digit}, epochs: 1}
metrics: [accuracy]
"""


def test_what_has_no_truth_is_no_mistake() -> None:
    images = np.random.default_rng(0).random((30, 4, 4))
    built = build(IMAGES, {"image": list(images), "digit": ["one" if row % 2 else None if row % 3 else "two" for row in range(30)]})
    mistakes = Mistakes(built.data.train, "image", built.plan.losses[0])
    built.evaluator.evaluate(built.data.train, "train", look=mistakes.look)

    given = built.data.train.given("digit")
    assert given is not None
    (rows,) = [torch.cat([rows for rows, *_ in mistakes._seen])]
    assert given[rows].all()
    assert len(rows) == int(given[built.data.train.rows].sum()) < len(built.data.train)


def test_pictures_and_comparisons_leave_out_what_has_no_truth() -> None:
    assert _with_truth(["a", None, "b"], ["a", "b", "a"]) == (["a", "b"], ["a", "a"])
    assert _with_truth([[1, None], [2]], [[1, 1], [3]]) == ([[1], [2]], [[1], [3]])
    about = {"answers": {"y": {"kind": "category", "ticks": False}}, "metrics": [{"label": "accuracy", "type": "accuracy", "answer": "y"}]}
    answer = pa.chunked_array([["a", "b"]])
    whole, lacking = (Answers({"true_y": pa.chunked_array([truth]), "y": answer}, about) for truth in (["a", "a"], ["a", None]))

    assert whole.right("accuracy") is not None
    assert lacking.right("accuracy") is None
    assert lacking.figure("accuracy") is None


def test_a_part_without_any_target_is_refused() -> None:
    columns = table()
    rows = build(SPEC, columns).data.valid
    assert rows is not None
    for row in rows.rows.tolist():
        columns["y"][row] = ""

    with pytest.raises(DataError, match="`y` has no value at all in the valid part"):
        build(SPEC, columns)


def test_a_target_that_is_called_as_its_axis_has_places_of_its_own() -> None:
    batch = Batch({"x": torch.zeros(3, 2)}, {"x": torch.tensor([3, 2])}, 2, given={"x": torch.tensor([[1, 0], [0, 1], [1, 1]]).bool()})

    assert batch.places("x") is not None
    judged = batch.judged("x", "x")
    assert judged is not None
    assert (batch.places("x").tolist(), judged.tolist()) == ([0, 1, 2, 3, 4], [0, 3, 4])  # type: ignore[union-attr]
