"""What a network is asked to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nnrun.registry.field import DataError
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.words import listed, repair

ANSWERS, PROBABILITIES, LOGITS = "answers", "probabilities", "logits"


@dataclass(frozen=True)
class What:
    """The answers alone, unless more or other is wanted."""

    words: tuple[str, ...] = (ANSWERS,)
    """`answers`, `probabilities` or `logits` of classes, or values of the network: `node`, `node.port`."""
    best: int = 1
    """How many answers where one is chosen of several: the likeliest classes, or the best texts."""

    @staticmethod
    def of(words: Sequence[str], best: int, plan: Plan) -> What:
        """Nothing said is the answers. Raises: DataError for what this network cannot say."""
        what = What(tuple(dict.fromkeys(words)) or (ANSWERS,), best)
        for word in what.values:
            if word not in plan.values or word.partition(".")[0] in plan.fields:
                names = [name for name in plan.values if name.partition(".")[0] not in plan.fields]
                raise DataError(f"the network has no value `{word}`", repair(word, [ANSWERS, PROBABILITIES, LOGITS, *names], "value"))
            if plan.decoding is not None and plan.decoding.choice in plan.behind([word]):
                raise DataError(f"`{word}` is made symbol by symbol while the network writes", "`answers` are what it wrote")
        of_classes = [one for one in plan.answering if one.target_shape.kind != "number"] if plan.decoding is None else []
        for word in (PROBABILITIES, LOGITS):
            if word in what.words and not of_classes:
                raise DataError(f"`{word}` are of classes, and the network answers with none", "name a value of the network, or `answers`")
        if best > 1 and plan.decoding is None and not of_classes:
            raise DataError(f"the {best} best are of classes or texts, and the network answers with neither", "leave `best` out")
        if ANSWERS not in what.words and best > 1:
            raise DataError(f"the {best} best are answers, and {listed(what.words)} alone is asked for", "add `answers`")
        return what

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the network that are named."""
        return tuple(word for word in self.words if word not in (ANSWERS, PROBABILITIES, LOGITS))

    @property
    def is_of_losses(self) -> bool:
        """Whether what losses judge is asked for, in any form."""
        return len(self.values) < len(self.words)

    def needs(self, plan: Plan) -> tuple[str, ...]:
        """The values that are computed to say it; what is written symbol by symbol is not among them."""
        judged = plan.answers if self.is_of_losses and plan.decoding is None else ()
        return tuple(dict.fromkeys((*judged, *self.values)))


USUAL = What()
"""The answers."""
