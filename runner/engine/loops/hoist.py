"""What has left a loop: products with values from outside, for all ticks at once, and for all nodes that read the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from nnrun.registry.modules.products import affine
from nnrun.runner.compiler.loops.layout import Block, layout
from nnrun.runner.compiler.loops.program import Outer, Program


def hoisted(program: Program, weights: Mapping[str, Tensor], read: Callable[[Outer], Tensor]) -> tuple[Tensor, ...]:
    """The sums of each block before the loop adds its own products; tensors that nobody else holds.

    Shape: `read` gives (T, B, N), or (1, B, N) of a value without time -> (T, B, width), (1, B, width) or (1, 1, width) each.
    """
    return tuple(_sums(block, weights, read) for block in layout(program).blocks)


def _sums(block: Block, weights: Mapping[str, Tensor], read: Callable[[Outer], Tensor]) -> Tensor:
    bias = _bias(block, weights)
    parts: list[Tensor] = []
    for position, (_, source) in enumerate(block.products[0].outer):
        weight = torch.cat([weights[product.outer[position][0]] for product in block.products])
        parts.append(affine(read(source), weight, None if parts else bias))
    if parts:
        return sum(parts[1:], start=parts[0])
    if bias is None:
        like = weights[block.weights(0)[0]]
        return like.new_zeros(1, 1, block.width)
    return bias.view(1, 1, -1)


def _bias(block: Block, weights: Mapping[str, Tensor]) -> Tensor | None:
    if not any(product.bias for product in block.products):
        return None
    given = {product.name: weights[product.bias] for product in block.products if product.bias}
    like = next(iter(given.values()))
    return torch.cat([given[product.name] if product.bias else like.new_zeros(product.width) for product in block.products])
