"""Random numbers added to a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.accept import check_number
from nnrun.registry.catalog import register
from nnrun.registry.node import Node, Port
from nnrun.registry.options import Positive
from nnrun.registry.shape import InputError, Shape, ShapeError, same_axes

if TYPE_CHECKING:
    from torch import nn

SCALE = 1.0
"""Where nothing is said."""


@register
class Noise(Node):
    """While training, add random numbers to each entry; otherwise give the value as it is, but for what `judged` says.

    How large they are, an option says, or a value of the network at the port `deviation`, through which gradients flow:

        - mean -> code
        - deviation -> code.deviation       # a code drawn from a distribution that the network chooses

    Shape: any numbers, and at `deviation` the same axes or a single number -> the same.
    Raises: InputError if the axes at `deviation` differ; ShapeError if `scale` stands beside it.
    Source: Bishop 1995, Training with noise is equivalent to Tikhonov regularization; Kingma and Welling 2014, Auto-encoding variational
    Bayes, section 2.4 (`deviation`).
    """

    batch = "any"
    ports = {"deviation": Port(required=False)}

    type: Literal["noise"]
    distribution: Literal["gaussian", "uniform"] = "gaussian"
    """`gaussian`: of mean 0 and standard deviation `scale`; `uniform`: from -`scale` to `scale`."""
    scale: Positive | None = None
    """How large the numbers are; 1 where left out. Without `deviation` alone."""
    judged: bool = False
    """Whether losses and metrics judge a part with random numbers too, the same ones each time: so the bound of a variational
    autoencoder is defined, a mean over codes that are drawn. What `predict` answers is without."""

    def shape(self, x: Shape, deviation: Shape | None = None) -> Shape:
        check_number(x)
        if deviation is None:
            return x
        if self.scale is not None:
            raise ShapeError("`scale` and the port `deviation` both say how large the noise is", field="scale", help="leave out `scale`")
        if deviation.kind != "number" or (deviation.axes and not same_axes(deviation.axes, x.axes)):
            raise InputError(f"{x}, as the value has, or a single number", port="deviation", help="a `linear` node before gives as many")
        return x

    def build(self, x: Shape, deviation: Shape | None = None) -> nn.Module:
        from nnrun.registry.modules.noise import Noise as Module

        single = deviation is not None and not deviation.axes
        return Module(self.distribution, self.scale or SCALE, axes=len(x.axes), single=single, judged=self.judged)
