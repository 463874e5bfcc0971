"""Laws of the losses that judge whole sequences by others which lie along a time axis of their own."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any

import pytest
import torch
from torch import Tensor

from nnrun.registry.catalog import all_of, find
from nnrun.registry.modules.ctc import BLANK, Sequences, frames_needed
from nnrun.registry.modules.losses import Weighted
from nnrun.registry.objective import Loss
from nnrun.registry.shape import InputError, Shape

torch.set_num_threads(1)

FRAMES, SYMBOLS = 6, 5
"""At most, of each example."""

Pair = tuple[Sequences, Sequences]


def by_enumeration(scores: Tensor, text: Tensor) -> float:
    """Minus the log of the probability that a way through the frames, (T, K), is the text once its blanks and repetitions are gone."""
    log_p = scores.log_softmax(-1).tolist()
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for way in product(range(scores.shape[1]), repeat=len(log_p)):
        spelt = tuple(symbol for symbol, _ in groupby(way) if symbol != BLANK)
        found[spelt] += math.exp(sum(frame[symbol] for frame, symbol in zip(log_p, way, strict=True)))
    return -math.log(found[tuple(text.tolist())])


@dataclass(frozen=True)
class Row:
    """A loss in a place, and what it is of one example by its definition: scores (T, K) and a text (S)."""

    config: Mapping[str, Any]
    input: Shape
    target: Shape
    expected: Callable[[Tensor, Tensor], float]


ROWS = [Row({"type": "ctc"}, Shape((SYMBOLS,)), Shape(kind="token", classes=SYMBOLS), by_enumeration)]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.config))


def make(row: Row) -> Loss:
    cls = find("loss", row.config["type"])
    assert cls is not None
    loss = cls.model_validate({"input": "out", "target": "text", **row.config})
    assert isinstance(loss, Loss)
    return loss


def built(row: Row) -> Any:
    return make(row).build(row.input, row.target, {})


TEXTS = [[1], [2, 2, 3], [4, 3], [1, 1, 1], [4, 2, 1, 3], [3, 3]]
LENGTHS = [1, 6, 4, 5, 4, 3]
"""Of frames: some have no more than the text takes."""


def pair(dtype: torch.dtype = torch.float64, seed: int = 0) -> Pair:
    """Random scores, and texts of other lengths."""
    scores = 2 * torch.randn(FRAMES, len(TEXTS), SYMBOLS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    texts = torch.nn.utils.rnn.pad_sequence([torch.tensor(text) for text in TEXTS])
    return Sequences(scores.to(dtype), torch.tensor(LENGTHS)), Sequences(texts, torch.tensor([len(text) for text in TEXTS]))


def some(held: Sequences, examples: Any) -> Sequences:
    """A few of the examples, with no more ticks than they have."""
    lengths = held.lengths[examples]
    return Sequences(held.values[: int(lengths.max()), examples], lengths)


def test_every_loss_of_whole_sequences_has_a_row() -> None:
    assert {row.config["type"] for row in ROWS} == {name for name, cls in all_of("loss").items() if getattr(cls, "whole", False)}


@each_row
@pytest.mark.parametrize("seed", range(3))
def test_loss_is_that_of_all_ways(row: Row, seed: int) -> None:
    scores, texts = pair(seed=seed)
    losses, _ = built(row).each(scores, texts)

    alone = [row.expected(scores.values[:frames, place], torch.tensor(TEXTS[place])) for place, frames in enumerate(LENGTHS)]
    assert losses.tolist() == pytest.approx(alone)


@pytest.mark.parametrize("seed", range(3))
def test_ctc_and_its_gradient_are_those_of_torch_with_texts_behind_each_other(seed: int) -> None:
    scores, texts = pair(seed=seed)
    mine, theirs = (scores.values.clone().requires_grad_() for _ in range(2))

    total, _ = built(ROWS[0])(Sequences(mine, scores.lengths), texts)
    total.backward()
    joined = torch.tensor([symbol for text in TEXTS for symbol in text])
    wanted = torch.nn.CTCLoss(reduction="sum")(theirs.log_softmax(-1), joined, scores.lengths, texts.lengths)
    wanted.backward()

    torch.testing.assert_close(total, wanted)
    torch.testing.assert_close(mine.grad, theirs.grad)


@each_row
def test_gradient_is_that_of_finite_differences(row: Row) -> None:
    scores, texts = pair()
    loss = built(row)

    assert torch.autograd.gradcheck(lambda x: loss(Sequences(x, scores.lengths), texts)[0], scores.values.requires_grad_())


@each_row
def test_padding_has_no_influence(row: Row) -> None:
    scores, texts = pair()
    loss, values = built(row), scores.values.requires_grad_()
    loss(scores, texts)[0].backward()
    beyond = torch.arange(FRAMES).unsqueeze(1) >= scores.lengths
    assert values.grad is not None
    assert beyond.any()
    assert not values.grad[beyond].any()

    longer = torch.cat([torch.where(beyond.unsqueeze(2), 99.0, values.detach()), torch.full((2, *values.shape[1:]), 7.0)])
    padded = Sequences(torch.cat([texts.values, torch.zeros_like(texts.values)]), texts.lengths)
    for one, other in zip(loss.each(Sequences(longer, scores.lengths), padded), loss.each(scores, texts), strict=True):
        torch.testing.assert_close(one, other)


@each_row
def test_sums_of_batches_are_those_of_the_whole(row: Row) -> None:
    scores, texts = pair()
    loss = built(row)

    parts = [loss(some(scores, half), some(texts, half)) for half in (slice(2), slice(2, None))]

    for whole, of_parts in zip(loss(scores, texts), zip(*parts, strict=True), strict=True):
        assert whole.shape == ()
        assert whole.item() == pytest.approx(sum(part.item() for part in of_parts))


@each_row
def test_the_target_alone_tells_what_each_example_counts(row: Row) -> None:
    scores, texts = pair()
    loss = built(row)

    torch.testing.assert_close(loss.weights(texts), loss.each(scores, texts)[1])
    torch.testing.assert_close(loss.weights(texts).sum(), loss.weight(texts))
    assert loss(scores, texts)[1].item() == len(TEXTS)


@each_row
def test_a_weight_counts_an_example_so_many_times(row: Row) -> None:
    scores, texts = pair()
    times = torch.tensor([0, 1, 2, 3, 1, 2])

    found = Weighted(built(row))(scores, texts, times)

    again = torch.arange(len(TEXTS)).repeat_interleave(times)
    repeated = built(row)(some(scores, again), some(texts, again))
    assert [one.item() for one in found] == pytest.approx([one.item() for one in repeated])
    assert Weighted(built(row)).weight(texts, times).item() == pytest.approx(repeated[1].item())


@each_row
def test_half_precision_is_summed_in_32_bits(row: Row) -> None:
    scores, texts = pair(torch.bfloat16)

    total, weight = built(row)(scores, texts)

    assert total.dtype == weight.dtype == torch.float32
    assert total.item() == pytest.approx(built(row)(Sequences(scores.values.double(), scores.lengths), texts)[0].item(), rel=1e-4)


def test_a_text_takes_a_frame_for_each_symbol_and_one_between_two_alike() -> None:
    _, texts = pair()

    needed = frames_needed(texts.values.T, texts.lengths)

    assert needed.tolist() == [1, 4, 2, 5, 4, 3]
    scores = torch.zeros(FRAMES, len(TEXTS), SYMBOLS)
    assert built(ROWS[0]).each(Sequences(scores, needed), texts)[0].isfinite().all()
    assert (built(ROWS[0]).each(Sequences(scores, needed - 1), texts)[0]).isinf().tolist() == [True] * len(TEXTS)


@each_row
def test_it_takes_a_score_for_each_symbol_of_a_text(row: Row) -> None:
    make(row).check(row.input, row.target)
    for input, target, position in [(Shape((4,)), row.target, 0), (row.input, Shape(kind="category", classes=SYMBOLS), 1)]:
        with pytest.raises(InputError) as error:
            make(row).check(input, target)
        assert error.value.position == position
