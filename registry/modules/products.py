"""Large matrix products, by the faster of torch's two libraries.

Source: measurements of this project: on AMD processors oneDNN takes 0.5 to 0.9 of MKL's time from about 2^23 multiplications on;
below, its calls cost more than they gain. On Intel's it is MKL that is faster, by up to a third. The choice follows from the
processor and the sizes alone, so that the same run gives the same bits twice.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGE = 2**23


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias: (…, K), (N, K), (N) -> (…, N). Large products of 32 bits on the CPU are differentiable once."""
    if not _large(x, x.numel() * len(weight)) or torch.is_autocast_enabled(x.device.type):
        return F.linear(x, weight, bias)
    return affine(x, weight, bias)


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same, differentiable once, in memory that nobody else holds."""
    flat: Tensor = _Affine.apply(x.reshape(-1, x.shape[-1]), weight, bias)  # type: ignore[no-untyped-call]
    return flat.view(*x.shape[:-1], len(weight))


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """a.T @ b, of two tall matrices."""
    if _large(a, a.numel() * b.shape[1]):
        return _linear(b.t(), a.t(), None).t()
    return torch.mm(b.t(), a).t() if b.shape[1] < a.shape[1] else torch.mm(a.t(), b)  # MKL likes wide results


class _Affine(torch.autograd.Function):
    """x @ weight.T + bias: (M, K), (N, K), (N) -> (M, N)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.widened = False
        if bias is not None and _worth_widening(x, weight):
            ctx.widened = True
            x, weight, bias = _with_ones(x), torch.cat([weight, bias.unsqueeze(1)], dim=1), None
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        to_weight = to_bias = None
        if ctx.widened:
            weight = weight[:, :-1]
            if for_weight or for_bias:
                both = transposed_product(gradient, x)
                to_weight, to_bias = both[:, :-1], both[:, -1]
        else:
            to_weight = transposed_product(gradient, x) if for_weight else None
            to_bias = torch.mv(gradient.t(), gradient.new_ones(len(gradient))) if for_bias else None  # a third of the time of `sum`
        return _product(gradient, weight.t(), None) if for_x else None, to_weight, to_bias


def _worth_widening(x: Tensor, weight: Tensor) -> bool:
    """Whether a bias costs less as the weight of a further feature, 1: adding it, and adding up its gradient, are passes over (M, N)."""
    (m, k), n = x.shape, len(weight)
    return m * n > 2 * (m + n) * k and not _large(x, m * n * k)


def _with_ones(x: Tensor) -> Tensor:
    wide = x.new_empty(len(x), x.shape[1] + 1)
    wide[:, :-1], wide[:, -1] = x, 1
    return wide


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if _large(x, x.numel() * len(weight)):
        return _linear(x, weight.contiguous(), bias)
    return torch.mm(x, weight.t()) if bias is None else torch.addmm(bias, x, weight.t())


def _large(x: Tensor, size: int) -> bool:
    return size >= LARGE and x.dtype == torch.float32 and x.device.type == "cpu" and _prefers_onednn()


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")
    return result


@cache
def _prefers_onednn() -> bool:
    """Whether oneDNN's product is the faster one here, is there, and means what it did: it is not public, though torch's own
    compiler calls it."""
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]
    if not (there and "AuthenticAMD" in _processor()):
        return False
    x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]), torch.tensor([0.5, 0.0, -0.5])
    try:
        return bool((_linear(x, weight, bias) == torch.addmm(bias, x, weight.t())).all())
    except (RuntimeError, TypeError, NotImplementedError):  # another version of torch, with other arguments
        return False


def _processor() -> str:
    """What the processor says of itself, its maker among it."""
    known = Path("/proc/cpuinfo")
    return known.read_text() if known.exists() else platform.processor()
