"""What is said where strides and windows give a value other ticks than another one has."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.smoke import smoke

SPEC = """\
nnrun: 1
name: fewer
data:
  source: csv
  file: none.csv
  fields:
    wave: {{type: series, size: 3}}
    tag: {{type: category, along: wave, classes: [a, b]}}
    label: {{type: category, classes: [a, b]}}
nodes:
  one:    {one}
  two:    {two}
  both:   {{type: concat}}
  memory: {{type: lstm, units: 4}}
  pairs:  {{type: pool_time, size: 2, padding: same}}
  again:  {{type: lstm, units: 4}}
  end:    {{type: last}}
  scores: {{type: linear, units: {target}}}
edges:
  - wave -> one
  - wave -> two
  - one, two -> both -> memory -> pairs -> again -> end
  - {ends} -> scores
train: {{loss: {{type: cross_entropy, input: scores, target: {target}}}}}
"""
HALF = "{type: conv_time, filters: 4, stride: 2}"
ALIKE = "the same `stride`, and sizes and `padding` alike, on both ways from `wave`; or reduce one by `last` or `pool_time`"


def spec(one: str = HALF, two: str = "{type: pool_time, size: 2, padding: same}", ends: str = "end", target: str = "label") -> str:
    return SPEC.format(one=one, two=two, ends=ends, target=target)


def test_what_is_made_alike_can_be_joined() -> None:
    checked = check(spec())

    assert checked.plan is not None
    assert checked.plan.values["both"].time == "wave/2"
    assert checked.plan.values["again"].time == "wave/4"
    assert smoke(checked) is None


@pytest.mark.parametrize(
    ("text", "headline", "help"),
    [
        (spec(two="{type: pool_time, size: 2}"), "`both` reads `one` along `wave/2` and `two` along `wave-1/2`", ALIKE),
        (spec(two="{type: linear, units: 4}"), "`both` reads `one` along `wave/2` and `two` along `wave`", ALIKE),
        (
            spec(ends="again", target="tag"),
            "`cross_entropy` compares `scores`, (N=2) at each tick of `wave/4`, with `tag`, a category, one of 2 at each tick of `wave`",
            "`stride`, `size` or `padding: valid` on its way gave it other ticks than `wave` has: leave them out",
        ),
    ],
)
def test_other_ticks_are_a_finding_that_says_how_they_came(text: str, headline: str, help: str) -> None:
    (found,) = [finding for finding in check(text).report if finding.severity == "error"]

    assert (found.headline, found.help) == (headline, help)
