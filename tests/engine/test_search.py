"""Searches for sequences: against brute force, and laws that hold for any scores."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nnrun.registry.data.tokens import BEGIN, END, PADDING
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.engine.inference.search import Hypothesis, allowed, search

CPU = torch.device("cpu")
SYMBOLS = 6
"""The four special ones and two others, so that three can stand anywhere: unknown and these."""


def language(seed: int, examples: int = 1) -> Callable[[int, tuple[int, ...]], Tensor]:
    """A made-up network: scores of the next symbol that depend on the example and on all symbols before."""
    tables = torch.randn(examples, 64, SYMBOLS, generator=torch.Generator().manual_seed(seed)) * 2

    def scores(example: int, before: tuple[int, ...]) -> Tensor:
        return tables[example, hash(before) % 64]

    return scores


def run(wanted: Decode, scores: Callable[[int, tuple[int, ...]], Tensor], examples: int = 1, **more: Tensor) -> list[list[Hypothesis]]:
    """Search as the decoder does, but node by node of a made-up network."""
    found = search(wanted, examples, CPU, torch.Generator().manual_seed(0), **more)
    numbers = list(range(examples))
    before: list[tuple[int, ...]] = [()] * examples
    for _ in range(wanted.max_length):
        symbols, rows = found.advance(torch.stack([scores(*row) for row in zip(numbers, before, strict=True)]))
        numbers = [numbers[row] for row in rows.tolist()]
        before = [(*before[row], symbol) for row, symbol in zip(rows.tolist(), symbols.tolist(), strict=True)]
        over = found.over
        if over.all():
            break
        left = torch.nonzero(~over).squeeze(1)
        keep = (left.unsqueeze(1) * found.rows + torch.arange(found.rows)).flatten().tolist()
        numbers, before = [numbers[row] for row in keep], [before[row] for row in keep]
        found.leave(left)
    return found.found()


def likelihood(scores: Callable[[int, tuple[int, ...]], Tensor], symbols: tuple[int, ...]) -> float:
    """Log probability of a sequence with its end."""
    total = 0.0
    for tick in range(len(symbols) + 1):
        symbol = symbols[tick] if tick < len(symbols) else END
        total += float(allowed(scores(0, symbols[:tick]).unsqueeze(0)).log_softmax(-1)[0, symbol])
    return total


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_what_brute_force_finds(seed: int, penalty: float) -> None:
    scores, longest = language(seed), 4
    others = [symbol for symbol in range(SYMBOLS) if symbol not in (PADDING, BEGIN, END)]
    every = [symbols for length in range(longest) for symbols in itertools.product(others, repeat=length)]
    ranked = sorted(((likelihood(scores, s) / ((5 + len(s) + 1) / 6) ** penalty, s) for s in every), reverse=True)

    settings = Decode(search="beam", width=len(others) ** longest, n_best=5, max_length=longest, length_penalty=penalty)
    (found,) = run(settings, scores)

    ended = [one for one in found if one.ended]
    for one, (score, symbols) in zip(ended, ranked, strict=False):
        assert one.symbols == symbols
        assert one.score == pytest.approx(score, abs=1e-4)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 1000),
    search=st.sampled_from(["greedy", "beam"]),
    examples=st.integers(2, 6),
    penalty=st.sampled_from([None, 0.6]),
    prune=st.sampled_from([None, 2.0]),
)
def test_a_batch_gives_the_same_as_one_by_one(seed: int, search: str, examples: int, penalty: float | None, prune: float | None) -> None:
    options = {"width": 3, "n_best": 2, "length_penalty": penalty, "prune": prune} if search == "beam" else {}
    wanted = Decode.model_validate({"search": search, "max_length": 7, **options})
    scores = language(seed, examples)

    together = run(wanted, scores, examples)
    alone = [run(wanted, lambda _, before, example=example: scores(example, before))[0] for example in range(examples)]

    assert [[one.symbols for one in row] for row in together] == [[one.symbols for one in row] for row in alone]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), search=st.sampled_from(["greedy", "sample", "beam"]), width=st.integers(2, 5))
def test_a_finished_hypothesis_never_grows(seed: int, search: str, width: int) -> None:
    options = {"greedy": {}, "sample": {"n_best": width}, "beam": {"width": width, "n_best": width}}[search]
    (found,) = run(Decode.model_validate({"search": search, "max_length": 9, **options}), language(seed))

    for one in found:
        assert END not in one.symbols
        assert PADDING not in one.symbols
        assert one.ended or len(one.symbols) == 9
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_beam_is_not_below_greedy_where_it_keeps_the_greedy_way(seed: int) -> None:
    scores = language(seed)
    (greedy,), (beam,) = run(Decode(max_length=6), scores), run(Decode(search="beam", width=729, max_length=6), scores)

    assert beam[0].score >= greedy[0].score - 1e-4


def test_pruning_gives_up_what_is_far_behind() -> None:
    scores = language(3)

    assert len(run(Decode(search="beam", width=4, n_best=4, max_length=5), scores)[0]) == 4
    assert len(run(Decode(search="beam", width=4, n_best=4, max_length=5, prune=1e-6), scores)[0]) >= 1
    assert run(Decode(search="beam", width=4, n_best=1, max_length=5, prune=100.0), scores) == run(
        Decode(search="beam", width=4, n_best=1, max_length=5), scores
    )


@pytest.mark.parametrize("search", ["greedy", "sample", "beam"])
def test_sequences_begin_as_they_are_told(search: str) -> None:
    forced = torch.tensor([5, 4, 5])
    for one in run(Decode.model_validate({"search": search, "max_length": 8}), language(1), forced=forced)[0]:
        assert one.symbols[:3] == (5, 4, 5)


def test_samples_have_the_frequency_of_their_probability() -> None:
    table = torch.tensor([0.0, 0.0, 0.0, -50.0, 1.0, 2.0])
    found = run(Decode(search="sample", n_best=4000, max_length=1), lambda *_: table)[0]
    share = sum(one.symbols == (5,) for one in found) / 4000

    assert share == pytest.approx(float(allowed(table.unsqueeze(0)).softmax(-1)[0, 5]), abs=0.03)


@pytest.mark.parametrize(("option", "left"), [({"top_k": 1}, {5}), ({"top_k": 2}, {4, 5}), ({"top_p": 0.6}, {5}), ({"top_p": 0.8}, {4, 5})])
def test_only_the_likeliest_are_drawn(option: dict[str, float], left: set[int]) -> None:
    table = torch.tensor([0.0, 0.0, -1.0, -50.0, 1.0, 2.0])  # probabilities .036, .264 and .70 of 2, 4 and 5
    found = run(Decode.model_validate({"search": "sample", "n_best": 500, "max_length": 1, **option}), lambda *_: table)[0]

    assert {one.symbols[0] for one in found} == left


def test_a_low_temperature_is_nearly_greedy() -> None:
    table = torch.tensor([0.0, 0.0, -1.0, -50.0, 1.0, 2.0])
    found = run(Decode(search="sample", n_best=500, max_length=1, temperature=0.05), lambda *_: table)[0]

    assert {one.symbols for one in found} == {(5,)}
