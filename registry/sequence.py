"""Checks and errors that the nodes along time share."""

from __future__ import annotations

from nnrun.registry.shape import InputError, Shape


def check_time(x: Shape) -> None:
    """Raises: InputError if the value has no time axis."""
    if x.time is None:
        raise InputError("a value with a time axis", help="a `repeat` node between them gives it the ticks of another value")


def check_static(x: Shape, port: str | None = None) -> None:
    """Raises: InputError if the value has a time axis."""
    if x.time is not None:
        raise InputError("a value without a time axis", port=port, help=f"a `last` or `pool_time` node between them reduces `{x.time}`")
