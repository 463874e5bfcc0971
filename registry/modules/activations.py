"""The functions that specs name, in torch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _identity(x: Tensor) -> Tensor:
    return x


_ELEMENTWISE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "identity": _identity,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "softplus": F.softplus,
    "hard_sigmoid": F.hardsigmoid,
    "hard_tanh": F.hardtanh,
}

_IN_PLACE: Mapping[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu_, "sigmoid": torch.sigmoid_, "tanh": torch.tanh_}
"""Functions whose gradient follows from their result: they may take the place of what they are applied to."""

_OVER_FEATURES: Mapping[str, Callable[..., Tensor]] = {"softmax": torch.softmax, "log_softmax": torch.log_softmax}


def activation(name: str, axes: int = 1, in_place: bool = False) -> Callable[[Tensor], Tensor]:
    """The function of that name, for values of so many feature axes; `in_place` where nobody else reads what it is applied to.

    `softmax` and `log_softmax` run over the first of these: the features of (N), the channels of (C, H, W).
    """
    if in_place and name in _IN_PLACE:
        return _IN_PLACE[name]
    if name in _OVER_FEATURES:
        return partial(_OVER_FEATURES[name], dim=-axes)
    return _ELEMENTWISE[name]


class Activation(nn.Module):
    """A function of `nnrun.registry.algebra.activations` as a module.

    Shape: (…, *axes) -> (…, *axes).
    """

    def __init__(self, name: str, axes: int = 1) -> None:
        super().__init__()
        self.name = name
        self.function = activation(name, axes)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return self.name


def _minimum(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return torch.minimum(a, b)
    return a.clamp(max=b) if isinstance(a, Tensor) else b.clamp(max=a)


def _maximum(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return torch.maximum(a, b)
    return a.clamp(min=b) if isinstance(a, Tensor) else b.clamp(min=a)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "softsign": F.softsign,
    "softplus": F.softplus,
    "elu": F.elu,
    "gelu": F.gelu,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "sin": torch.sin,
    "cos": torch.cos,
    "minimum": _minimum,
    "maximum": _maximum,
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
}
"""What a formula applies: functions and operators. Where there are two arguments, one of them may be a plain number."""
