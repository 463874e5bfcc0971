"""How well a language model foresees the next token."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_class_scores
from nnrun.registry.field import Facts
from nnrun.registry.objective import Metric
from nnrun.registry.shape import InputError, Shape

if TYPE_CHECKING:
    from torch import Tensor

    from nnrun.registry.modules.meters import Meter


class Language(Metric):
    """Base of the metrics of token scores."""

    higher_is_better: ClassVar[bool] = False

    def check(self, input: Shape, target: Shape) -> None:
        if target.kind != "token":
            raise InputError("tokens as its target", position=1, help="`log_loss` judges categories")
        check_class_scores(input, target, self.target)

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.scores import surprise

        nats = surprise(input, target, facts)
        return nats, nats.new_ones(nats.shape)


@register
class Perplexity(Language):
    """How many equally likely tokens the network hesitates between: e to the mean cross entropy of a token.

    It depends on what a token is, and compares only networks with the same tokens.

    Shape: (K), a score for each token of the vocabulary, against a token.
    Raises: ShapeError if the scores are not as many as the tokens.
    Source: Jelinek et al. 1977, Perplexity: a measure of the difficulty of speech recognition tasks.
    """

    type: Literal["perplexity"]

    def build(self, input: Shape, target: Shape) -> Meter:
        import torch

        from nnrun.registry.modules.meters import Mean, Then

        return Then(torch.exp, Mean())


@register
class BitsPerCharacter(Language):
    """Mean cross entropy of a token in bits: what a character costs after compression, where tokens are characters.

    Shape: (K), a score for each token of the vocabulary, against a token.
    Raises: ShapeError if the scores are not as many as the tokens.
    Source: Graves 2013, Generating sequences with recurrent neural networks, section 3.1.
    """

    type: Literal["bits_per_character"]

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from math import log

        nats, weights = super().prepare(input, target, facts)
        return nats / log(2), weights

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Mean

        return Mean()
