"""The sums of a block as one tensor."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from runner.engine.loops.layout import Block
from runner.engine.loops.reference import Inputs


def gathered(block: Block, inputs: Inputs) -> Tensor:
    """The sums of a block, its products side by side. They are not copied where they already lie so.

    Shape: sums (T, B, N0), (T, B, N1), … -> (T, B, N0 + N1 + …); axes of ticks and examples are 1 where they are for all sums.
    """
    parts = [inputs.sums[product.name] for product in block.products]
    first = parts[0]
    if all(_follows(a, b) for a, b in pairwise(parts)):
        return first.as_strided((*first.shape[:2], block.width), first.stride())
    shape = torch.broadcast_shapes(*(part.shape[:2] for part in parts))  # type: ignore[no-untyped-call]
    return torch.cat([part.expand(*shape, -1) for part in parts], dim=2)


def may_be_overwritten(sums: Tensor, inputs: Inputs) -> bool:
    """Whether what `gathered` gave can take the sums of the loop too."""
    return inputs.scratch and sums.shape[:2] == (inputs.ticks, inputs.batch) and sums.is_contiguous()


def _follows(a: Tensor, b: Tensor) -> bool:
    """Whether b's columns lie behind a's in one matrix."""
    one_storage = a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
    behind = a.storage_offset() + a.shape[2] == b.storage_offset()
    return one_storage and behind and a.shape[:2] == b.shape[:2] and a.stride() == b.stride() and a.stride(2) == 1
