"""Which number format products have on a device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Those of 16 bits, by the name that a spec has for them."""


def mixed(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Within it large products have the number format of the spec."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, FORMATS[precision])


def full(device: torch.device) -> AbstractContextManager[Any]:
    """Within it all numbers keep their 32 bits, as those of loops do, whatever large products have."""
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known and torch.is_autocast_enabled(device.type) else nullcontext()
