"""A node that is computed once more on the way back: what it would hold till then takes no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nnrun.runner.engine.network.ticks import Value


def computed_again(compute: Callable[..., Value], tensors: Sequence[Tensor], module: nn.Module) -> Value:
    """What `compute` makes of tensors, of which nothing else is held; it draws the same numbers each time.

    Source: Chen et al. 2016, Training deep nets with sublinear memory cost.
    """
    value: Value = checkpoint(compute, *tensors, use_reentrant=False, context_fn=lambda: (nullcontext(), _statistics_aside(module)))
    return value


@contextmanager
def _statistics_aside(module: nn.Module) -> Iterator[None]:
    """Within it, running statistics move in copies: a batch counts once."""
    own = [(part._buffers, dict(part._buffers)) for part in module.modules()]
    for buffers, held in own:
        buffers.update({name: tensor.clone() for name, tensor in held.items() if tensor is not None})
    try:
        yield
    finally:
        for buffers, held in own:
            buffers.update(held)
