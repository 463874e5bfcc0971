"""Connectionist temporal classification: a text at the end of a sequence of scores, without saying where its symbols stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_class_scores
from nnrun.registry.field import Facts
from nnrun.registry.losses.cross_entropy import never_sure
from nnrun.registry.objective import TargetLoss
from nnrun.registry.shape import InputError, Shape

if TYPE_CHECKING:
    from torch import nn


@register
class CTC(TargetLoss):
    """Surprise at a whole text that frames spell, of which nobody says at which frame a symbol stands.

        - frames -> … -> scores -> written        # `units: text` in `scores`, `type: transcript` in `written`

    At each frame the scores are of the symbols of the text's field, and of a blank, which is its symbol 0. A way through
    the frames spells the text that is left when repeated symbols become one and blanks are taken out; the loss is minus the
    log of the probability of all ways that spell the right text, in nats. Its mean is that over examples, however long their
    texts: torch's `ctc_loss` with `reduction="sum"`, divided by the number of examples. `character_error_rate` compares
    networks on texts of other lengths.

    A text takes a frame for each symbol, and one for a blank between two that are alike. Data in which a text has fewer is
    refused before the training.

    Shape: (K), a score for each symbol, at each tick of one time axis, against a text, which has another.
    Raises: ShapeError if the scores are not as many as the symbols, or if the target is no text.
    Source: Graves, Fernández, Gomez and Schmidhuber 2006, Connectionist temporal classification.
    """

    logits = True
    whole = True

    type: Literal["ctc"]

    def check(self, input: Shape, target: Shape) -> None:
        if target.kind != "token":
            raise InputError("a text as its target", position=1, help="`cross_entropy` judges categories")
        check_class_scores(input, target, self.target)

    def missed(self, function: str, target: Shape) -> str | None:
        return never_sure(function, target)

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        from nnrun.registry.modules import ctc

        return ctc.CTC()
