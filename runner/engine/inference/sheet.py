"""The answers of a network for a part beside the truth, written down while they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from nnrun.registry.data.columns import from_arrow
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.inference import arrow
from nnrun.runner.engine.inference.answered import ROW, free
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.saying.columns import MANY, probabilities
from nnrun.runner.engine.inference.search import Hypothesis

if TYPE_CHECKING:
    from pyarrow import Table

TRUE = "true_"
"""Before the name of an answer: what it should have been."""

CHANCES = "_probabilities"
"""Behind the name of an answer: the probabilities of all classes."""

LOSS, WEIGHT = "loss", "weight"
PLACE = "place in the part"
"""By which the batches are put in order; not kept."""


class Sheet:
    """What is answered for the examples of a part, batch by batch; as Arrow columns it takes about as much memory as the part's targets.

    Columns: the row of the data, counted from 1; for each answer the truth, the answer, and of classes the probability of the answer
    and, of up to a hundred, those of all; where there is one loss, the mean loss of each example and what it weighs.
    """

    def __init__(self, predictor: Predictor, part: Part) -> None:
        self.predictor, self.plan, self.part = predictor, predictor.plan, part
        self._answers: list[Table] = []
        self._written: list[Table] = []
        self._losses: list[Table] = []

    def add(self, rows: Tensor, values: Mapping[str, Tensor], batch: Batch, losses: tuple[Tensor, Tensor] | None = None) -> None:
        """Write down what the network says of a batch; `losses` are (sum, weight) of each example. What it generates, `write` does."""
        if losses is not None:
            total, weight = (one.double().cpu().numpy() for one in losses)
            mean = np.divide(total, weight, out=np.zeros_like(total), where=weight != 0)
            self._losses.append(arrow.table({PLACE: rows.numpy(), LOSS: mean, WEIGHT: weight}))
        if self.plan.decoding is None:
            self._answers.append(self._table(rows, {**self.predictor.said(values, batch), **self._chances(values)}))

    def write(self, rows: Tensor, best: Sequence[Hypothesis]) -> None:
        """Write down the texts that were generated for a batch."""
        self._written.append(self._table(rows, self.predictor.wrote([[one] for one in best])))

    def table(self) -> Table:
        """All of it, in the order of the rows. What no evaluation has made is made now."""
        tables = self._written if self.plan.decoding is not None else self._answers
        if not tables:  # a network that reads nothing has nothing to answer: it writes what it likes
            tables = [self._table(self.part.rows, self.predictor.answers(self.part) if self.plan.read else {})]
        table = _in_order(tables)
        for name in (LOSS, WEIGHT) if self._losses else ():
            table = table.append_column(name, _in_order(self._losses)[name])
        return table

    def _table(self, rows: Tensor, columns: Mapping[str, Any]) -> Table:
        truth = {f"{TRUE}{name}": column for name, column in self.predictor.truth(replace(self.part, rows=rows)).items()}
        places = rows if self.part.ends is None else self.part.ends[rows]
        row = free(ROW, (*truth, *columns))
        return arrow.table({PLACE: rows.numpy(), row: places.numpy() + 1, **truth, **columns})

    def _chances(self, values: Mapping[str, Tensor]) -> dict[str, Any]:
        """The probabilities of all classes, a list for each example."""
        found = {}
        for loss in self.plan.answering:
            shape, scores = loss.target_shape, values[loss.input]
            if shape.kind == "category" and shape.time is None and not shape.axes and scores.shape[1:].numel() <= MANY:
                found[f"{loss.answer}{CHANCES}"] = list(probabilities(scores.float().cpu()).numpy())
        return found


def _in_order(tables: Sequence[Table]) -> Table:
    import pyarrow

    table = pyarrow.concat_tables(tables, promote_options="permissive")
    places = from_arrow(table[PLACE])
    table = table.drop_columns(PLACE)
    return table if np.all(places[1:] > places[:-1]) else table.take(arrow.column(np.argsort(places)))
