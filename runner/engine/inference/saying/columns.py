"""The values of a network as columns, in the units and names of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.field import Facts
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.inference.saying.what import ANSWERS, LOGITS, PROBABILITIES, USUAL, What

MANY = 100
"""Most classes that have a column each; of more there is one, of lists."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Saying:
    """How a network says what is asked of it."""

    plan: Plan
    facts: Mapping[str, Facts]
    what: What = USUAL

    def columns(self, values: Mapping[str, Tensor], batch: Batch) -> Columns:
        """An entry for each example, of a value along time a list of one for each real tick. Of judged values those that are there."""
        result: Columns = {}
        for one in self.plan.answering if self.what.is_of_losses else ():
            if one.input in values:
                lengths = batch.lengths[one.input_shape.time].tolist() if one.input_shape.time else None
                result |= by_example(partial(self._said, one), values[one.input].float().cpu(), lengths)
        for name in self.what.values:
            time = self.plan.values[name].time
            lengths = batch.lengths[time].tolist() if time else None
            value = values[name].cpu()
            plain = value.float() if value.is_floating_point() else value
            result |= by_example(partial(_as_it_is, name), plain, lengths)
        return result

    def _said(self, one: Comparison, scores: Tensor) -> Columns:
        """What is asked for of one judged value, (M, *axes)."""
        result: Columns = {}
        if ANSWERS in self.what.words:
            result |= self._answers(one, scores)
        if one.target_shape.kind != "number":
            if PROBABILITIES in self.what.words:
                result |= self._by_class(one, probabilities(scores), "probabilities", "")
            if LOGITS in self.what.words and scores.shape[1:].numel() == 1:
                result[f"{one.answer}_logit"] = scores.reshape(len(scores)).tolist()
            elif LOGITS in self.what.words:
                result |= self._by_class(one, scores, "logits", "_logit")
        return result

    def _answers(self, one: Comparison, scores: Tensor) -> Columns:
        target, name = one.target.partition(".")[0], one.answer
        field, facts = self.plan.fields.get(target), self.facts.get(target, {})
        if one.target_shape.kind != "number":
            result: Columns = {}
            for place, (top, chosen) in enumerate(_ranked(probabilities(scores), self.what.best)):
                ranked = name if place == 0 else f"{name}_{place + 1}"
                result[ranked] = field.decode(chosen.numpy(), facts) if field else chosen.tolist()
                result[f"{ranked}_probability"] = top.tolist()
            return result
        numbers = scores.reshape(len(scores), *one.target_shape.axes)  # type: ignore[arg-type]
        if one.config.logits:  # a probability is in the units of the data already
            return {name: numbers.sigmoid().tolist()}
        return {name: field.decode(numbers.numpy(), facts) if field else numbers.tolist()}

    def _by_class(self, one: Comparison, numbers: Tensor, kind: str, ending: str) -> Columns:
        """A column for each class, or one of lists: numbers (M, K, *axes)."""
        classes = class_names(one, self.facts)
        if classes is None or len(classes) > MANY:
            return {f"{one.answer}_{kind}": numbers.tolist()}
        return {f"{one.answer}_{label}{ending}": numbers[:, place].tolist() for place, label in enumerate(classes)}


def class_names(one: Comparison, facts: Mapping[str, Facts]) -> Sequence[str] | None:
    """The names of the classes that are told apart; None where they have none, as the symbols of a text."""
    names: Sequence[str] | None = facts.get(one.target.partition(".")[0], {}).get("classes")
    return names


def _as_it_is(name: str, values: Tensor) -> Columns:
    """A value of the network under its name."""
    return {name.replace(".", "_"): values.tolist()}


def by_example(said: Callable[[Tensor], Columns], values: Tensor, lengths: Sequence[int] | None) -> Columns:
    """What is said of values (M, …), an entry for each; of such along time, (T, B, …), a list for each example."""
    if lengths is None:
        return said(values)
    columns: Columns = {}
    for example, length in enumerate(lengths):
        for name, ticks in said(values[:length, example]).items():
            columns.setdefault(name, []).append(ticks)
    return columns


def probabilities(scores: Tensor) -> Tensor:
    """Of each class, (M, K, *axes); a single score is that of the second of two classes."""
    if scores.shape[1:].numel() > 1:
        return scores.softmax(1)
    yes = scores.reshape(len(scores), 1).sigmoid()
    return torch.cat([1 - yes, yes], 1)


def _ranked(chances: Tensor, best: int) -> list[tuple[Tensor, Tensor]]:
    """(probability, class) of the likeliest, then of the next, each (M, *axes)."""
    if best == 1:
        top, chosen = chances.max(1)
        return [(top, chosen)]
    found = chances.topk(min(best, chances.shape[1]), 1)
    return list(zip(found.values.unbind(1), found.indices.unbind(1), strict=True))
