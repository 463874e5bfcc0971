"""How weights start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor
from torch.nn import init

_SCHEMES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "xavier": init.xavier_uniform_,
    "xavier_normal": init.xavier_normal_,
    "he": partial(init.kaiming_uniform_, nonlinearity="relu"),
    "he_normal": partial(init.kaiming_normal_, nonlinearity="relu"),
    "orthogonal": init.orthogonal_,
    "normal": partial(init.normal_, std=0.05),
    "zeros": init.zeros_,
}


def initialize(weight: Tensor, scheme: str) -> Tensor:
    """Fill a weight tensor by a scheme of `nnrun.registry.options.Init` and return it.

    Axis 0 counts outputs, axis 1 inputs, further axes are a kernel. Weights stacked in one tensor, such as the gates of a
    cell, are filled one at a time (`for gate in weight.chunk(4): initialize(gate, scheme)`), or their number of outputs would count as one.

    Source: Glorot and Bengio 2010, equation 16 (`xavier`); He et al. 2015, equation 10 (`he`); Saxe et al. 2014 (`orthogonal`).
    `normal` has a standard deviation of 0.05, as in Keras.
    """
    return _SCHEMES[scheme](weight)
