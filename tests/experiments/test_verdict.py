"""What is said of a difference, case by case."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow
import pytest

from nnrun.registry.fault import Fault
from nnrun.runner.experiments.answers import Answers
from nnrun.runner.experiments.compare import Comparison, as_json, compare
from nnrun.runner.experiments.figures import higher_is_better
from nnrun.runner.experiments.groups import Group
from nnrun.runner.experiments.verdict import verdict
from nnrun.runner.tracking.asked.listed import Listed

CLASSES = ["no", "yes"]
ABOUT = {
    "part": "test",
    "answers": {"label": {"kind": "category", "ticks": False, "classes": CLASSES}},
    "metrics": [
        {"label": "accuracy", "type": "accuracy", "answer": "label"},
        {"label": "f1", "type": "f1", "answer": "label"},
        {"label": "specificity", "type": "specificity", "answer": "label"},
    ],
}


def run(name: str, figure: float, seed: int | None = 0, metric: str = "accuracy", **params: str) -> Listed:
    seeds = {} if seed is None else {"train.seed": str(seed)}
    metrics = {f"test/{metric}": figure, f"valid/best_{metric}": figure, "valid/best_step": 3.0}
    return Listed(f"{name}-{seed}", f"{name}-{seed}", name, "FINISHED", seed or 0, {**seeds, **params}, {}, metrics)


def group(name: str, figures: Sequence[float], seeds: Sequence[int] = (), metric: str = "accuracy", **params: str) -> Group:
    seeds = seeds or range(len(figures))
    return Group(name, tuple(run(name, figure, seed, metric, **params) for seed, figure in zip(seeds, figures, strict=True)))


def answers(right: Sequence[bool], truth: Sequence[str] | None = None) -> Answers:
    truth = truth or [CLASSES[place % 2] for place in range(len(right))]
    given = [true if is_right else CLASSES[1 - CLASSES.index(true)] for true, is_right in zip(truth, right, strict=True)]
    table = pyarrow.table({"row": list(range(1, len(right) + 1)), "true_label": truth, "label": given})
    return Answers({name: table[name] for name in table.column_names}, ABOUT)


def compared(groups: Sequence[Group], kept: Mapping[str, Answers] | None = None, **options: Any) -> Comparison:
    return compare(groups, lambda run: (kept or {}).get(run.experiment), **options)


def said(groups: Sequence[Group], kept: Mapping[str, Answers] | None = None, **options: Any) -> str:
    return verdict(compared(groups, kept, **options))


def test_a_difference_on_equal_seeds_is_said_with_its_interval_and_its_wins() -> None:
    # gains 0.8, 0.9, 1.0, 0.9, 0.9 points: mean 0.9, deviation sqrt(0.005), half = 2.77645 * 0.0707107 / sqrt(5) = 0.0878
    a, b = [0.90, 0.91, 0.92, 0.93, 0.94], [0.908, 0.919, 0.93, 0.939, 0.949]

    assert said([group("A", a), group("B", b)]) == "B is 0.9 points better than A in accuracy, 95 % 0.8 to 1.0, 5 of 5 seeds"


def test_a_difference_within_chance_says_how_many_seeds_would_show_it() -> None:
    # gains 0.1, 0.5, 1.2 points: mean 0.6, deviation 0.556776, half = 4.30265 * 0.556776 / sqrt(3) = 1.383
    a, b = [0.90, 0.91, 0.92], [0.901, 0.915, 0.932]

    assert said([group("A", a), group("B", b)]) == (
        "B is 0.6 points better than A in accuracy; with 3 seeds this is within chance (95 % -0.8 to 2.0); "
        "about 6 seeds would show such a difference"
    )


def test_other_seeds_are_compared_unpaired() -> None:
    text = said([group("A", [0.90, 0.91, 0.92]), group("B", [0.95, 0.97, 0.96], seeds=[7, 8, 9])])

    assert text == "B is 5.0 points better than A in accuracy, 95 % 2.7 to 7.3, 3 and 3 seeds, unpaired"


def test_groups_that_share_only_some_seeds_are_compared_unpaired() -> None:
    found = compared([group("A", [0.90, 0.91, 0.92, 0.93]), group("B", [0.95, 0.97, 0.96])])

    assert found.pairs[0].tested is not None
    assert found.pairs[0].tested.test == "welch"
    assert found.pairs[0].tested.difference == pytest.approx(found.pairs[0].difference)


def test_fewer_than_three_seeds_have_no_interval_and_say_how_many_would() -> None:
    text = said([group("A", [0.90, 0.92]), group("B", [0.91, 0.94])])

    assert text == (
        "B is 1.5 points better than A in accuracy; whether by chance cannot be told: A has 2 seeds, B has 2 seeds, and fewer than "
        "three of each say nothing of chance; about 4 seeds of each would show such a difference"
    )


def test_a_smaller_loss_is_better() -> None:
    text = said([group("A", [0.5, 0.6, 0.7], metric="loss"), group("B", [0.3, 0.41, 0.49], metric="loss")])

    assert text == "B is 0.2 better than A in loss, 95 % 0.175 to 0.225, 3 of 3 seeds"


def test_single_runs_are_told_apart_by_their_examples() -> None:
    # 1008 examples; B alone right on 18, A alone on 13
    a = answers([False] * 18 + [True] * 13 + [True] * 977)
    b = answers([True] * 18 + [False] * 13 + [True] * 977)
    groups = [group("A", [990 / 1008]), group("B", [995 / 1008])]

    assert said(groups, {"A": a, "B": b}) == (
        "B is 0.5 points better than A in accuracy. They differ on 31 of 1,008 examples, 18 to 13: within chance (p 0.47). "
        "This says nothing of other seeds"
    )


def test_other_metrics_of_single_runs_are_bootstrapped_from_their_answers() -> None:
    # f1 of `yes`, the second of each two: A misses 100 of 200, B misses none
    a, b = answers([True, False, True, True] * 100), answers([True] * 400)
    groups = [group("A", [2 / 3], metric="f1"), group("B", [1.0], metric="f1")]
    found = compared(groups, {"A": a, "B": b})

    assert verdict(found).startswith("B is 33.3 points better than A in f1. They differ on 100 of 400 examples: more than chance (95 % 2")
    assert found.pairs[0].tested is not None
    assert found.pairs[0].tested.test == "bootstrap"


def test_other_examples_cannot_be_told_apart() -> None:
    a, b = answers([True] * 90 + [False] * 10), answers([True] * 95 + [False] * 5, truth=["yes"] * 100)
    found = compared([group("A", [0.90]), group("B", [0.95])], {"A": a, "B": b})

    assert verdict(found) == (
        "B is 5.0 points better than A in accuracy; whether by chance cannot be told: they were tested on other examples"
    )
    # sqrt(0.9 * 0.1 / 100) = 0.03
    assert found.sides[0].errors["test/accuracy"] == pytest.approx(0.03, rel=0.1)


def test_groups_with_other_data_cannot_be_told_apart() -> None:
    a, b = group("A", [0.9, 0.91, 0.92], **{"data.source": "digits"}), group("B", [0.95, 0.96, 0.97], **{"data.source": "mnist_sample"})

    assert "they were tested on other examples" in said([a, b])


def test_runs_without_answers_say_what_is_missing() -> None:
    text = said([group("A", [0.90]), group("B", [0.95])], {"A": answers([True] * 10)})

    assert text.endswith("cannot be told: B has no `predictions.parquet`, which runs of earlier versions did not keep")


def test_a_metric_that_cannot_be_computed_again_is_said() -> None:
    kept = answers([True] * 10)
    groups = [group("A", [0.90], metric="specificity"), group("B", [0.95], metric="specificity")]

    assert said(groups, {"A": kept, "B": kept}).endswith("`specificity` cannot be computed again from the answers that were kept")


def test_answers_that_do_not_give_the_recorded_figure_are_not_used() -> None:
    kept = answers([True] * 9 + [False])

    assert "cannot be computed again" in said([group("A", [0.9]), group("B", [0.95])], {"A": kept, "B": kept})


def test_more_than_two_groups_are_corrected() -> None:
    groups = [group("A", [0.90, 0.91, 0.92]), group("B", [0.95, 0.96, 0.975]), group("C", [0.954, 0.957, 0.977])]
    found = compared(groups)

    assert verdict(found) == "C has the best accuracy: more than chance better than A; within chance of B"
    assert found.tests == 3
    for pair in found.pairs:
        assert pair.tested is not None
        assert pair.p is not None
        assert pair.p >= pair.tested.p


def test_a_figure_that_nobody_knows_is_larger_not_better() -> None:
    text = said([group("A", [1.0, 1.1, 1.2], metric="strangeness"), group("B", [2.0, 2.1, 2.3], metric="strangeness")])

    assert text.startswith("B is 1.03 larger than A in strangeness")


def test_a_seed_that_ran_twice_counts_once() -> None:
    twice = group("A", [0.90, 0.91, 0.92, 0.5], seeds=[0, 1, 2, 0])
    found = compared([twice, group("B", [0.95, 0.96, 0.975])])

    assert len(found.sides[0].group.counted) == 3
    assert found.notes == ("A: of runs with one seed only the latest counts, so 1 of 4 are left out",)


def test_one_group_alone_has_nothing_to_be_compared_with() -> None:
    assert said([group("A", [0.9, 0.91, 0.92])]) == "only one group, A: there is nothing to compare it with"


def test_a_figure_that_not_all_have_is_refused() -> None:
    with pytest.raises(Fault, match="not all of these runs have a figure `acuracy` of the test part"):
        compared([group("A", [0.9]), group("B", [0.95])], metric="acuracy")


def test_a_figure_that_is_no_number_is_none() -> None:
    with pytest.raises(Fault, match="no figure of the test part in common"):
        compared([group("A", [0.9]), group("B", [math.nan])], part="test")


def test_the_json_has_all_that_was_found() -> None:
    found = compared([group("A", [0.90, 0.91, 0.92]), group("B", [0.95, 0.96, 0.975])])
    value = json.loads(json.dumps(as_json(found, verdict(found)), allow_nan=False))

    assert value["metric"] == "test/accuracy"
    assert value["groups"][0]["seeds"] == [0, 1, 2]
    assert value["pairs"][0]["real"] is True
    assert value["pairs"][0]["test"] == "paired"


@pytest.mark.parametrize(("label", "higher"), [("accuracy", True), ("rmse", False), ("loss", False), ("log_z", None)])
def test_the_registry_says_which_way_is_better(label: str, higher: bool | None) -> None:
    assert higher_is_better(label) is higher
