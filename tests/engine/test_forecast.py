"""Several ticks ahead: windows and what lies behind them, what is known in advance, roll-out, baselines."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from nnrun.registry.field import DataError
from nnrun.runner.answers.generating import forecasts, samples, texts
from nnrun.runner.answers.generating.wanted import Wanted
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.roll_out import roll_out
from nnrun.runner.engine.training.baselines.baseline import baseline
from tests.engine.support import Built, build

SPEC = """\
nnrun: 1
name: ahead
data:
  source: {source: csv, file: none.csv}
  time: time
  fields:
    load: {type: series, normalize: standard}
    clock: {type: date, column: time, parts: [hour], along: load}
  window: {length: 12, horizon: 1..6}
  split: {train: 0.6, valid: 0.2, test: 0.2}
nodes:
  past: {type: flatten_time}
  steps: {type: linear, units: 6}
  direct: {type: unflatten_time}
  usual: {type: linear, units: 1}
  demand: {type: add}
edges:
  - load -> past -> steps -> direct -> demand
  - load.next -> direct.along
  - clock.next -> usual -> demand
train: {loss: {type: mse, input: demand, target: load.next}, batch_size: 8, epochs: 2}
metrics: [rmse]
"""


def table(count: int = 120, season: int = 8) -> dict[str, list[Any]]:
    """Hours of something that comes again and again, with some noise."""
    rng, begin = np.random.default_rng(0), datetime(2024, 1, 1)
    load = np.sin(np.arange(count) * 2 * np.pi / season) * 10 + 50 + rng.normal(size=count)
    return {
        "time": [(begin + timedelta(hours=hour)).isoformat(" ", "minutes") for hour in range(count)],
        "load": [round(float(value), 3) for value in load],
    }


def beside(columns: dict[str, list[Any]], rows: slice) -> dict[str, list[Any]]:
    return {name: column[rows] for name, column in columns.items()}


@pytest.fixture(scope="module")
def built() -> Built:
    return build(SPEC, table())


def predictor_of(built: Built) -> Predictor:
    return Predictor(built.network, built.plan, built.data.facts)


def test_what_lies_behind_a_window_is_a_sequence_of_its_own(built: Built) -> None:
    part, columns = built.data.train, table()
    batch = part.batch(part.rows[3:5])
    decoded = built.plan.fields["load"].decode(batch.values["load.next"].numpy(), built.data.facts["load"])
    begins = part.rows[3:5].tolist()
    assert np.allclose(np.array(decoded).T, [columns["load"][begin + 12 : begin + 18] for begin in begins], atol=1e-3)
    assert batch.values["load"].shape == (12, 2)
    assert batch.lengths["load.next"].tolist() == [6, 6]
    assert batch.values["clock.next"].shape == (6, 2, 2)
    assert built.plan.values["load.next"].ticks == 6


def test_a_part_is_judged_by_its_own_ticks_alone(built: Built) -> None:
    """The first value to predict of the first test window is the first row of the part; training windows hold nothing of others."""
    assert built.data.valid is not None
    assert built.data.test is not None
    rows = {"train": (0, 72), "valid": (72, 96), "test": (96, 120)}
    for name, part in (("train", built.data.train), ("valid", built.data.valid), ("test", built.data.test)):
        first, last = rows[name]
        begins = part.rows + (0 if name == "train" else 12)
        assert int(begins.min()) == first
        assert int(part.rows.max()) + 18 == last


def test_a_horizon_may_begin_later() -> None:
    later = build(SPEC.replace("1..6", "3..8"), table())
    part = later.data.train
    value = part.values["load.next"][part.rows[0]]
    there = part.values["load"][part.rows[0] + 8]
    assert torch.equal(value, there[6:12])  # window 8 holds rows 8 to 19, the forecast rows 14 to 19
    with pytest.raises(DataError, match="foresees tick 3 behind a window, but none of the 2 before it"):
        roll_out(predictor_of(later), table(), 6)


@pytest.mark.parametrize("horizon", ["0..3", "5..2", "a..b", "1..", 0, 2.5, True])
def test_a_horizon_that_is_none_is_refused(horizon: Any) -> None:
    found = check(SPEC.replace("horizon: 1..6", f"horizon: {str(horizon).lower() if horizon is True else horizon}"))
    assert any("the first and the last of several" in finding.headline for finding in found.report)


def test_a_plain_horizon_is_still_one_tick() -> None:
    edges = "  - load -> past -> steps -> demand\n  - clock.next -> usual -> demand\n"
    one = SPEC.replace("1..6", "6").replace("units: 6", "units: 1").replace("  direct: {type: unflatten_time}\n", "")
    one = one[: one.index("edges:")] + "edges:\n" + edges + one[one.index("train: {loss") :]
    made = build(one, table())
    assert made.plan.values["load.next"].time is None
    assert made.plan.values["clock.next"].axes == (2,)
    assert made.data.train.values["load.next"][0] == made.data.train.values["load"][6, -1]  # row 17 either way


def test_answers_need_nothing_but_what_is_known_in_advance(built: Built) -> None:
    """The last rows may lack their measurements; with them the answers are the same, and so is the row that each ends with."""
    predictor, columns = predictor_of(built), table()
    whole = predictor.ask(columns)
    blind = {**columns, "load": [*columns["load"][:-6], *[None] * 6]}
    asked = predictor.ask(blind)
    assert list(asked.rows) == list(range(11, 114)) == list(whole.rows)
    assert asked.columns == whole.columns
    longer = {**columns, "load": [*columns["load"][:-20], *[""] * 20]}
    found = predictor.ask(longer)
    assert list(found.rows)[-1] == 99  # the last row with a measurement
    assert found.columns["load_next"][-1] == whole.columns["load_next"][list(whole.rows).index(99)]


def test_a_wrong_row_keeps_windows_from_itself_alone(built: Built) -> None:
    columns = table()
    columns["load"] = [*columns["load"][:30], "x", *columns["load"][31:-6], *[None] * 6]
    asked = predictor_of(built).ask(columns)
    assert list(asked.refused) == [30]
    assert list(asked.rows)[-1] == 113
    whole = predictor_of(built).ask(table())
    assert asked.columns["load_next"][-1] == whole.columns["load_next"][-1]


def test_a_network_that_reads_ticks_alone_needs_no_future() -> None:
    blind = build(SPEC.replace("  - clock.next -> usual -> demand\n", "  - clock -> final -> usual -> demand\n").replace(
        "  usual:", "  final: {type: last}\n  usual:"), table())  # fmt: skip
    assert blind.plan.foreseen == frozenset()
    assert list(predictor_of(blind).ask(table()).rows)[-1] == 119


def test_a_forecast_goes_on_with_what_it_said(built: Built) -> None:
    """Twelve ticks ahead are two forecasts, the second of a window whose last half is the first."""
    predictor, columns = predictor_of(built), table()
    known = {**columns, "load": [*columns["load"][:108], *[None] * 12]}
    rows = roll_out(predictor, known, 12)
    assert [row["tick"] for row in rows] == list(range(1, 13))
    first = predictor.ask(beside(known, slice(0, 114))).columns["load_next"][-1]
    fed = {**columns, "load": [*columns["load"][:108], *first, *[None] * 6]}
    second = predictor.ask(fed).columns["load_next"][-1]
    assert np.allclose([row["load"] for row in rows], [*first, *second], rtol=1e-5)
    assert len(roll_out(predictor, known, None)) == 6
    assert roll_out(predictor, known, 4) == rows[:4]


def test_what_is_not_known_in_advance_is_asked_for(built: Built) -> None:
    with pytest.raises(DataError, match="`time` is known in advance, and a forecast so far needs 6 more rows"):
        roll_out(predictor_of(built), table(), 6)
    with pytest.raises(DataError, match="a window of 12 ticks does not fit a series of 5"):
        roll_out(predictor_of(built), {**table(), "load": [1.0] * 5 + [None] * 115}, 6)


def test_each_of_several_series_goes_on_by_itself() -> None:
    spec = SPEC.replace("horizon: 1..6", "horizon: 1..6, by: shop")
    one, other = table(), table(season=5)
    columns = {
        "shop": ["north", "south"] * 120,
        **{name: [v for pair in zip(one[name], other[name], strict=True) for v in pair] for name in one},
    }
    built = build(spec, columns)
    blind = {**columns, "load": [*columns["load"][:228], *[None] * 12]}
    rows = roll_out(predictor_of(built), blind, 6)
    alone = roll_out(predictor_of(built), {"shop": ["north"] * 120, **one, "load": [*one["load"][:114], *[None] * 6]}, 6)
    assert [row["shop"] for row in rows] == ["north"] * 6 + ["south"] * 6
    assert [row["load"] for row in rows[:6]] == [row["load"] for row in alone]


def test_a_forecast_that_reads_what_it_does_not_foresee_cannot_go_on() -> None:
    wind = SPEC.replace("  window:", "    wind: {type: number, along: load}\n  window:")
    wind = wind.replace("  - load -> past", "  - wind -> gust -> demand\n  - load -> past").replace(
        "  past:", "  gust: {type: last}\n  past:"
    )
    built = build(wind, {**table(), "wind": [1.0] * 120})
    with pytest.raises(DataError, match="reads `wind` and does not foresee it"):
        roll_out(predictor_of(built), {**table(), "wind": [1.0] * 120}, 6)


@pytest.mark.parametrize("season", [8, 5])
def test_the_simple_baseline_finds_the_season(season: int) -> None:
    built = build(SPEC + "track: {baseline: simple}\n", table(season=season))
    assert built.data.test is not None
    found = baseline(built.plan, built.data, built.plan.spec.track)
    assert found is not None
    assert found.name == f"the value {season} ticks before"
    assert found.guess is not None
    load, begins = np.array(table(season=season)["load"]), built.data.test.rows.numpy()
    told = np.array([[load[begin + 12 + tick - season * (1 + tick // season)] for tick in range(6)] for begin in begins])
    true = np.array([load[begin + 12 : begin + 18] for begin in begins])
    deviation = load[:72].std()
    assert found.figures["test/baseline_rmse"] == pytest.approx(np.sqrt(((told - true) ** 2).mean()) / deviation, rel=1e-4)


def test_the_linear_baseline_is_ridge_regression_of_all_that_is_read() -> None:
    built = build(SPEC + "track: {baseline: linear}\n", table())
    assert built.data.test is not None
    found = baseline(built.plan, built.data, built.plan.spec.track)
    assert found is not None
    assert found.guess is not None
    parts = [built.data.train, built.data.test]
    names = ["load", "clock.next"]
    train, test = (np.concatenate([part.values[name][part.rows].reshape(len(part), -1).numpy() for name in names], 1) for part in parts)
    scaler = StandardScaler().fit(train)
    model = RidgeCV(np.logspace(-3, 3, 13)).fit(
        scaler.transform(train), built.data.train.values["load.next"][built.data.train.rows].numpy()
    )
    assert np.allclose(found.guess, model.predict(scaler.transform(test)))


def test_a_missing_tick_is_left_out_of_the_loss() -> None:
    columns = table()
    gaps = [3, 40, 77, 110]
    columns["load"] = [None if row in gaps else value for row, value in enumerate(columns["load"])]
    built = build(SPEC.replace("normalize: standard", "normalize: standard, missing: interpolate"), columns)
    part = built.data.train
    batch = part.batch(part.rows)
    wrong = {**batch.values, "load.next": torch.where(batch.given["load.next"], batch.values["load.next"], 1e6)}
    assert int((~batch.given["load.next"]).sum()) == 6  # tick 40 alone lies behind windows of the training part, six times
    judged = batch.judged("load.next", "load.next")
    assert judged is not None
    assert float(wrong["load.next"].flatten()[judged].abs().max()) < 100


def test_whoever_reads_what_he_is_to_foresee_is_told() -> None:
    cheat = SPEC.replace("  - clock.next -> usual -> demand\n", "  - clock.next, prev(load.next) -> usual -> demand\n")
    found = check(cheat)
    assert any("it knows the answer" in finding.headline for finding in found.report)
    assert check(SPEC).report.ok
    assert not any("it knows the answer" in finding.headline for finding in check(SPEC).report)


def test_a_vector_that_does_not_fill_the_ticks_is_refused() -> None:
    found = check(SPEC.replace("units: 6", "units: 7"))
    assert any("a list of 6 numbers for the 6 ticks of `load.next`" in finding.headline for finding in found.report)


def test_what_generates_says_which_options_it_uses() -> None:
    assert forecasts.fits(build(SPEC, table()).plan)
    assert Wanted(n=3, seed=1, as_json=True).unused(forecasts.USES) is None
    assert Wanted(n=3, temperature=0.0).unused(forecasts.USES) == "--temperature"
    assert Wanted(prompt="").unused(texts.USES) is None
    assert Wanted(set=("decode.word.width=2",)).unused(samples.USES) == "--set"
