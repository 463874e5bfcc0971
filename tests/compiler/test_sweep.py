"""`sweep` is checked like all else: paths, values, ends of ranges and figures, each at its place."""

from __future__ import annotations

import time

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.swept import MOST
from tests.compiler.support import headlines, spec, underlined


def swept(over: str, more: str = "") -> str:
    return spec(more=f"sweep: {{over: {{{over}}}{more}}}")


@pytest.mark.parametrize(
    "over",
    [
        "train.optimizer.lr: {log: [1e-4, 1e-1]}",
        "train.batch_size: {range: [8, 64], step: 8}, train.seed: [1, 2]",
        "train.optimizer: [adam, {type: sgd, lr: 0.1, momentum: 0.9}]",
        "edges.0: [image -> flat -> scores]",
        "data.split.seed: {values: [1, 2, 3]}",
        "train.clip_norm: [null, 1.0]",
    ],
)
def test_a_sweep_over_what_set_takes_is_right(over: str) -> None:
    assert headlines(swept(over)) == []


@pytest.mark.parametrize(
    ("over", "found", "place"),
    [
        ("nodes.scorse.units: [1, 2]", "bad-override: `nodes.scorse.units`: no node is named `scorse`", "nodes.scorse.units"),
        ("nodes.scores.unit: [1]", "unknown-key: `unit` is not a key of the node type `linear`", "nodes.scores.unit"),
        ("train.epoch: [1, 2]", "unknown-key: `epoch` is not a key of `train`", "train.epoch"),
        ("train.batch_size: [8, 0]", "out-of-range: `batch_size` takes a number of 1 or more, got 0", "0"),
        ("train.batch_size: {range: [0, 8]}", "out-of-range: `batch_size` takes a number of 1 or more, got 0", "0"),
        ("train.batch_size: {range: [1, 8.5]}", "wrong-type: `batch_size` takes a whole number, got 8.5", "8.5"),
        ("train.optimizer: [adam, adm]", "unknown-type: no optimizer is of type `adm`", "adm"),
        ("edges.0: [image -> flat -> sores]", "unknown-name: no node or field is named `sores`", "image -> flat -> sores"),
        ("train.optimizer.lr: {log: [0, 1]}", "wrong-type: `log` takes two numbers above 0, got [0, 1]", "[0, 1]"),
        ("train.optimizer.lr: {log: [1, 0.1]}", "wrong-type: `log` takes two numbers, the lower one first, got [1, 0.1]", "[1, 0.1]"),
        ("train.optimizer.lr: {lgo: [1, 2]}", "unknown-key: `lgo` is not a key of `train.optimizer.lr`", "lgo"),
        ("name: [a, b]", "bad-override: `name` is the same in all trials of a sweep", "name"),
        ("train.batch_size: [8, 8]", "conflicting-keys: `train.batch_size` takes each value once, got 8 twice", "train.batch_size"),
    ],
)
def test_a_mistake_in_a_sweep_is_one_finding_at_its_place(over: str, found: str, place: str) -> None:
    text = swept(over)

    assert headlines(text) == [found]
    assert underlined(text) == [place]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (", maximize: valid/acc", "unknown-name: no figure is named `valid/acc`"),
        (", maximize: valid/loss, minimize: valid/loss", "conflicting-keys: `sweep` takes either `maximize` or `minimize`, got"),
        (", minimize: test/loss", "wrong-type: `minimize` takes a figure such as `valid/accuracy`: the test part only says"),
        (", search: grid", "conflicting-keys: a `grid` goes through all values, and `train.optimizer.lr` has no end of them"),
        (", prune: 3", "wrong-type: `prune` takes a mapping, got 3"),
        (", repeat: 0", "out-of-range: `repeat` takes a number of 1 or more, got 0"),
    ],
)
def test_what_a_sweep_cannot_do_is_said(more: str, found: str) -> None:
    (headline,) = headlines(swept("train.optimizer.lr: {log: [1e-4, 1e-1]}", more))

    assert headline.startswith(found)


def test_a_value_that_fits_nothing_else_names_where_it_was_met() -> None:
    checked = check(swept("nodes.scores.units: [digit, 3]"))

    assert [finding.headline for finding in checked.report] == [
        "the loss `cross_entropy` takes 10 scores, one for each class, but `scores` gives (N=3)"
    ]
    assert [text for _, text in checked.report[0].notes] == ["found here"]


def test_a_long_list_does_not_make_a_check_slow() -> None:
    one = timed(swept("train.batch_size: [1]"))

    assert timed(swept(f"train.batch_size: {list(range(1, 20000))}")) < 4 * MOST * one + 2


def timed(text: str) -> float:
    started = time.process_time()
    assert check(text).report.ids == []
    return time.process_time() - started


def test_a_run_passes_over_a_sweep() -> None:
    with_sweep, without = check(swept("train.batch_size: [8, 16]")).plan, check(spec()).plan

    assert str(with_sweep) == str(without)
