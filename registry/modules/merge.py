"""Several values made into one. Leading axes broadcast: a value without time comes as (1, B, *axes)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.algebra.formula import Apply, Constant, Expression, Read
from nnrun.registry.modules.activations import FUNCTIONS


class Elementwise(nn.Module):
    """Combine values entry by entry; single numbers go with everything.

    Shape: values of the same number of `axes`, or none, -> (…, *axes).
    """

    def __init__(self, combine: Callable[[Sequence[Tensor]], Tensor], axes: Sequence[int]) -> None:
        super().__init__()
        self.combine = combine
        most = max(axes)
        self.missing = tuple((None,) * (most - count) for count in axes)

    def forward(self, *values: Tensor) -> Tensor:
        return self.combine([x[(..., *missing)] if missing else x for x, missing in zip(values, self.missing, strict=True)])


def folded(name: str) -> Callable[[Sequence[Tensor]], Tensor]:
    """A function of two values as one of many: the first with the second, the result with the third, and so on."""
    return partial(reduce, FUNCTIONS[name])


class Concat(nn.Module):
    """Join values on their first feature axis, or all as flat features; a single number is one feature.

    Shape: (…, N0, *rest), (…, N1, *rest), … -> (…, N0 + N1 + …, *rest).
    """

    def __init__(self, axes: Sequence[int], flat: bool = False) -> None:
        super().__init__()
        self.axes = tuple(axes)
        self.flat = flat

    def forward(self, *values: Tensor) -> Tensor:
        parts = [self._part(x, count) for x, count in zip(values, self.axes, strict=True)]
        kept = 1 if self.flat else max(*self.axes, 1)
        leading = [part.shape[: part.dim() - kept] for part in parts]
        if any(lead != leading[0] for lead in leading):
            everywhere = torch.broadcast_shapes(*leading)  # type: ignore[no-untyped-call]
            parts = [part.expand(*everywhere, *part.shape[part.dim() - kept :]) for part in parts]
        return torch.cat(parts, dim=-kept)

    def _part(self, x: Tensor, axes: int) -> Tensor:
        if axes == 0:
            return x.unsqueeze(-1)
        return x.flatten(-axes) if self.flat else x


class Dot(nn.Module):
    """Inner product of two values over all their axes; normalised, the cosine of the angle between them.

    Shape: (…, *axes), (…, *axes) -> (…).
    """

    def __init__(self, axes: int, normalize: bool = False) -> None:
        super().__init__()
        self.axes = axes
        self.normalize = normalize

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if self.axes == 0:
            a, b = a.unsqueeze(-1), b.unsqueeze(-1)
        elif self.axes > 1:
            a, b = a.flatten(-self.axes), b.flatten(-self.axes)
        return F.cosine_similarity(a, b, dim=-1) if self.normalize else (a * b).sum(-1)


def evaluator(expression: Expression) -> Callable[[Sequence[Tensor]], Any]:
    """A parsed formula as a function of its readings. What holds no reading is computed at once, to a plain number."""
    match expression:
        case Constant(value=value):
            return lambda values: value
        case Read(index=index):
            return lambda values: values[index]
        case Apply(function=name, arguments=arguments) if not _reads(expression):
            numbers = [torch.tensor(evaluator(argument)(()), dtype=torch.float64) for argument in arguments]
            constant = FUNCTIONS[name](*numbers).item()
            return lambda values: constant
        case Apply(function=name, arguments=(one,)):
            function, first = FUNCTIONS[name], evaluator(one)
            return lambda values: function(first(values))
        case Apply(function=name, arguments=(one, other)):
            function, first, second = FUNCTIONS[name], evaluator(one), evaluator(other)
            return lambda values: function(first(values), second(values))
    raise TypeError(f"not an expression of formulas: {expression!r}")


def _reads(expression: Expression) -> bool:
    return isinstance(expression, Read) or (isinstance(expression, Apply) and any(map(_reads, expression.arguments)))
