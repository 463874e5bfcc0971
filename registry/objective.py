"""What losses and metrics owe: which values they compare, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field as Option

from nnrun.registry.component import Component
from nnrun.registry.field import Facts
from nnrun.registry.options import NAME, Positive
from nnrun.registry.shape import InputError, Shape

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nnrun.registry.modules.meters import Meter

REFERENCE = r"^[a-z][a-z0-9_/]*(\.[a-z][a-z0-9_]*)?$"

Reference = Annotated[str, Option(pattern=REFERENCE)]
"""Name of a value: `node`, `node.port`, `field` or `field.next`."""


class Loss(Component):
    """Base of all losses."""

    role: ClassVar[str] = "loss"
    logits: ClassVar[bool] = False
    """The input is scores, which a softmax or sigmoid makes probabilities of."""
    numbers: ClassVar[bool] = False
    """The input learns to be the target's numbers themselves."""
    whole: ClassVar[bool] = False
    """Judges a whole sequence by another one that lies along a time axis of its own, not tick by tick."""

    input: Reference
    """The value that is judged: scores, not probabilities, where classes are predicted."""
    name: Annotated[str, Option(pattern=NAME)] | None = None
    """How it is logged where a spec has several losses: `valid/loss_name`; the type's name where left out, and that of the input too where
    two have the same."""
    weight: Positive = 1.0
    """Factor, where a spec has several losses; they are added."""
    example_weights: Annotated[str, Option(pattern=NAME)] | None = None
    """The field of type `weight` that says how much each example counts, or each tick of it: the loss is the weighted mean, in every part.
    Metrics count all alike."""

    def check(self, input: Shape, target: Shape) -> None:
        """Both as one tick. Raises: ShapeError, or InputError with position 0 for the input, 1 for the target."""
        raise NotImplementedError

    @property
    def ending(self) -> str:
        """What stands behind the target's name in the name of the answer, where several losses of one target teach several answers."""
        return ""

    def missed(self, function: str, target: Shape) -> str | None:
        """What the loss can never see, as its input comes out of a function that does not give every number; None if that is no loss."""
        return None

    def build(self, input: Shape, target: Shape, facts: Facts) -> nn.Module:
        """A module: (input (M, *axes), target (M, *axes)) -> (sum of losses, sum of weights), both scalars.

        M counts examples, or real ticks. `facts` are those of the target's field. What else it owes, `modules/losses.py` says. One that
        judges `whole` sequences takes two `Sequences` of `modules/ctc.py`, and its M counts examples.
        """
        raise NotImplementedError


class TargetLoss(Loss):
    """Base of the losses that compare with a target."""

    target: Reference
    """What it should have been."""


class Metric(Component):
    """Base of all metrics."""

    role: ClassVar[str] = "metric"
    higher_is_better: ClassVar[bool] = True
    logits: ClassVar[bool] = False
    """Of the input it takes which class is meant: by scores, as losses of classes teach them."""

    input: Reference | None = None
    """The value that is judged; the first loss's where left out."""
    target: Reference | None = None
    """What it should have been; the first loss's where left out."""
    name: Annotated[str, Option(pattern=NAME)] | None = None
    """How it is logged, behind `train/`, `valid/` and `test/`; the type's name where left out."""

    @property
    def label(self) -> str:
        """The name under which it is logged."""
        return self.name or self.type_name()

    def check(self, input: Shape, target: Shape) -> None:
        """Both as one tick. Raises: ShapeError."""
        raise NotImplementedError

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        """What the meter takes: from (M, *axes) of the network and of the data."""
        return input, target

    def build(self, input: Shape, target: Shape) -> Meter:
        """A meter that gathers prepared values over batches."""
        raise NotImplementedError


class TickMetric(Metric):
    """Base of the metrics that judge the ticks of an example together, in their order; what they compare has a time axis."""

    def prepare(self, input: Tensor, target: Tensor, facts: Facts, first: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The ticks come example by example; `first` (M,) is true at the first one of each. Where left out, all are one example's."""
        raise NotImplementedError


class SequenceMetric(Metric):
    """Base of the metrics that judge whole texts that a network has written, not the scores it wrote them by.

    The meter's `update` takes two lists of texts: those written, as the target's field decodes them, and the true ones, which no
    vocabulary and no greatest length has touched.
    """

    def check(self, input: Shape, target: Shape) -> None:
        if target.kind != "token":
            raise InputError("a text as its target", position=1, help="`accuracy` judges categories, `rmse` numbers")
        if input.kind != "token":
            raise InputError("tokens that were chosen", help="name the node that makes symbols of the scores")
