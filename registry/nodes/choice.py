"""The choice of a symbol, tick by tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from nnrun.registry.algebra.formula import Reading
from nnrun.registry.catalog import register
from nnrun.registry.data.tokens import BEGIN
from nnrun.registry.node import Node
from nnrun.registry.options import NAME, Rate
from nnrun.registry.shape import InputError, Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Choice(Node):
    """Choose a symbol from scores, to be read at the next tick: what makes a network a decoder.

        - prev(word) -> write -> decoder -> scores -> word

    Before the first tick it is the begin symbol. In training, and where a loss or its metrics are measured, it is the target
    itself (teacher forcing), so that the scores need not wait for each other; when generating, it is the symbol that `decode`
    finds: the best one, one drawn by chance, or that of the best whole sequence. A text that is the target gets an end symbol,
    unless `data.window` cuts it.

    Shape: scores (K) at each tick of the target, one for each of its symbols -> a token at each tick.
    Raises: InputError if the target is no field of tokens with a time axis.
    Source: Williams and Zipser 1989 (teacher forcing); Sutskever, Vinyals and Le 2014, Sequence to sequence learning.
    """

    batch = "any"
    decides = True
    before = BEGIN

    type: Literal["choice"]
    target: Annotated[str, Field(pattern=NAME)]
    """The field that says which symbols are right: a text."""
    feedback: Rate = 0.0
    """Share of the ticks at which training shows the network its own best choice instead of the target (scheduled sampling).
    The choices are those of a first pass with the targets. Source: Bengio et al. 2015; Duckworth et al. 2019 (two passes)."""

    def readings(self) -> tuple[Reading, ...]:
        return (Reading(self.target, None, 0, "target", 0, len(self.target)),)

    def shape(self, target: Shape) -> Shape:
        if target.kind != "token":
            raise InputError("a text as its target, which has a token at each tick", help="a `text` field has")
        return target

    def build(self, target: Shape) -> nn.Module:
        from torch import nn

        return nn.Identity()
