"""What a sweep tries, by hand: drawing, grids, rounding, and the figure that decides."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.sweep import Choices, Search, Sweep
from nnrun.runner.experiments.sweep import space
from nnrun.runner.experiments.sweep.study import Study, SweepBusy
from nnrun.runner.experiments.sweep.trials import Done, Failed, worth
from tests.compiler.support import spec

OVER = {
    "a": Choices(values=("x", [1, 2], 0.5)),
    "b": Choices(log=(1e-4, 1e-1)),
    "c": Choices(log=(4, 64)),
    "d": Choices(range=(0, 10), step=5),
    "e": Choices(range=(0.0, 1.0), step=0.25),
}


def swept(**options: object) -> Sweep:
    return Sweep.model_validate({"over": {"a": [1, 2, 3], "b": {"range": [1, 2]}}, **options})


def drawn(number: int, seed: int = 0) -> dict[str, object]:
    study = optuna.create_study(sampler=space.sampler(Search(type="random", seed=seed), number))
    trial = study.ask()
    space.suggest(trial, OVER)
    return trial.params


def test_what_is_drawn_lies_within_its_range() -> None:
    for number in range(50):
        a, b, c, d, e = (text.partition("=")[2] for text in space.settings(drawn(number), OVER))
        assert a in ("x", "[1, 2]", "0.5")
        assert 1e-4 <= float(b) <= 1e-1
        assert 4 <= int(c) <= 64
        assert d in ("0", "5", "10")
        assert e in ("0.0", "0.25", "0.5", "0.75", "1.0")


def test_a_trial_is_drawn_by_its_number_alone() -> None:
    assert drawn(7) == drawn(7)
    assert len({drawn(number)["b"] for number in range(50)}) == 50
    assert drawn(7) != drawn(7, seed=1)


def test_a_number_of_a_range_has_four_digits_and_stays_within() -> None:
    over = {"lr": Choices(range=(0.0, 0.99999))}

    assert space.settings({"lr": 0.123456789}, over) == ("lr=0.1235",)
    assert space.settings({"lr": 0.999985}, over) == ("lr=0.99999",)


def test_a_grid_changes_its_last_setting_fastest() -> None:
    over = {"a": Choices(values=(1, 2)), "b": Choices(range=(1, 2)), "c": Choices(range=(0.0, 0.3), step=0.1)}
    rows = [tuple(space.in_grid(over, number).values()) for number in range(16)]

    assert rows[:5] == [("1", 1, 0.0), ("1", 1, 0.1), ("1", 1, 0.2), ("1", 1, pytest.approx(0.3)), ("1", 2, 0.0)]
    assert rows[-1] == ("2", 2, pytest.approx(0.3))
    assert Sweep(over=over).grid == 16


@pytest.mark.parametrize(
    ("options", "asked", "total"),
    [
        ({}, None, 20),
        ({}, 3, 3),
        ({"search": "grid"}, None, 6),
        ({"search": "grid"}, 99, 6),
        ({"search": {"type": "grid", "trials": 4}}, None, 4),
    ],
)
def test_how_many_trials_there_are(options: dict[str, object], asked: int | None, total: int) -> None:
    assert space.total(swept(**options), asked) == total


@pytest.mark.parametrize(
    ("more", "objective"),
    [
        ("metrics: [accuracy, f1]\nsweep: {over: {train.batch_size: [1]}}", ("valid/accuracy", True)),
        ("sweep: {over: {train.batch_size: [1]}}", ("valid/loss", False)),
        ("metrics: [f1]\nsweep: {minimize: valid/loss, over: {train.batch_size: [1]}}", ("valid/loss", False)),
        ("metrics: [f1]\nsweep: {maximize: valid/f1, over: {train.batch_size: [1]}}", ("valid/f1", True)),
    ],
)
def test_the_figure_that_decides_is_that_of_the_kept_weights(more: str, objective: tuple[str, bool]) -> None:
    plan = check(spec(more=more)).plan
    assert plan is not None

    assert space.objective(plan) == objective


def test_the_monitor_of_early_stopping_decides_before_the_metrics() -> None:
    train = "{loss: {type: cross_entropy, input: scores, target: digit}, early_stopping: {monitor: valid/loss}}"
    plan = check(spec(train=train, more="metrics: [accuracy]\nsweep: {over: {train.batch_size: [1]}}")).plan
    assert plan is not None

    assert space.objective(plan) == ("valid/loss", False)


def test_a_trial_is_worth_what_its_kept_weights_are() -> None:
    figures = {"valid/best_accuracy": 0.9, "valid/best_step": 20.0, "valid/accuracy": 0.7, "valid/f1": 0.6}

    assert worth("valid/accuracy", figures, {10: 0.5, 20: 0.9, 30: 0.7}) == 0.9
    assert worth("valid/f1", figures, {10: 0.5, 20: 0.8, 30: 0.6}) == 0.8
    assert worth("train/loss", {"train/loss": 0.1}, {}) == 0.1
    assert math.isnan(worth("valid/mae", figures, {}))


def identity(more: str, text: str = "") -> str:
    plan = check(spec(more=more) + text).plan
    assert plan is not None
    return space.identity(plan, None)


def test_a_sweep_is_the_same_with_more_trials_and_other_words() -> None:
    one = identity("sweep: {search: {type: tpe, trials: 3}, over: {train.optimizer.lr: [1e-3, 0.1]}}")

    assert one == identity("# a comment\nsweep: {search: tpe, over: {train.optimizer.lr: [0.001, 1e-1]}}\ndescription: What it shows.")
    assert one != identity("sweep: {search: random, over: {train.optimizer.lr: [0.001, 0.1]}}")
    assert one != identity("sweep: {over: {train.optimizer.lr: [0.001, 0.2]}}")


def test_a_study_goes_on_after_its_last_line_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "sweeps" / "x-12345678.journal"
    study = Study(path, swept(search="random"), high=True)
    first = study.ask(), study.ask()
    settings = [study.settings(number) for number in first]
    study.keep(0, 0, Done("id", "valid/accuracy", 0.5, {"test/accuracy": 0.25}))
    study.close()
    with open(path, "ab") as file:
        file.write(b'{"op_code": 4, "wor')
    again = Study(path, swept(search="random"), high=True)

    assert again.interrupted == [1]
    assert [again.settings(number) for number in first] == settings
    assert again.ask() == 2
    assert again.mean(0, "test/accuracy") == 0.25
    again.close()


def test_a_trial_whose_runs_were_all_noted_is_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "x-12345678.journal"
    study = Study(path, swept(), high=True)
    study.ask()
    study._trial(0).set_user_attr("run 0", {"run_id": "id", "figure": "valid/loss", "value": 0.5, "figures": {}})  # killed here
    study.close()
    again = Study(path, swept(), high=True)

    assert again.interrupted == []
    assert [trial.value for trial in again.finished] == [0.5]
    again.close()


def test_a_grid_trial_that_was_chosen_and_not_begun_is_the_next(tmp_path: Path) -> None:
    path = tmp_path / "x-12345678.journal"
    study = Study(path, swept(search="grid"), high=True)
    study._study.enqueue_trial(space.in_grid(study.sweep.over, 0))  # killed here
    study.close()
    again = Study(path, swept(search="grid"), high=True)

    assert again.begun == 0
    assert [again.settings(again.ask()) for _ in range(6)] == [(f"a={a}", f"b={b}") for a in (1, 2, 3) for b in (1, 2)]
    again.close()


def test_the_best_of_equal_trials_is_the_earlier(tmp_path: Path) -> None:
    study = Study(tmp_path / "x-12345678.journal", swept(), high=False)
    for value in (0.5, 0.25, 0.25):
        study.keep(study.ask(), 0, Done("id", "valid/loss", value))
    study.fail(study.ask(), Failed("diverged", "no number"))

    assert [trial.number for trial in study.finished] == [1, 2, 0]
    assert study.error(3) == ("diverged", "no number")
    with pytest.raises(SweepBusy, match="goes on with the sweep"):
        Study(study.path, swept(), high=False)
    study.close()
