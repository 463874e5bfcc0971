"""How well a network writes: texts beside what they should have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.objective import SequenceMetric
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    from nnrun.registry.modules.meters import Meter


@register
class ExactMatch(SequenceMetric):
    """Share of the texts that are right to the letter.

    What is right is the text of the data, cut into tokens and joined again, with all its words and whole: one that holds words
    which the vocabulary lacks, or is longer than may be written, counts as wrong. `unknown_words` beside it is the share of the
    texts that hold such words.

    Shape: chosen tokens against a text.
    Raises: ShapeError if either is something else.
    """

    type: Literal["exact_match"]

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.meters import Equal

        return Equal()


@register
class Bleu(SequenceMetric):
    """Agreement of translations with the true ones, from 0 to 100: how many runs of one to four words both have.

    It is counted over all texts together, without smoothing: 0 where no four words in a row are right anywhere. A short
    translation is marked down. Compare only figures with the same `tokenize`; `13a` is what papers report.

    Shape: chosen tokens against a text.
    Raises: ShapeError if either is something else.
    Source: Papineni et al. 2002, BLEU: a method for automatic evaluation of machine translation; tokens as by Post 2018, A
    call for clarity in reporting BLEU scores (sacrebleu).
    """

    type: Literal["bleu"]
    tokenize: Literal["13a", "char", "none"] = "13a"
    """What a word is: `13a` parts punctuation from words, `char` takes characters, for scripts without spaces, and `none` what
    stands between spaces."""

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.texts import bleu

        return bleu(self.tokenize)


@register
class CharacterErrorRate(SequenceMetric):
    """Characters to insert, delete or replace until all texts are right, for each character of the true ones.

    It is above 1 where a network writes far too much.

    Shape: chosen tokens against a text.
    Raises: ShapeError if either is something else.
    Source: Levenshtein 1966, Binary codes capable of correcting deletions, insertions and reversals.
    """

    type: Literal["character_error_rate"]
    higher_is_better: ClassVar[bool] = False

    def build(self, input: Shape, target: Shape) -> Meter:
        import torch
        from torchmetrics.text import CharErrorRate

        from nnrun.registry.modules.library import Library

        return Library(CharErrorRate().set_dtype(torch.float64))


@register
class WordErrorRate(SequenceMetric):
    """Words to insert, delete or replace until all texts are right, for each word of the true ones.

    A word is what stands between spaces. It is above 1 where a network writes far too much.

    Shape: chosen tokens against a text.
    Raises: ShapeError if either is something else.
    Source: Levenshtein 1966, Binary codes capable of correcting deletions, insertions and reversals.
    """

    type: Literal["word_error_rate"]
    higher_is_better: ClassVar[bool] = False

    def build(self, input: Shape, target: Shape) -> Meter:
        import torch
        from torchmetrics.text import WordErrorRate as Counter

        from nnrun.registry.modules.library import Library

        return Library(Counter().set_dtype(torch.float64))
