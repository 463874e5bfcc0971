"""Checks and errors that the nodes along time share."""

from __future__ import annotations

from nnrun.registry.algebra.ticks import Windows
from nnrun.registry.shape import InputError, Shape, ShapeError


def check_time(x: Shape) -> None:
    """Raises: InputError if the value has no time axis."""
    if x.time is None:
        raise InputError("a value with a time axis", help="a `repeat` node between them gives it the ticks of another value")


def check_static(x: Shape, port: str | None = None) -> None:
    """Raises: InputError if the value has a time axis."""
    if x.time is not None:
        raise InputError("a value without a time axis", port=port, help=f"a `last` or `pool_time` node between them reduces `{x.time}`")


def at_each_window(y: Shape, windows: Windows, x: Shape, option: str) -> Shape:
    """`y` at each tick that windows over `x` give. Raises: ShapeError that blames `option` if `x` is known to be too short for one."""
    assert x.time is not None
    if x.ticks is not None and windows.padding == "valid" and x.ticks < windows.size:
        headline = f"a window is {windows.size} ticks long, but `{x.time}` has {x.ticks}"
        raise ShapeError(headline, field=option, help="`padding: same` lets windows reach beyond the ends")
    return y.along(windows.along(x.time), None if x.ticks is None else windows.ticks(x.ticks))
