"""Units of an energy network. A kind of units is a few functions of the field: the sum of all that reaches a unit.

With the field f and inverse temperature beta a unit has p(x | f) = exp(beta (f s(x) - q(x)) - A(f, beta)); the state x is kept
as its sufficient statistic s(x), so that the energy is linear in it.

Source: Welling, Rosen-Zvi and Hinton 2005, Exponential family harmoniums with an application to information retrieval.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RAREST = 1e-2
"""Means nearer to a bound than this count as so near: what never was on in the data may be on one day."""

Beta = float | Tensor
"""Inverse temperature, for all or (B, 1) for each example."""


class Group(nn.Module):
    """Base of all kinds of units.

    Shape: states, fields and uniform random numbers are (B, N) with N the numbers of the state of all units.
    """

    wide = 1
    """Numbers of the state of one unit."""
    bounds: tuple[float, float] | None = None
    """Between what the numbers lie that may clamp the units; None: any do."""

    def __init__(self, size: int, *, bias: bool = True) -> None:
        super().__init__()
        self.size = size
        self.bias = nn.Parameter(torch.zeros(size)) if bias else None
        self.origin: Tensor
        self.register_buffer("origin", torch.zeros(()), persistent=False)  # knows device and number format, even without a bias

    def forward(self, x: Tensor | None = None, *, initial: Tensor | None = None) -> Tensor:
        """Mean activity of units whose field is the bias and what arrives."""
        given = x if x is not None else initial
        assert given is not None
        field = self.state(given)
        return self.mean(field if self.bias is None else field + self.bias)

    def state(self, x: Tensor) -> Tensor:
        """The state that a value (B, *axes) clamps the units to."""
        return x.reshape(len(x), -1)

    def log_normaliser(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        """A: log of the sum over all states of all units -> (B,)."""
        raise NotImplementedError

    def mean(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        """Expectation of the state: the derivative of A by the field, over beta."""
        raise NotImplementedError

    def field_of(self, mean: Tensor) -> Tensor:
        """The field that gives a mean, kept off the means that none gives. Shape: (N) -> (N)."""
        raise NotImplementedError

    def sample(self, field: Tensor, uniform: Tensor, beta: Beta = 1.0) -> Tensor:
        """A state at random; `uniform` are numbers between 0 and 1."""
        raise NotImplementedError

    def settle(self, field: Tensor, now: Tensor, slack: float = 0.0) -> Tensor:
        """The most probable state: temperature 0. Where a field is at most `slack` from a tie, a unit stays as it is."""
        raise NotImplementedError

    def support(self) -> Tensor | None:
        """All states of a unit, (S, wide); None where they are no finite number."""
        raise NotImplementedError

    def quadratic(self, x: Tensor) -> Tensor:
        """q: what the energy holds beside terms of products of states -> (B,)."""
        return x.new_zeros(len(x))

    def states(self) -> Tensor:
        """All states of all units, (S, N). Only for small groups."""
        support = self.support()
        assert support is not None
        count, units = len(support), self.size // self.wide
        places = torch.arange(count**units).unsqueeze(1) // count ** torch.arange(units - 1, -1, -1) % count
        return support[places].flatten(1)

    def extra_repr(self) -> str:
        return f"{self.size}, bias={self.bias is not None}"


class TwoValued(Group):
    """Units with two values."""

    low: float
    high: float = 1.0

    def threshold(self, uniform: Tensor, beta: Beta = 1.0) -> Tensor:
        """The field above which a unit is high: `sample` with the field on the other side of the comparison."""
        return torch.logit(uniform) / (beta * (self.high - self.low))

    def sample(self, field: Tensor, uniform: Tensor, beta: Beta = 1.0) -> Tensor:
        high = (uniform < torch.sigmoid(field * (beta * (self.high - self.low)))).to(field.dtype)
        return high if self.low == 0 else high * (self.high - self.low) + self.low

    def settle(self, field: Tensor, now: Tensor, slack: float = 0.0) -> Tensor:
        return torch.where(field > slack, self.high, torch.where(field < -slack, self.low, now))

    def support(self) -> Tensor:
        return self.origin.new_tensor([[self.low], [self.high]])


class Binary(TwoValued):
    """Units that are 0 or 1."""

    low = 0.0
    bounds = (0.0, 1.0)

    def log_normaliser(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        return F.softplus(beta * field).sum(1)

    def mean(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        return torch.sigmoid(beta * field)

    def field_of(self, mean: Tensor) -> Tensor:
        return torch.logit(mean, eps=RAREST)


class Bipolar(TwoValued):
    """Units that are -1 or +1. What clamps them is +1 above `threshold`; without one, above the half of 1, which takes 0/1 and -1/+1."""

    low = -1.0

    def __init__(self, size: int, *, bias: bool = True, threshold: float | None = None) -> None:
        super().__init__(size, bias=bias)
        self.above = 0.5 if threshold is None else threshold
        self.bounds = (-1.0, 1.0) if threshold is None else None

    def state(self, x: Tensor) -> Tensor:
        return (x.reshape(len(x), -1) > self.above).to(x.dtype) * 2 - 1

    def log_normaliser(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        strength = (beta * field).abs()
        return (strength + F.softplus(-2 * strength)).sum(1)

    def mean(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        return torch.tanh(beta * field)

    def field_of(self, mean: Tensor) -> Tensor:
        return torch.logit((mean + 1) / 2, eps=RAREST) / 2


class Gaussian(Group):
    """Units that are real numbers, of standard deviation `deviation` at temperature 1."""

    def __init__(self, size: int, *, bias: bool = True, deviation: float = 1.0) -> None:
        super().__init__(size, bias=bias)
        self.variance = deviation * deviation

    def log_normaliser(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        spread = 0.5 * torch.log(2 * math.pi * self.variance / torch.as_tensor(beta, dtype=field.dtype, device=field.device))
        return (0.5 * self.variance * beta * field.square() + spread).sum(1)

    def mean(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        return self.variance * field  # the same at any temperature

    def field_of(self, mean: Tensor) -> Tensor:
        return mean / self.variance

    def sample(self, field: Tensor, uniform: Tensor, beta: Beta = 1.0) -> Tensor:
        tiny = torch.finfo(uniform.dtype).eps
        normal = math.sqrt(2) * torch.erfinv((2 * uniform - 1).clamp(tiny - 1, 1 - tiny))
        return self.variance * field + normal * (self.variance / torch.as_tensor(beta, dtype=field.dtype, device=field.device)).sqrt()

    def settle(self, field: Tensor, now: Tensor, slack: float = 0.0) -> Tensor:
        return self.variance * field

    def support(self) -> None:
        return None

    def quadratic(self, x: Tensor) -> Tensor:
        return x.square().sum(1) / (2 * self.variance)


class Categorical(Group):
    """Units that are one of `classes` symbols each, written as zeros with a one."""

    def __init__(self, size: int, *, bias: bool = True, classes: int) -> None:
        super().__init__(size, bias=bias)
        self.wide = classes

    def state(self, x: Tensor) -> Tensor:
        if x.is_floating_point():
            return x.reshape(len(x), -1)
        return F.one_hot(x, self.wide).to(self.origin.dtype)

    def log_normaliser(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        return self._apart(beta * field).logsumexp(2).sum(1)

    def mean(self, field: Tensor, beta: Beta = 1.0) -> Tensor:
        return self._apart(beta * field).softmax(2).flatten(1)

    def field_of(self, mean: Tensor) -> Tensor:
        return mean.clamp_min(RAREST).log()

    def sample(self, field: Tensor, uniform: Tensor, beta: Beta = 1.0) -> Tensor:
        tiny = torch.finfo(uniform.dtype).tiny
        gumbel = -torch.log(-torch.log(uniform.clamp(tiny, 1 - torch.finfo(uniform.dtype).eps)))
        return self._highest(beta * field + gumbel)

    def settle(self, field: Tensor, now: Tensor, slack: float = 0.0) -> Tensor:
        return self._highest(field + slack * now)

    def support(self) -> Tensor:
        return torch.eye(self.wide, dtype=self.origin.dtype, device=self.origin.device)

    def _apart(self, x: Tensor) -> Tensor:
        """(B, N) -> (B, units, classes)."""
        return x.reshape(len(x), -1, self.wide)

    def _highest(self, x: Tensor) -> Tensor:
        return F.one_hot(self._apart(x).argmax(2), self.wide).to(x.dtype).flatten(1)
