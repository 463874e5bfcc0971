"""A recurrent cell in formulas, for compilers: what its module computes, as its edges would say it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Scores:
    """Products of a gate's weights: `input` with x_t, `recurrent` with a value of the cell, and the bias."""

    name: str
    gate: str
    recurrent: str | None
    """What the recurrent weights read: `prev(h)`, or a value of this tick; None where they are not read."""
    input: bool = True
    """Whether x_t and the bias are among the products."""


@dataclass(frozen=True, slots=True)
class Equations:
    """All of a tick."""

    gates: tuple[str, ...]
    """In the order in which the weights hold them."""
    scores: tuple[Scores, ...]
    values: tuple[tuple[str, str], ...]
    """Name and formula, in order; formulas read scores, other values, `prev(value)`, and vectors."""
    states: tuple[str, ...] = ("h",)
    vectors: tuple[str, ...] = ()
    """Numbers from outside, one for each unit, the same at every tick."""

    def masked(self) -> Equations:
        """The same with the value `kept`, h_{t-1} with some of its entries hidden by the vector `mask`."""
        return replace(self, values=(("kept", "prev(h) * mask"), *self.values), vectors=(*self.vectors, "mask"))


def applied(function: str, value: str) -> str:
    """A function as a formula calls it."""
    return f"({value})" if function == "identity" else f"{function}({value})"
