"""Small modules of feed-forward networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules.activations import activation as function_named
from nnrun.registry.modules.products import linear


class Linear(nn.Module):
    """Sum of linear maps of several inputs: `f(W0 x0 + W1 x1 + … + b)`.

    Leading axes broadcast: an input without time, (1, B, N), is added at every tick of (T, B, N), and multiplied once.

    Shape: (…, N0), (…, N1), … -> (…, units); an input that is `single` comes as (…).
    """

    def __init__(self, weights: Sequence[Tensor], *, bias: bool = True, activation: str = "identity", single: Sequence[bool] = ()) -> None:
        super().__init__()
        self.weight = nn.ParameterList(weights)  # one for each input, each (units, N)
        self.bias = nn.Parameter(torch.zeros(weights[0].shape[0])) if bias else None
        self.activation = activation
        self.function = function_named(activation, in_place=True)
        self.single = tuple(single) or (False,) * len(weights)

    def forward(self, *inputs: Tensor) -> Tensor:
        y, bias = None, self.bias
        for x, weight, single in zip(inputs, self.weight, self.single, strict=True):
            part = linear(x.unsqueeze(-1) if single else x, weight, bias)
            y, bias = part if y is None else y + part, None
        assert y is not None
        return self.function(y)

    def extra_repr(self) -> str:
        return f"activation={self.activation}, bias={self.bias is not None}"


class OneHot(nn.Module):
    """Symbols as vectors of zeros with a one.

    Shape: (…) of whole numbers below `classes` -> (…, classes).
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        return F.one_hot(x, self.classes).to(torch.get_default_dtype())


class Reshape(nn.Module):
    """Replace the last `axes` axes by others; those before stay.

    Shape: (…, *axes) -> (…, *to).
    """

    def __init__(self, axes: int, to: Sequence[int]) -> None:
        super().__init__()
        self.axes, self.new_axes = axes, tuple(to)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[: x.dim() - self.axes], *self.new_axes)

    def extra_repr(self) -> str:
        return f"{self.new_axes}"


class FlattenTime(nn.Module):
    """Ticks and axes joined; all examples have the same number of ticks.

    Shape: (T, B, *axes) -> (B, T * prod(axes)).
    """

    def forward(self, x: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        return x.transpose(0, 1).flatten(1)


class UnflattenTime(nn.Module):
    """Features laid out along the ticks of another value.

    Shape: x (B, T * prod(axes)), along (T, B, …) -> (T, B, *axes).
    """

    def __init__(self, axes: Sequence[int]) -> None:
        super().__init__()
        self.axes = tuple(axes)

    def forward(self, x: Tensor, *, along: Tensor, lengths: Tensor | None = None, along_lengths: Tensor | None = None) -> Tensor:
        return x.view(len(x), len(along), *self.axes).transpose(0, 1)

    def extra_repr(self) -> str:
        return f"{self.axes}"
