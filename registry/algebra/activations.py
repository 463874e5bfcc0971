"""Names of elementwise functions. Their torch form is in registry/modules/activations.py."""

from __future__ import annotations

from math import inf
from typing import Literal, get_args

Activation = Literal[
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "softsign", "softplus",
    "hard_sigmoid", "hard_tanh", "softmax", "log_softmax",
]  # fmt: skip
"""What is applied to the scores of a node. `softmax` and `log_softmax` run over the features (channels of an image)."""

Gate = Literal["tanh", "softsign", "relu", "sigmoid", "identity", "elu", "gelu", "hard_tanh"]
"""What a recurrent cell applies to its candidate and output."""

FUNCTIONS = {
    "tanh": 1, "sigmoid": 1, "relu": 1, "softsign": 1, "softplus": 1, "elu": 1, "gelu": 1, "exp": 1, "log": 1,
    "sqrt": 1, "abs": 1, "sin": 1, "cos": 1, "minimum": 2, "maximum": 2,
}  # fmt: skip
"""What a formula may call, with the number of arguments."""

ACTIVATIONS: tuple[str, ...] = get_args(Activation)

RANGES: dict[str, tuple[float, float]] = {
    "relu": (0, inf), "elu": (-1, inf), "selu": (-1.7581, inf), "gelu": (-0.1700, inf), "silu": (-0.2785, inf), "mish": (-0.3088, inf),
    "sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1), "softplus": (0, inf), "hard_sigmoid": (0, 1), "hard_tanh": (-1, 1),
    "softmax": (0, 1), "log_softmax": (-inf, 0), "exp": (0, inf), "sqrt": (0, inf), "abs": (0, inf), "sin": (-1, 1), "cos": (-1, 1),
}  # fmt: skip
"""The least and the largest value of functions that do not give every number."""
