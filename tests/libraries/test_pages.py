"""What the pages of other libraries show: the same network in both notations says the same with the same weights."""

from __future__ import annotations

import re

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.nn import functional as F

from nnrun.runner.cli import main
from nnrun.runner.show.pages import explanation
from tests.libraries import of_keras, of_ludwig, of_pytorch
from tests.libraries.pages import FOLDER, Pair, answer, batch_first, inputs, pairs, plan_of, run

PAGES = sorted(page.stem for page in FOLDER.glob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_explain_gives_the_page_of_a_library(page: str) -> None:
    said = CliRunner().invoke(main, ["explain", page])

    assert said.exit_code == 0
    assert said.stdout == (FOLDER / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_words_and_twelve_networks(page: str) -> None:
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")

    assert text.startswith(f"# {page}\n\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Words", "## Twelve networks"]
    assert len(pairs(page)) == 12


@pytest.mark.parametrize("page", PAGES)
def test_all_words_that_a_page_calls_ours_are_explained(page: str) -> None:
    text, _, _ = (FOLDER / f"{page}.md").read_text(encoding="utf-8").partition("What differs:")
    _, *rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    ours = {word for _, cell in rows for word in re.findall(r"`(?:train\.|data\.)?([a-z_]+)(?:: [^`]*)?`", cell)}
    types = {word for _, cell in rows for word in re.findall(r"type: (\w+)", cell)}

    assert len(rows) > 30
    assert [word for word in sorted(ours | types) if explanation(word) is None] == []


@pytest.mark.parametrize("pair", pairs("pytorch"), ids=str)
def test_a_network_of_pytorch_is_ours(pair: Pair) -> None:
    torch.manual_seed(0)

    assert_ours(pair, run(pair.code, {"torch": torch, "nn": nn, "F": F}))


@pytest.mark.parametrize("pair", pairs("ludwig"), ids=str)
def test_a_network_of_ludwig_means_what_ours_does(pair: Pair) -> None:
    torch.manual_seed(0)

    assert_ours(pair, of_ludwig.MEANT[pair.title]())


def assert_ours(pair: Pair, model: nn.Module) -> None:
    """That a network of PyTorch says what ours does."""
    of_pytorch.disturbed(model)
    plan = plan_of(pair.spec)
    given = inputs(plan)
    with torch.no_grad():
        expected = model(*batch_first(plan, given))

    torch.testing.assert_close(answer(plan, given, of_pytorch.learned(model)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pair", pairs("keras"), ids=str)
def test_a_network_of_keras_is_ours(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    torch.manual_seed(0)
    model = of_keras.disturbed(run(pair.code, {"keras": keras, "layers": keras.layers}))
    plan = plan_of(pair.spec)
    given = inputs(plan)
    read = [channels_last(value) for value in batch_first(plan, given)]
    with torch.no_grad():
        expected = model(read if len(read) > 1 else read[0], training=False)

    torch.testing.assert_close(channels_last(answer(plan, given, of_keras.learned(model))), expected, atol=1e-5, rtol=1e-5)


def channels_last(value: torch.Tensor) -> torch.Tensor:
    """Images as Keras has them."""
    return value.movedim(1, -1) if value.dim() == 4 else value
