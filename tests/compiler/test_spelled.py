"""What is said of texts that frames spell, where something of it does not fit."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import check
from tests.compiler.support import headlines, underlined
from tests.engine.test_transcript import SPEC


def changed(*replaced: tuple[str, str]) -> str:
    text = SPEC
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return text


HEAVY = (
    ("text: {type: text, tokens: characters}", "text: {type: text, tokens: characters}\n    heavy: {type: weight, along: wave}"),
    ("input: scores, target: text", "input: scores, target: text, example_weights: heavy"),
)
AT_TICKS = "(N=text) at each tick of `wave`"
TEXT = "a token, one of the classes of `text` at each tick of `text`"
WHOLE = "`ctc` teaches whole texts that lie along another axis; `exact_match` and `character_error_rate` judge them when written"


@pytest.mark.parametrize(
    ("text", "said", "marked", "help"),
    [
        (
            changed(("  written: {type: transcript, target: text}\n", ""), (" -> written", "")),
            "missing-key: `ctc` teaches `scores` to spell `text`, and nothing writes it",
            "{type: ctc, input: scores, target: text}",
            "write `scores -> written`, with `written: {type: transcript, target: text}` under `nodes`",
        ),
        (
            changed(("memory -> scores", "memory -> end -> scores"), ("nodes:", "nodes:\n  end: {type: last}")),
            f"shape-mismatch: `ctc` compares `scores`, (N=text), with `text`, {TEXT}",
            "scores",
            "the scores lie along frames: a `series`, a `video` or another text",
        ),
        (
            changed(("{type: ctc,", "{type: cross_entropy,")),
            f"shape-mismatch: `cross_entropy` compares `scores`, {AT_TICKS}, with `text`, {TEXT}",
            "scores",
            WHOLE,
        ),
        (
            changed(("[exact_match, character_error_rate]", "[accuracy]")),
            f"shape-mismatch: `accuracy` compares `scores`, {AT_TICKS}, with `text`, {TEXT}",
            "accuracy",
            WHOLE,
        ),
        (
            changed(("type: transcript", "type: choice")),
            f"shape-mismatch: `written` takes text scores at each tick of `text`, but `scores` gives {AT_TICKS}",
            "scores -> written",
            "`type: transcript` reads a text out of scores along another one",
        ),
        (
            changed(*HEAVY),
            "shape-mismatch: `ctc` judges whole texts, and `heavy` weighs each tick of `wave`",
            "heavy",
            "leave out `along` of `heavy`: it then weighs whole examples",
        ),
        (
            changed(("tokens: characters", "tokens: characters, end: true")),
            "conflicting-keys: `end: true` puts a symbol behind each text, and no frame shows it to `written`",
            "true",
            "leave out `end`",
        ),
        (
            changed(("units: text}", "units: 4}"), ("tokens: characters", "tokens: bytes")),
            "shape-mismatch: the loss `ctc` takes 260 scores, one for each class, but `scores` gives (N=4) at each tick of `wave`",
            "scores",
            "`units: text` in the node that makes them gives as many",
        ),
    ],
)
def test_what_does_not_fit_is_told_at_its_place(text: str, said: str, marked: str, help: str) -> None:
    assert said in headlines(text)
    place = headlines(text).index(said)

    assert (underlined(text)[place], check(text).report[place].help) == (marked, help)


def test_nothing_reads_a_transcript() -> None:
    text = changed(
        ("nodes:", "nodes:\n  again: {type: embedding, units: 2}\n  end: {type: last}\n  more: {type: linear, units: 1}"),
        ("-> written", "-> written\n  - written -> again -> end -> more"),
        ("metrics: [", "metrics: [{type: rmse, input: more, target: level}, "),
        ("  fields:", "  fields:\n    level: {type: number}"),
    )

    assert headlines(text) == ["bad-edge: `again` reads `written`, a transcript, which is there when all else is done"]


def test_what_is_to_be_spelled_is_not_told() -> None:
    text = changed(
        ("nodes:", "nodes:\n  told: {type: embedding, units: 2}\n  end: {type: last}\n  both: {type: concat}"),
        ("wave -> near -> memory -> scores", "text -> told -> end -> both\n  - wave -> near -> memory -> both -> scores"),
    )

    assert headlines(text) == ["target-unknown: `told` reads `text`, which `written` is to find"]


def test_a_softmax_before_the_loss_is_one_too_many() -> None:
    text = changed(("scores:  {type: linear, units: text}", "scores:  {type: linear, units: text, activation: softmax}"))

    assert headlines(text) == [
        "narrow-output: `scores` comes out of `softmax`, but `ctc` takes scores and makes probabilities of them itself: "
        "scores from 0 to 1 never make the right class sure"
    ]


def test_other_names_lead_to_ours() -> None:
    assert check(changed(("type: ctc", "type: ctc_loss"))).report[0].help == "`ctc_loss` is called `ctc` here"
    assert check(changed(("type: transcript", "type: ctc_decoder"))).report[0].help == "`ctc_decoder` is called `transcript` here"
