"""Names of elementwise functions. Their torch form is in registry/modules/activations.py."""

from __future__ import annotations

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
