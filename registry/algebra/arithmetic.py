"""How a node computes, for compilers: what is written here can leave Python.

A node that has no such form runs all the same, by its module.
"""

from __future__ import annotations

from dataclasses import dataclass

from nnrun.registry.algebra.formula import Apply, Expression, Read


@dataclass(frozen=True, slots=True)
class Affine:
    """`function(W0 x0 + W1 x1 + … + b)`: a weight matrix (units, N) for each input, named as the module names it."""

    weights: tuple[str, ...]
    bias: str | None
    function: str
    """One of `nnrun.registry.algebra.activations.FUNCTIONS`, or `identity`."""


Arithmetic = Affine | Expression
"""An affine map with a function behind it, or an expression over the inputs, entry by entry."""


def folded(function: str, count: int) -> Expression:
    """A function of two values as one of many: the first with the second, the result with the third, and so on."""
    whole: Expression = Read(0)
    for index in range(1, count):
        whole = Apply(function, (whole, Read(index)))
    return whole
