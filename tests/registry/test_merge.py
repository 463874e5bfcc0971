"""Nodes that make one value of several."""

from __future__ import annotations

import pytest
import torch

from nnrun.registry.node import Node
from nnrun.registry.shape import InputError, Shape, ShapeError
from tests.registry.nodes import node

FLAT, IMAGE, NUMBER = Shape((4,)), Shape((2, 3, 4)), Shape()


def values(*shapes: Shape) -> list[torch.Tensor]:
    return [torch.randn(5, *shape.axes) for shape in shapes]  # type: ignore[arg-type]


def test_subtract_takes_the_second_from_the_first() -> None:
    a, b = values(FLAT, FLAT)

    torch.testing.assert_close(node("subtract").build(FLAT, FLAT)(a, b), a - b)


def test_a_single_number_scales_its_own_example() -> None:
    scale, image = values(NUMBER, IMAGE)

    product = node("multiply").build(NUMBER, IMAGE)(scale, image)

    torch.testing.assert_close(product[3], scale[3] * image[3])


def test_one_number_a_channel_scales_the_channel() -> None:
    gate, image = values(Shape((2, 1, 1)), IMAGE)

    product = node("multiply").build(Shape((2, 1, 1)), IMAGE)(gate, image)

    torch.testing.assert_close(product[3, 1], gate[3, 1] * image[3, 1])


def test_add_takes_more_than_two() -> None:
    a, b, c = values(FLAT, NUMBER, FLAT)

    torch.testing.assert_close(node("add").build(FLAT, NUMBER, FLAT)(a, b, c), a + b[:, None] + c)


def test_concat_joins_images_on_channels_in_the_order_of_edges() -> None:
    a, b = values(IMAGE, Shape((1, 3, 4)))

    joined = node("concat").build(IMAGE, Shape((1, 3, 4)))(a, b)

    assert torch.equal(joined[:, :2], a)
    assert torch.equal(joined[:, 2:], b)


def test_concat_of_features_flattens_what_it_joins() -> None:
    a, b, c = values(IMAGE, NUMBER, FLAT)

    joined = node("concat", axis="features").build(IMAGE, NUMBER, FLAT)(a, b, c)

    assert torch.equal(joined, torch.cat([a.flatten(1), b[:, None], c], dim=1))


def test_concat_repeats_an_input_without_time_at_every_tick() -> None:
    once, sequence = torch.randn(1, 5, 4), torch.randn(6, 5, 2)

    joined = node("concat").build(FLAT, Shape((2,)))(once, sequence)

    assert torch.equal(joined, torch.cat([once.expand(6, 5, 4), sequence], dim=-1))


def test_dot_of_two_vectors_is_a_number() -> None:
    a, b = values(FLAT, FLAT)

    torch.testing.assert_close(node("dot").build(FLAT, FLAT)(a, b)[2], a[2] @ b[2])


def test_normalized_dot_is_the_cosine_of_the_angle() -> None:
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 2.0]])
    pair = (Shape((2,)), Shape((2,)))

    torch.testing.assert_close(node("dot", normalize=True).build(*pair)(a, b), torch.tensor([0.5**0.5]))


def test_sizes_that_only_the_data_knows_flow_through() -> None:
    words = Shape(("review",))

    assert node("concat").shape(FLAT, words) == Shape(("review+4",))
    assert node("add").shape(words, FLAT) == FLAT
    assert node("add").shape(words, words) == words
    assert node("dot").shape(words, FLAT) == NUMBER


@pytest.mark.parametrize(
    ("config", "inputs", "position", "message"),
    [
        (node("add"), (FLAT, NUMBER, Shape((5,))), 2, "takes (N=4), as the inputs before, or a single number"),
        (node("multiply"), (IMAGE, FLAT), 1, "takes (C=2, H=3, W=4), as the inputs before, or a single number"),
        (node("concat"), (IMAGE, IMAGE, FLAT), 2, "takes a value that equals the first input, (C=2, H=3, W=4), in all sizes but the first"),
        (node("concat"), (FLAT, Shape(kind="token")), 1, "takes numbers"),
        (node("dot"), (FLAT, IMAGE), 1, "takes (N=4), as the first input"),
    ],
    ids=str,
)
def test_refusal_names_the_input_at_fault(config: Node, inputs: tuple[Shape, ...], position: int, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        config.shape(*inputs)

    assert (refusal.value.position, refusal.value.message) == (position, message)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("type", ["subtract", "dot"])
def test_subtract_and_dot_take_two_inputs(type: str, count: int) -> None:
    with pytest.raises(ShapeError, match=f"`{type}` takes two inputs, got {count}"):
        node(type).shape(*[FLAT] * count)
