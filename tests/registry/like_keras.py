"""Nodes beside what Keras gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.registry.waves import summary, wave

KERAS = json.loads((Path(__file__).parent / "data" / "keras.json").read_text())
"""Made by make_keras_numbers.py."""


def name(case: dict[str, Any]) -> str:
    return f"{case['input'][1:]} {case['options']}"


def fill(module: nn.Module, phase: float) -> None:
    """The weights that the script gave to Keras."""
    for parameter in module.parameters():
        shift = 0.5 if parameter.dim() == 1 else 0.0
        parameter.data = 0.3 * torch.from_numpy(wave(parameter.shape, phase + shift))


def assert_same(result: Tensor, expected: dict[str, list[float]]) -> None:
    found = summary(result.detach().numpy())

    assert found["shape"] == expected["shape"]
    np.testing.assert_allclose(found["ends"], expected["ends"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["sums"], expected["sums"], rtol=1e-9, atol=1e-9)
