"""What a person sees while a run goes on, and at its end."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from nnrun.runner.display import Display
from nnrun.runner.record.result import Compared, Result
from nnrun.runner.record.table import result_table

RESULT = Result(
    spec="digits",
    figures={"test/accuracy": 0.986, "test/rmse": 0.5, "test/other": 3.0, "test/baseline_accuracy": 0.983, "test/baseline_rmse": 0.4},
    objective="valid/accuracy",
    baseline="logistic regression",
    seconds=12.34,
    steps=1200,
    stopped_early=True,
    parameters=9610,
    examples=1258,
    previous={"test/accuracy": 0.986, "test/rmse": 0.75},
    kept_step=840,
    epochs=30.0,
    higher={"accuracy": True, "rmse": False},
)


def ending(result: Result, colours: bool = False) -> list[str]:
    stream = io.StringIO()
    system = "standard" if colours else None
    Console(file=stream, width=120, force_terminal=colours, color_system=system, highlight=False).print(result_table(result))  # type: ignore[arg-type]
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def test_the_end_says_which_figures_are_better_and_how_the_run_went() -> None:
    heading, _, accuracy, rmse, other, told = ending(RESULT)

    assert heading.split()[:3] == ["test", "this", "run"]
    assert accuracy.split() == ["accuracy", "0.9860", "0.9830", "+0.003", "better", "0.9860", "equal"]
    assert rmse.split() == ["rmse", "0.5000", "0.4000", "+0.1", "worse", "0.7500", "-0.25", "better"]
    assert other.split() == ["other", "3.0000"]
    assert told == "1,200 steps in 12.3 s, stopped early; 9,610 parameters; kept epoch 21 of 30"


def test_better_is_green_where_there_are_colours() -> None:
    _, _, accuracy, rmse, *_ = ending(RESULT, colours=True)

    assert "\x1b[32m  +0.003 better" in accuracy
    assert "\x1b[31m  +0.1 worse" in rmse


@pytest.mark.parametrize(
    ("change", "kept"),
    [({"kept_step": 0}, "the untrained network"), ({"epochs": None}, "step 840 of 1200"), ({"kept_step": 1200}, "epoch 30 of 30")],
)
def test_the_kept_weights_are_told_by_their_epoch(change: dict[str, int | None], kept: str) -> None:
    assert replace(RESULT, **change).kept == kept  # type: ignore[arg-type]


def test_a_figure_that_is_no_number_is_neither_better_nor_worse() -> None:
    assert Compared("loss", float("nan"), 1.0, 1.0, False).against(1.0) is None


@pytest.mark.parametrize(("epochs", "least", "most"), [(1, 2, 2), (12, 13, 13), (500, 20, 30), (3000, 20, 30)])
def test_a_long_run_tells_of_so_many_evaluations_in_a_pipe_the_first_and_last_among_them(epochs: int, least: int, most: int) -> None:
    stream = io.StringIO()
    display = Display(Console(file=stream, width=200))
    display.start("spec", 7 * epochs, "valid/loss")
    for epoch in range(epochs + 1):
        display.evaluated(7 * epoch, epoch, {"valid/loss": 1.0})
    display.stop()
    _, *lines = stream.getvalue().splitlines()

    assert least <= len(lines) <= most
    assert lines[0].startswith("  before training")
    assert lines[1].startswith("  epoch   1 ")
    assert lines[-1].startswith(f"  epoch {epochs:>3} ")
    assert len(set(lines)) == len(lines)


def test_a_run_that_stops_early_tells_of_its_last_evaluation() -> None:
    stream = io.StringIO()
    display = Display(Console(file=stream, width=200))
    display.start("spec", 1000, "valid/loss")
    for step in range(334):
        display.evaluated(step, step, {"valid/loss": 1.0})
    display.stop()

    assert stream.getvalue().splitlines()[-1].startswith("  epoch 333 ")
