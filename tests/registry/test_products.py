"""Large products: whichever library computes them, and however a bias is added, they are products."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nnrun.registry.modules import products

SHAPES = ((3, 5, 4), (700, 12, 96), (4096, 64, 64))
"""(M, K, N): small; where a bias is one more feature; where oneDNN is asked, if it is the faster one."""


@pytest.fixture(params=[False, True], ids=["mkl", "onednn"])
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_prefers_onednn", lambda: request.param)


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("biased", [False, True])
def test_affine_is_linear_with_its_gradients(shape: tuple[int, int, int], biased: bool) -> None:
    m, k, n = shape
    torch.manual_seed(0)
    given = [torch.randn(size).requires_grad_() for size in ((m, k), (n, k), (n,))][: 2 + biased]
    arriving = torch.randn(m, n)

    def results(function: object) -> list[Tensor]:
        value: Tensor = function(*given)  # type: ignore[operator]
        return [value.detach(), *torch.autograd.grad(value, given, arriving)]

    for found, wanted in zip(results(products.affine), results(F.linear), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-3)


def test_affine_leaves_out_the_gradients_that_nobody_wants() -> None:
    x, weight, bias = torch.randn(700, 12), torch.randn(96, 12), torch.randn(96, requires_grad=True)

    products.affine(x, weight, bias).sum().backward()  # type: ignore[no-untyped-call]

    torch.testing.assert_close(bias.grad, torch.full((96,), 700.0))


@pytest.mark.usefixtures("_library")
def test_a_transposed_product_is_one() -> None:
    for rows, wide, narrow in ((5, 4, 3), (5, 3, 4), (4096, 64, 48)):
        a, b = torch.randn(rows, wide), torch.randn(rows, narrow)
        torch.testing.assert_close(products.transposed_product(a, b), a.t() @ b, rtol=1e-4, atol=1e-3)
