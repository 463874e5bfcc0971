"""How well tags mark spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.comparison import check_class_scores
from nnrun.registry.field import DataError, Facts
from nnrun.registry.objective import TickMetric
from nnrun.registry.shape import InputError, Shape

if TYPE_CHECKING:
    from torch import Tensor

    from nnrun.registry.modules.meters import Meter


@register
class EntityF1(TickMetric):
    """F1 of the spans that tags mark: one counts as found where its first tick, its last tick and its kind are right.

    Tags are names as `B-city`, which begins a span, `I-city`, which goes on with it, and `O`, which is in none. An `I-` begins a span
    too where none of its kind goes on, so that sequences which the scheme does not allow have spans all the same. Of tags without
    such prefixes each run of equal ones is a span. All spans count alike (micro); 0 where there is none.

    Shape: (K), a score for each class, against a category, at each tick.
    Raises: ShapeError if the scores are not as many as the classes; DataError if some tags have a prefix and others have none.
    Source: Tjong Kim Sang and De Meulder 2003, Introduction to the CoNLL-2003 shared task; the script conlleval, and seqeval.
    """

    type: Literal["entity_f1"]
    logits: ClassVar[bool] = True

    def check(self, input: Shape, target: Shape) -> None:
        if target.kind != "category" or target.axes:
            raise InputError("a category as its target, a tag at each tick", position=1, help="`accuracy` judges tokens, `rmse` numbers")
        check_class_scores(input, target, self.target)

    def prepare(self, input: Tensor, target: Tensor, facts: Facts, first: Tensor | None = None) -> tuple[Tensor, Tensor]:
        import torch

        from nnrun.registry.modules import spans

        try:
            begins, kinds = (torch.tensor(held, device=target.device) for held in spans.read(facts["classes"]))
        except ValueError as error:
            what = f"the tag `{error}` has no prefix, where others begin with `B-` or `I-`"
            raise DataError(what, "give all tags but `O` a prefix, or none of them") from None
        if first is None:
            first = torch.arange(len(target), device=target.device) == 0
        guess, truth = (spans.spans(begins[tags], kinds[tags], first) for tags in (input.argmax(1), target))
        return guess, truth

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules.counts import f1
        from nnrun.registry.modules.spans import Spans

        return Spans(f1)
