"""What is said of `truncate` and `carry_state` where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnrun.runner.compiler.check import check
from tests.compiler.support import headlines

SERIES = """\
nnrun: 1
name: series
data:
  source: elnino
  fields: {{temperature: {{type: series}}}}
  window: {window}
nodes:
  memory: {node}
  final: {{type: last}}
  next: {{type: linear, units: 1}}
edges:
  - temperature -> memory -> final -> next
train: {{loss: {{type: mse, input: next, target: temperature.next}}, {train}}}
"""


NEAR = "{type: gru, units: 4}\n  near: {type: conv_time, filters: 4}"
HALF = "{type: gru, units: 4}\n  near: {type: conv_time, filters: 4, kernel: 1, stride: 2}"
PAIRS = "{type: gru, units: 4}\n  near: {type: pool_time, size: 2}"


@pytest.mark.parametrize(
    ("window", "node", "train", "wanted"),
    [
        ("{length: 24}", "{type: gru, units: 4}", "carry_state: true", "windows of 24 ticks overlap"),
        ("{length: 24, stride: 30}", "{type: gru, units: 4}", "carry_state: true", "leave ticks out between them"),
        ("{length: 24, stride: 24}", "{type: gru, units: 4}", "carry_state: true, shuffle: true", "`shuffle` takes them in random order"),
        ("{length: 24, stride: 24}", "{type: gru, units: 4, bidirectional: true}", "truncate: 8", "looks at later ticks"),
        ("{length: 24, stride: 24}", NEAR, "carry_state: true", "`near` looks at later ticks"),
        ("{length: 24, stride: 24}", HALF, "carry_state: true", "`near` looks at later ticks"),
        ("{length: 24, stride: 24}", PAIRS, "truncate: 8", "`near` looks at later ticks"),
        ("{length: 24}", "{type: linear, units: 4}", "truncate: 8", "the graph has neither"),
    ],
)
def test_what_cannot_be_cut_or_continued_is_refused(window: str, node: str, train: str, wanted: str) -> None:
    text = SERIES.format(window=window, node=node, train=train)
    found = headlines(text.replace("memory -> final", "memory -> near -> final") if "near:" in node else text)

    assert len(found) == 1
    assert found[0].startswith("conflicting-keys: ")
    assert wanted in found[0]


def test_a_network_that_writes_and_reads_from_the_end_is_one_finding() -> None:
    text = (Path(__file__).parents[2] / "specs" / "char_lm.yaml").read_text()

    (found,) = headlines(text.replace("{type: lstm, units: 320}", "{type: lstm, units: 320, bidirectional: true}"))

    assert found.startswith("sequence-in-loop: `memory` takes all of `text` at once")


@pytest.mark.parametrize("node", ["{type: gru, units: 4}", "{type: causal_conv, filters: 4}"])
def test_windows_that_follow_each_other_are_continued(node: str) -> None:
    text = SERIES.format(window="{length: 24, stride: 24}", node=node, train="truncate: 8, carry_state: true")

    assert headlines(text) == []


def test_a_delay_longer_than_the_window_is_refused() -> None:
    text = SERIES.format(window="{length: 24}", node="{type: formula, is: 'temperature + prev(memory, 24)'}", train="epochs: 1")
    text = text.replace("temperature -> memory -> final", "memory -> final")

    assert headlines(text) == ["out-of-range: `prev(memory, 24)` reads 24 ticks ago, but `temperature` has 24 ticks: it never sees one"]
    assert headlines(text.replace("prev(memory, 24)", "prev(memory, 23)")) == []


TWO = """\
nnrun: 1
name: two
data:
  source: csv
  file: shop.csv
  fields:
    price: {{type: series, normalize: standard}}
    sales: {{type: series}}
  window: {{length: 7}}
nodes:
  both: {{type: concat}}
  memory: {{type: gru, units: 4}}
  final: {{type: last}}
  next: {{type: linear, units: 1}}
edges: ['{first}, {second} -> both -> memory -> final -> next']
train: {{loss: {{type: mse, input: next, target: sales.next}}}}
"""


@pytest.mark.parametrize("order", [("price", "sales"), ("sales", "price")])
def test_of_two_series_of_one_table_one_is_told_to_go_along_the_other(order: tuple[str, str]) -> None:
    text = TWO.format(first=order[0], second=order[1])
    (finding,) = check(text).report

    assert finding.id == "two-time-axes"
    assert finding.help == "columns of one table share their ticks: give `price` `type: number, along: sales`", "`sales` is predicted"
    assert headlines(text.replace("price: {type: series,", "price: {type: number, along: sales,")) == []


def test_two_series_that_are_predicted_are_told_to_be_one() -> None:
    text = TWO.format(first="price", second="sales")
    text = text.replace("loss: {", "loss: [{").replace("sales.next}", "sales.next}, {type: mse, input: next, target: price.next}]")

    (finding,) = check(text).report

    assert finding.help == "columns of one table share their ticks: make one series of them, with the `columns` of `price` and `sales`"
