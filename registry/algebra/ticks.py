"""Time axes that are made of others: a node that gives other ticks than it reads gives them along an axis of its own.

Its name says how it is made of the field's axis, from left to right: `wave-2` has two ticks fewer than `wave`, `wave/2` half as many,
rounded up, and `wave-2/2` half as many as `wave-2`. So two nodes that do the same to one axis share what they make, and can be joined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Ticks = TypeVar("Ticks")
"""Numbers of ticks: one, or an array or a tensor of them."""

Around = Literal["valid", "same"]
"""Whether windows lie within a sequence, or may reach beyond its ends."""

_STEP = re.compile(r"([-/])([0-9]+)")


def origin(axis: str) -> str:
    """The axis of a field that an axis is made of."""
    return re.split("[-/]", axis)[0]


def renamed(axis: str, names: Mapping[str, str]) -> str:
    """The same axis where fields have other names."""
    own = origin(axis)
    return names.get(own, own) + axis[len(own) :]


def ticks_along(axis: str, ticks: Ticks) -> Ticks:
    """How many ticks an axis has where its origin has so many, each of them."""
    found: Any = ticks
    for sign, number in _STEP.findall(axis):
        found = (found - int(number)) * (found > int(number)) if sign == "-" else -(-found // int(number))
    result: Ticks = found
    return result


class Lengths(dict[str, Ticks]):
    """How many ticks there are by time axis; an axis that is made of one of these is found too, but not listed."""

    def __init__(self, given: Mapping[str, Ticks]) -> None:
        super().__init__(given)
        self._made: dict[str, Ticks] = {}

    def __missing__(self, axis: str) -> Ticks:
        if axis not in self._made:
            if origin(axis) not in self:
                raise KeyError(axis)
            self._made[axis] = ticks_along(axis, self[origin(axis)])
        return self._made[axis]


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows that slide over the ticks of a sequence, each of which gives one tick."""

    size: int
    """From the first tick of a window to its last."""
    stride: int
    """From the first tick of a window to that of the next."""
    padding: Around

    @property
    def before(self) -> int:
        """How far the first one begins before the sequence."""
        return max(self.size - self.stride, 0) // 2 if self.padding == "same" else 0

    def along(self, axis: str) -> str:
        """The axis of what they give. Neighbours of a kind are one: half of a half is a quarter."""
        fewer = self.size - 1 if self.padding == "valid" else 0
        return _shortened(_shortened(axis, "-", fewer), "/", self.stride)

    def ticks(self, ticks: int) -> int:
        """How many ticks a tensor of what they give has: at least one, which is padding where no window fits."""
        return max(1, ticks_along(self.along(""), ticks))


def _shortened(axis: str, sign: str, number: int) -> str:
    if number == (0 if sign == "-" else 1):
        return axis
    head, last, before = axis.rpartition(sign)
    if last and before.isdigit():
        return f"{head}{sign}{int(before) + number if sign == '-' else int(before) * number}"
    return f"{axis}{sign}{number}"
