"""The cells that are tested, and their equations in numpy, gate by gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from torch import nn

Array = np.ndarray

TORCHS: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "rnn": ({"type": "rnn", "units": 4}, nn.RNN, {}),
    "relu rnn": ({"type": "rnn", "units": 4, "activation": "relu"}, nn.RNN, {"nonlinearity": "relu"}),
    "lstm": ({"type": "lstm", "units": 4}, nn.LSTM, {}),
    "gru": ({"type": "gru", "units": 4}, nn.GRU, {}),
}
LOOPED: list[dict[str, Any]] = [
    {"type": "rnn", "units": 4, "activation": "softsign"},
    {"type": "rnn", "units": 4, "recurrent_dropout": 0.4},
    {"type": "lstm", "units": 4, "activation": "softsign"},
    {"type": "lstm", "units": 4, "peephole": True},
    {"type": "lstm", "units": 4, "peephole": True, "activation": "relu", "recurrent_dropout": 0.4},
    {"type": "gru", "units": 4, "reset": "before"},
    {"type": "gru", "units": 4, "reset": "before", "activation": "sigmoid", "recurrent_dropout": 0.4},
    {"type": "gru", "units": 4, "reset": "after", "activation": "identity", "recurrent_dropout": 0.4},
]
CELLS = [config for config, _, _ in TORCHS.values()] + LOOPED
STACKS: list[dict[str, Any]] = [
    {"layers": 1, "bidirectional": False},
    {"layers": 2, "bidirectional": False},
    {"layers": 2, "bidirectional": True},
]

cells = pytest.mark.parametrize("config", CELLS, ids=lambda config: " ".join(f"{value}" for value in config.values()))
stacks = pytest.mark.parametrize("stack", STACKS, ids=["one layer", "two layers", "two layers, both ways"])


def sigmoid(a: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-a)))


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "softsign": lambda a: a / (1 + np.abs(a)),
    "sigmoid": sigmoid,
    "identity": lambda a: a,
}


def plain(
    cell: Any, x: Array, h: Array, c: Array, *, activation: str, reset: str = "after", kept: Array | float = 1.0
) -> tuple[Array, Array]:
    """One sequence (t, N) through one cell, gate by gate; every h, and c at the end."""
    w, u, b = (getattr(cell, name).detach().numpy() for name in ("input", "recurrent", "bias"))
    p = cell.peephole.detach().numpy() if getattr(cell, "peephole", None) is not None else np.zeros((3, len(h)))
    act = ACTIVATIONS[activation]
    outputs = []
    for now in x:
        read = kept * h
        gates = len(b) // len(h)
        wx = np.split(w @ now + b, gates)
        uh = np.split(u @ read, gates)
        if gates == 1:
            h = act(wx[0] + uh[0])
        elif gates == 4:
            i = sigmoid(wx[0] + uh[0] + p[0] * c)
            f = sigmoid(wx[1] + uh[1] + p[1] * c)
            c = f * c + i * act(wx[2] + uh[2])
            o = sigmoid(wx[3] + uh[3] + p[2] * c)
            h = o * act(c)
        else:
            r = sigmoid(wx[0] + uh[0])
            z = sigmoid(wx[1] + uh[1])
            past = r * uh[2] if reset == "after" else np.split(u, 3)[2] @ (r * read)
            h = (1 - z) * h + z * act(wx[2] + past)
        outputs.append(h)
    return np.stack(outputs), c
