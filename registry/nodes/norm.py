"""Normalisation of what flows through a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.node import Trainable
from nnrun.registry.options import Portion, Positive
from nnrun.registry.shape import Axis, InputError, Shape, known

if TYPE_CHECKING:
    from torch import nn


class Norm(Trainable):
    """Options that both kinds share."""

    init: Literal["ones", "zeros"] = "ones"  # type: ignore[assignment]
    """How the scale starts. With `zeros` a branch that ends here starts as nothing, which helps deep residual networks
    (Goyal et al. 2017, section 5.1)."""
    affine: bool = True
    """Learn a scale and a shift afterwards."""
    eps: Positive = 1e-5
    """Added to the variance, against division by zero."""


@register
class BatchNorm(Norm):
    """Bring each feature, or each channel of an image, to mean 0 and variance 1 over the batch.

    While training, mean and variance are those of the batch; afterwards, running means of them. Padding takes no part.
    A single value has no variance: an example alone in its batch is normalised by the running means.

    Shape: (N), (C, L), (C, H, W) or (C, D, H, W) -> the same.
    Source: Ioffe and Szegedy 2015, Batch normalization, algorithms 1 and 2.
    """

    batch = "real"

    type: Literal["batch_norm"]
    momentum: Portion = 0.1
    """Weight of the newest batch in the running means, as in torch; Keras counts the other way round: its 0.9 is our 0.1."""

    def shape(self, x: Shape) -> Shape:
        check_number(x)
        return x

    def parameters(self, x: Shape) -> dict[str, tuple[Axis, ...]]:
        channels: tuple[Axis, ...] = x.axes[:1] or (1,)
        return {"weight": channels, "bias": channels} if self.affine else {}

    def build(self, x: Shape) -> nn.Module:
        from nnrun.registry.modules.norm import BatchNorm as Module

        channels = known(x.axes[0]) if x.axes else 1
        return Module(channels, momentum=self.momentum, eps=self.eps, affine=self.affine, scale=float(self.init == "ones"))


@register
class LayerNorm(Norm):
    """Bring the features of each example, at each tick, to mean 0 and variance 1.

    All axes of an image are normalised together; examples do not influence each other.

    Shape: (N), (C, H, W) or any other axes -> the same.
    Raises: InputError for a single feature, which would always become 0 (torch computes it).
    Source: Ba, Kiros and Hinton 2016, Layer normalization, equation 3.
    """

    batch = "any"

    type: Literal["layer_norm"]

    def shape(self, x: Shape) -> Shape:
        check_number(x)
        if x.size == 1:
            raise InputError(
                "two or more features", help="a single one would always become 0; `batch_norm` compares it with other examples"
            )
        return x

    def parameters(self, x: Shape) -> dict[str, tuple[Axis, ...]]:
        return {"weight": x.axes, "bias": x.axes} if self.affine else {}

    def build(self, x: Shape) -> nn.Module:
        from torch import nn

        module = nn.LayerNorm([known(size) for size in x.axes], eps=self.eps, elementwise_affine=self.affine)
        if self.init == "zeros" and self.affine:
            nn.init.zeros_(module.weight)
        return module
