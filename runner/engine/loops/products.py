"""Large matrix products, by the faster of torch's two libraries.

Source: measurements of this project: from about 2^24 multiplications on, oneDNN takes 0.7 to 0.9 of MKL's time on AMD processors
(on others they are alike); below, its calls cost more than they gain. The choice follows from the sizes alone, so that the same
run gives the same bits twice.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

LARGE = 2**24


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias, of matrices."""
    if _large(x, weight.numel() * len(x)) and weight.is_contiguous():
        return _linear(x, weight, bias)
    return torch.mm(x, weight.t()) if bias is None else torch.addmm(bias, x, weight.t())


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """a.T @ b, of two tall matrices."""
    if _large(a, a.numel() * b.shape[1]):
        return _linear(b.t(), a.t(), None).t()
    return torch.mm(a.t(), b)


def _large(x: Tensor, size: int) -> bool:
    return size >= LARGE and x.dtype == torch.float32 and x.device.type == "cpu" and _has_linear()


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")
    return result


@cache
def _has_linear() -> bool:
    """Whether oneDNN's product is there and means what it did: it is not public, though torch's own compiler calls it."""
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not (there and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        return False
    x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]), torch.tensor([0.5, 0.0, -0.5])
    try:
        return bool((_linear(x, weight, bias) == torch.addmm(bias, x, weight.t())).all())
    except (RuntimeError, TypeError, NotImplementedError):  # another version of torch, with other arguments
        return False
