"""The text that frames spell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from nnrun.registry.algebra.formula import Reading
from nnrun.registry.catalog import register
from nnrun.registry.node import Node
from nnrun.registry.options import NAME
from nnrun.registry.shape import InputError, Shape

if TYPE_CHECKING:
    from torch import nn


@register
class Transcript(Node):
    """Read a text out of the scores of frames, which the loss `ctc` has taught: which symbols there are, and where none is.

        - frames -> … -> scores -> written

    In each frame a symbol of the target or a blank, its symbol 0, has the best score; repeated symbols become one, and blanks
    are taken out. `decode` says how the text is found. `greedy`, where it says nothing: by the best symbol of each frame.
    `beam`: the likeliest text of those that a search with `width` beginnings meets, each with all the ways that spell it.
    `sample`: by symbols that are drawn frame by frame. The score of a text is the log of the probability of these ways, in
    nats. Unknown words are never written, and a text of more than `max_length` symbols loses its end. Nothing can read a
    transcript: it is there when all else is done.

    Shape: scores (K) at each tick of another time axis, one for each symbol of the target -> a token at each tick of the target.
    Raises: InputError if the target is no field of tokens with a time axis.
    Source: Graves et al. 2006, Connectionist temporal classification, section 3.2 (best path); Hannun et al. 2014, First-pass
    large vocabulary continuous speech recognition using bi-directional recurrent DNNs, algorithm 1 (beam, without a language model).
    """

    batch = "any"
    decides = True
    spelled = True

    type: Literal["transcript"]
    target: Annotated[str, Field(pattern=NAME)]
    """The field that says what is to be written: a text."""

    def readings(self) -> tuple[Reading, ...]:
        return (Reading(self.target, None, 0, "target", 0, len(self.target)),)

    def shape(self, target: Shape) -> Shape:
        if target.kind != "token":
            raise InputError("a text as its target, which has a token at each tick", help="a `text` field has")
        return target

    def build(self, target: Shape) -> nn.Module:
        from torch import nn

        return nn.Identity()
