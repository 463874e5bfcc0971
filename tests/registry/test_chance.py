"""Random numbers of a training: the same for an example, whoever computes it, and however often."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nnrun.registry.modules.chance import BLOCK, Dice, Share, dropped, kept
from nnrun.registry.modules.dropout import Dropout

CPU = torch.device("cpu")


def dice(step: int = 3, share: Share | None = None, seed: int = 0) -> Dice:
    made = Dice(seed, CPU)
    made.begin(step, share)
    made.at("node")
    return made


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [5, 128, 300])
@pytest.mark.parametrize("places", [0, 1])
def test_shares_of_a_draw_are_the_whole_draw(size: int, count: int, places: int) -> None:
    shape = [4, 4, 3]
    shape[places] = count
    whole = dice().uniform(torch.empty(shape), places)
    shares = [Share.of(rank, size, max(count, size), count) for rank in range(size)]
    parts = []
    for share in shares:
        shape[places] = share.count
        if share.count:
            parts.append(dice(share=share).uniform(torch.empty(shape), places))

    assert torch.equal(torch.cat(parts, places), whole)


def test_places_of_a_process_stay_its_own_in_a_smaller_batch() -> None:
    assert [Share.of(rank, 3, 8, 5) for rank in range(3)] == [Share(0, 2, 5), Share(2, 3, 5), Share(5, 0, 5)]
    assert Share(5, 0, 5).rows == slice(4, 5)
    assert Share(5, 0, 5).weight == 0
    assert sum(Share.of(rank, 3, 8, 8).count for rank in range(3)) == 8


def test_every_draw_differs_but_the_same_one_again() -> None:
    like, first = torch.empty(5, 20), dice()
    one, second = first.uniform(like), first.uniform(like)
    first.at("other")
    elsewhere = first.uniform(like)
    others = [dice(step=4), dice(seed=1), dice(share=Share(BLOCK, 5, 2 * BLOCK))]
    drawn = [one, second, elsewhere, *(other.uniform(like) for other in others)]

    assert len({tuple(numbers.flatten().tolist()) for numbers in drawn}) == len(drawn)
    first.at("node")
    assert torch.equal(first.uniform(like), one)


def test_examples_among_others_get_their_own_numbers() -> None:
    whole = dice().uniform(torch.empty(6, 3))
    made, rows = dice(share=Share(0, 6, 6)), torch.tensor([1, 4])
    with made.among(rows):
        some = made.uniform(torch.empty(2, 3))

    assert torch.equal(some, whole[rows])


def test_the_order_of_memory_changes_no_draw_of_a_share() -> None:
    like = torch.empty(8, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    whole = dice().uniform(like)
    halves = [dice(share=Share(first, 4, 8)).uniform(like[:4]) for first in (0, 4)]

    assert whole.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(torch.cat(halves), whole)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dropout_keeps_the_share_and_the_mean(dtype: torch.dtype) -> None:
    x = torch.ones(500, 200, dtype=dtype)
    with dice():
        found = dropped(x, 0.3).double()

    assert abs(float((found == 0).double().mean()) - 0.3) < 0.01
    assert abs(float(found.mean()) - 1) < 0.01
    assert found.unique().numel() == 2


def test_modules_draw_from_the_training() -> None:
    module, x = Dropout(0.5, axes=1), torch.ones(3, 7, 2)

    def drawn(step: int) -> Tensor:
        with dice(step):
            found: Tensor = module(x)
        return found

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    with dice(1):
        assert torch.equal(kept(x, 0.5, 1), drawn(1))


def test_without_a_training_torch_draws() -> None:
    torch.manual_seed(0)
    first = dropped(torch.ones(50), 0.5)
    torch.manual_seed(0)

    assert torch.equal(first, dropped(torch.ones(50), 0.5))
