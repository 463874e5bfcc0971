"""From normalised numbers back to the units of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def natural(values: Tensor, facts: Mapping[str, Any]) -> Tensor:
    """Values (M, *axes) of a field in the units of the data: values * scale + shift.

    The facts `shift` and `scale` are numbers, or lists with one for each entry of the first axes. Without them the field
    is not normalised.
    """
    if "scale" not in facts:
        return values
    shift, scale = (_beside(torch.as_tensor(facts[name], dtype=values.dtype, device=values.device), values) for name in ("shift", "scale"))
    return values * scale + shift


def _beside(facts: Tensor, values: Tensor) -> Tensor:
    return facts.reshape(facts.shape + (1,) * (values.ndim - 1 - facts.ndim))
