"""Which rows follow each other in time: no window holds ticks of two files, of two groups, or from both sides of a gap."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from nnrun.registry.data.times import parse_times
from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.engine.data.encoding import HOLE
from nnrun.runner.engine.data.sent import examples_of
from nnrun.runner.engine.inference.example import example_of
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.signature import signature
from nnrun.runner.record.parts import parts_text
from tests.engine.support import build

SERIES = """\
nnrun: 1
name: series
data:
  source: csv
  file: series.csv
  fields:
    level: {type: series}
  window: {length: 3}
nodes:
  flat: {type: flatten_time}
  next: {type: linear, units: 1}
edges: [level -> flat -> next]
train:
  loss: {type: mse, input: next, target: level.next}
"""


def test_a_window_that_fits_no_row_of_rows_names_the_longest_that_does() -> None:
    columns = {"level": np.arange(20.0)}  # of which 16 are learned from
    with pytest.raises(DataError) as caught:
        read({"all": columns}, "data.window.length=16")

    assert (caught.value.path, caught.value.help) == (("data", "window", "length"), "write `length: 15` or less")
    assert len(read({"all": columns}, "data.window.length=15").train) == 1


def test_the_example_of_a_network_holds_the_columns_that_put_its_rows_in_order() -> None:
    hours = [f"2024-01-01 {hour:02}:00" for hour in range(9)]
    columns = {"level": np.arange(18.0), "shop": list("ab") * 9, "hour": [hour for hour in hours for _ in "ab"]}
    plan = check(SERIES, settings=["data.window.by=shop", "data.time=hour"]).plan
    assert plan is not None
    data = read({"all": columns}, "data.window.by=shop", "data.time=hour")
    example = example_of(plan, data.facts, data.train)

    assert example == {"level": [0.0, 2.0, 4.0, 4.0], "shop": ["a"] * 4, "hour": hours[:4]}
    assert sorted(example) == sorted(column["name"] for column in signature(plan)[0])


def read(parts: Mapping[str, Mapping[str, Any]], *settings: str) -> Dataset:
    plan = check(SERIES, settings=settings).plan
    assert plan is not None
    assert plan.spec.data is not None
    again = check(resolved_text(plan)).plan
    assert again is not None
    assert again.spec.data is not None
    return prepare(again.spec.data, again.fields, parts, ["level"])


def windows(part: Part | None) -> list[list[int]]:
    """Each window with the value that it predicts behind it."""
    assert part is not None
    ticks, following = part.values["level"][part.rows], part.values["level.next"][part.rows]
    return [[*map(int, window), int(value)] for window, value in zip(ticks.tolist(), following.tolist(), strict=True)]


def files() -> dict[str, dict[str, Any]]:
    return {"train": {"level": range(20)}, "valid": {"level": range(100, 110)}, "test": {"level": range(200, 206)}}


def test_a_window_holds_ticks_of_one_file() -> None:
    data = read({part: {"level": list(held["level"])} for part, held in files().items()})

    assert windows(data.test) == [[200, 201, 202, 203], [201, 202, 203, 204], [202, 203, 204, 205]]
    assert len(windows(data.valid)) == 7
    assert windows(data.train)[-1] == [16, 17, 18, 19]


def test_joined_files_continue_each_other() -> None:
    data = read({part: {"level": list(held["level"])} for part, held in files().items()}, "data.window={length: 3, join: true}")

    assert windows(data.test)[:2] == [[107, 108, 109, 200], [108, 109, 200, 201]]
    assert len(windows(data.test)) == 6
    assert windows(data.train)[-1] == [16, 17, 18, 19], "what is learned from holds nothing of another part"


def test_joining_what_comes_in_one_part_is_refused() -> None:
    with pytest.raises(DataError, match="`join` under `window` is for data that comes in parts, and this comes in one"):
        read({"all": {"level": list(range(20))}}, "data.window={length: 3, join: true}")


@pytest.mark.parametrize("by_shop", [True, False])
def test_groups_of_one_table_are_kept_apart_in_whatever_order_they_come(by_shop: bool) -> None:
    rows = [(shop, 100 * shop + day) for shop in range(50) for day in range(10)]  # the hundreds tell the shop
    rows = rows if by_shop else sorted(rows, key=lambda row: row[1] % 100)
    columns = {"shop": [f"s{shop}" for shop, _ in rows], "level": [level for _, level in rows]}
    data = read({"all": columns}, "data.window={length: 3, by: shop}")

    found = [windows(part) for part in (data.train, data.valid, data.test)]

    # Of each shop's 10 rows 8 are learned from, which hold 5 windows of 3 and 1; one row is judged in each other part.
    assert [len(part) for part in found] == [250, 50, 50]
    assert all(np.ptp([tick // 100 for tick in window]) == 0 for part in found for window in part)
    assert {window[-1] % 100 for window in found[2]} == {9}, "each shop is tested on its last day"


def hours(*numbers: int) -> list[str]:
    return [str(datetime(2024, 1, 5) + timedelta(hours=number)) for number in numbers]


HOURS = (*range(10), *range(22, 40))
"""An hourly table with a hole: behind hour 9 pass 13 hours."""


def test_no_window_crosses_a_gap_in_time() -> None:
    data = read({"all": {"hour": hours(*HOURS), "level": list(HOURS)}}, "data.time=hour")

    assert all(window[-1] - window[0] == 3 for part in (data.train, data.valid, data.test) for window in windows(part))
    assert len(windows(data.train)) == 7 + 9  # of 10 rows before the gap, and 12 of the 22 learned from behind it


def test_gaps_are_named_with_the_parts() -> None:
    data = read({"all": {"hour": hours(*HOURS), "level": list(HOURS)}}, "data.time=hour")

    assert parts_text(data).splitlines()[3:] == [
        "`hour` has a gap of 13 hours behind row 10 (`2024-01-05 09:00:00`), which no window crosses; rows lie 1 hour apart"
    ]


def test_series_too_short_for_a_window_are_named() -> None:
    data = read({"all": {"shop": [*"a" * 20, *"b" * 3], "level": list(range(23))}}, "data.window={length: 3, by: shop}")

    assert data.notes == ("1 of 2 series is shorter than 4 rows, which a window takes with what it predicts: 3 rows are not used",)


@pytest.mark.parametrize(
    ("times", "message", "help"),
    [
        (
            hours(0, 1, 3, 2),
            "`hour` holds `2024-01-05 02:00:00` in row 4, which does not come after `2024-01-05 03:00:00`",
            "sort the rows",
        ),
        (hours(0, 1, 2, 2), "`hour` holds `2024-01-05 02:00:00` in row 4, which does not come after", "`window: {by: COLUMN}`"),
        ([0, 10, 20, 30, 33], "`hour` in row 5 comes 3 after the row before, where rows lie 10 apart", "give the series one step"),
        (
            ["2024-01-01", "1st of May"],
            "`hour` in row 2 of `series.csv` holds `1st of May`, which is no time",
            "a time is a number, or a date",
        ),
        (["2024-01-01", ""], "`hour` in row 2 of `series.csv` has no value", "a time is a number, or a date"),
    ],
)
def test_times_that_do_not_rise_step_by_step_are_refused(times: list[Any], message: str, help: str) -> None:
    with pytest.raises(DataError) as refused:
        read({"all": {"hour": times, "level": list(range(len(times)))}}, "data.time=hour")

    assert refused.value.message.startswith(message)
    assert str(refused.value.help).startswith(help)


def test_a_row_is_told_in_its_own_file() -> None:
    parts = {"train": {"hour": hours(0, 1, 2, 3), "level": [0] * 4}, "test": {"hour": hours(9, 8), "level": [0] * 2}}

    with pytest.raises(DataError, match="in row 2 of `test`"):
        read(parts, "data.time=hour")


def test_months_and_leap_years_are_one_step_apart() -> None:
    months = [f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)]
    data = read({"all": {"hour": months, "level": list(range(24))}}, "data.time=hour")

    assert data.notes == ()


@pytest.mark.parametrize(
    "column",
    [
        ["2024-01-01 01:00", "2024-01-01 02:00"],
        ["2024-01-01T01:00Z", "2024-01-01T03:00+01:00"],
        [datetime(2024, 1, 1, 1), datetime(2024, 1, 1, 2)],
        np.array(["2024-01-01T01", "2024-01-01T02"], dtype="datetime64[h]"),
    ],
)
def test_dates_are_read_however_a_table_holds_them(column: Any) -> None:
    times = parse_times(column)

    assert times.values.tolist() == [1704070800.0, 1704074400.0]  # date -u -d "2024-01-01 01:00" +%s
    assert times.duration(3600.0) == "1 hour"


def test_an_empty_cell_of_a_series_is_not_to_be_left_out() -> None:
    with pytest.raises(DataError) as refused:
        read({"all": {"level": [1.0, "", *[2.0] * 20]}})

    assert refused.value.message == "`level` in row 2 of `series.csv` has no value"
    assert refused.value.help == HOLE


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (("data.window=null", "data.time=hour"), "`time` says when the ticks of a series were, and the rows are no ticks"),
        (("data.window={length: 3, stride: 3, by: shop}", "train.carry_state=true"), "and `by` parts the rows into several series"),
        (
            ("data.window={length: 3, stride: 3}", "data.time=hour", "train.carry_state=true"),
            "and `time` parts the rows into several series",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(settings: tuple[str, ...], wanted: str) -> None:
    findings = check(SERIES, settings=settings).report

    assert any(wanted in finding.headline for finding in findings if finding.id == "conflicting-keys")


def test_a_network_answers_for_the_newest_tick_whatever_its_stride() -> None:
    rows = {"level": [float(row) for row in range(50)]}
    built = build(SERIES, rows, "data.window={length: 3, stride: 10}")
    predictor = Predictor(built.network, built.plan, built.data.facts)

    answers = predictor.ask(rows)

    assert answers.rows == list(range(2, 50)), "a window ends with each row but the first two"
    assert len(answers.columns["level_next"]) == 48


def test_answers_come_in_the_order_of_the_rows_and_from_one_group() -> None:
    columns = {"shop": list("abababab"), "level": [0, 10, 1, 11, 2, 12, 3, 13]}
    plan = check(SERIES, settings=["data.window={length: 3, by: shop}"]).plan
    assert plan is not None
    assert plan.spec.data is not None

    examples, ends = examples_of(plan.spec.data, plan.fields, columns, {"level": {"shift": 0.0, "scale": 1.0}})

    assert examples.values["level"][examples.rows].tolist() == [[0, 1, 2], [10, 11, 12], [1, 2, 3], [11, 12, 13]]
    assert ends == [4, 5, 6, 7]


def test_the_group_itself_is_known_without_the_row_to_predict() -> None:
    settings = ["data.window={length: 3, by: shop}"]
    text = SERIES.replace("  window:", "    shop: {type: category}\n  window:")
    text = text.replace("nodes:\n", "nodes:\n  e: {type: embedding, units: 2}\n").replace("[level ->", "[shop -> e -> next, level ->")
    plan = check(text, settings=settings).plan
    assert plan is not None
    assert plan.spec.data is not None
    facts = {"level": {"shift": 0.0, "scale": 1.0}, "shop": {"classes": ["a", "b"]}}

    examples, _ = examples_of(plan.spec.data, plan.fields, {"shop": list("ababab"), "level": [0, 10, 1, 11, 2, 12]}, facts)

    assert examples.values["level"][examples.rows].tolist() == [[0, 1, 2], [10, 11, 12]]
    assert examples.values["shop"][examples.rows].tolist() == [0, 1]
