"""What the metrics of classes have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.comparison import Task, task_of
from nnrun.registry.field import DataError, Facts
from nnrun.registry.objective import Metric
from nnrun.registry.options import Portion
from nnrun.registry.shape import InputError, Shape, ShapeError, known

if TYPE_CHECKING:
    from torch import Tensor

    from nnrun.registry.modules.meters import Meter

ACCEPTED = "`accuracy`, `top_k_accuracy`, `log_loss` and `perplexity` judge tokens"


NO_WORD = re.compile(r"\W+")
"""What a class may be called by, and a figure may not."""


class Classification(Metric):
    """Base of the metrics that read scores: (K), one for each class, or one score for two classes."""

    multilabel: ClassVar[bool] = True
    """Whether many yes-or-no scores can be judged too."""
    tokens: ClassVar[bool] = False
    """Whether tokens can be judged too: not where the meter is as large as the square of the vocabulary."""

    def check(self, input: Shape, target: Shape) -> None:
        if target.kind == "token" and not self.tokens:
            raise InputError("a category as its target", position=1, help=ACCEPTED)
        if task_of(input, target, self.target) == "multilabel" and not self.multilabel:
            raise InputError(
                "a category, or a single 0 or 1, as its target", position=1, help="`accuracy`, `f1` and `auroc` judge many labels"
            )

    def task(self, input: Shape, target: Shape) -> Task:
        """How the scores are read, once `check` has let them pass."""
        return task_of(input, target, self.target)

    def classes(self, input: Shape, target: Shape) -> int:
        """How many classes there are."""
        return 2 if self.task(input, target) == "binary" else known(input.axes[0])


class Choosing(Classification):
    """Base of the metrics that look only at the class with the best score."""

    logits: ClassVar[bool] = True

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.scores import chosen

        return chosen(input, target, facts)


class Counting(Choosing):
    """Base of the metrics that are counted for each class and then averaged."""

    average: Literal["macro", "micro", "weighted"] | None = None
    """How the figures of the classes become one. `macro`: their mean, all classes alike. `weighted`: their mean, by how
    often each occurs. `micro`: counted over all examples at once. Where left out: with two classes the figure of the
    second class alone (scikit-learn's `binary`), with more classes or many labels `macro`."""

    of: str | None = None
    """The figure of one class or label alone, by its name, logged as `f1_NAME`; labels have the names of their `columns`."""

    threshold: Portion | None = None
    """The probability above which the answer is yes: of one score, of each of many labels, of the second of two classes, or of the class
    `of`. Where left out, the best score decides, which for one score is 0.5."""

    @model_validator(mode="after")
    def _one_or_all(self) -> Counting:
        if self.of is not None and self.average is not None:
            raise PydanticCustomError("conflict", "either `of`, one class, or `average`, all of them", {"given": "both", "option": "of"})
        return self

    @property
    def label(self) -> str:
        if self.name is None and self.of is not None:
            return f"{self.type_name()}_{NO_WORD.sub('_', self.of)}"
        return super().label

    def check(self, input: Shape, target: Shape) -> None:
        super().check(input, target)
        if self.threshold is not None and self.of is None and self.task(input, target) != "multilabel" and self.classes(input, target) > 2:
            message = f"`threshold` decides between yes and no, and there are {target.classes} classes"
            raise ShapeError(message, field="threshold", help="`of: NAME` judges one of them against the rest")

    def prepare(self, input: Tensor, target: Tensor, facts: Facts) -> tuple[Tensor, Tensor]:
        from nnrun.registry.modules.scores import probabilities

        place = None if self.of is None else self._place(facts)
        if self.threshold is None:
            guess, truth = super().prepare(input, target, facts)
        else:
            chances, truth = probabilities(input, target, facts)
            guess = (chances > self.threshold).long()
            if truth.ndim == 1:
                place = 1 if place is None else place
                return guess[:, place], (truth == place).long()
        if place is None:
            return guess, truth
        return (guess[:, place], truth[:, place]) if truth.ndim > 1 else ((guess == place).long(), (truth == place).long())

    def _place(self, facts: Facts) -> int:
        """The number of the one class. Raises: DataError."""
        names = list(facts.get("classes") or facts.get("columns") or ())
        if self.of not in names:
            raise DataError(
                f"`{self.of}` is none of its classes", f"there are {', '.join(f'`{name}`' for name in names) or 'none with names'}"
            )
        return names.index(self.of)

    def build(self, input: Shape, target: Shape) -> Meter:
        from nnrun.registry.modules import counts

        if self.of is not None:
            return counts.PerClass(getattr(counts, self.type_name()), 2, "second")
        judge, labels = getattr(counts, self.type_name()), self.task(input, target) == "multilabel"
        if labels:
            return counts.PerClass(judge, known(target.size), self.average or "macro", labels)
        classes = self.classes(input, target)
        return counts.PerClass(judge, classes, self.average or ("second" if classes == 2 else "macro"))
