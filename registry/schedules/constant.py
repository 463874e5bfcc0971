"""A rate that does not change."""

from __future__ import annotations

from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.schedules.warmup import Warmed


@register
class Constant(Warmed):
    """The same rate all along, once it is warm."""

    type: Literal["constant"]

    def after(self, step: int, steps: int) -> float:
        return 1.0
