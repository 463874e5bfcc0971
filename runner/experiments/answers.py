"""What a run has answered, and its figures computed again from that, for any of the examples."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

KEPT = "predictions.parquet"
TRUE = "true_"
CLOSE = 2e-3
"""How far a figure computed again may be off the recorded one, as a share."""

Array = np.ndarray[Any, Any]
Figure = Callable[[Array], float]
"""The figure of some examples, by their places."""


@dataclass(frozen=True)
class Answers:
    """The columns of `predictions.parquet`, and what it says of them."""

    columns: Mapping[str, Any]
    about: Mapping[str, Any]

    @staticmethod
    def read(path: Path) -> Answers:
        from pyarrow import parquet

        table = parquet.read_table(path)
        return Answers({name: table[name] for name in table.column_names}, json.loads((table.schema.metadata or {}).get(b"nnrun", b"{}")))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def names(self) -> list[str]:
        """The answers that have a truth beside them."""
        return [name for name in self.about.get("answers", {}) if f"{TRUE}{name}" in self.columns]

    @cached_property
    def truth(self) -> dict[str, list[Any]]:
        return {name: self.columns[f"{TRUE}{name}"].to_pylist() for name in self.names}

    @cached_property
    def answers(self) -> dict[str, list[Any]]:
        return {name: self.columns[name].to_pylist() for name in self.names if name in self.columns}

    def same_examples(self, other: Answers) -> bool:
        """Whether both answered the same questions: the same rows with the same truth."""
        rows = all(self.columns[name].equals(other.columns[name]) for name in ("row",) if name in self.columns and name in other.columns)
        return len(self) == len(other) and rows and self.truth == other.truth

    def differing(self, other: Answers) -> int:
        """On how many examples the answers differ."""
        pairs = (zip(self.answers[name], other.answers[name], strict=True) for name in self.answers if name in other.answers)
        return int(np.any([[one != two for one, two in pair] for pair in pairs], axis=0).sum()) if self.answers else 0

    def right(self, label: str) -> Array | None:
        """Which examples are right, where the figure is the share of those; else None."""
        metric = self._metric(label)
        if metric is None or metric["type"] not in ("accuracy", "exact_match"):
            return None
        known = self.about["answers"][metric["answer"]]
        if self._lacks_truth(metric["answer"]):
            return None
        if known["ticks"] or (known["kind"] == "text") != (metric["type"] == "exact_match") or known["kind"] == "number":
            return None
        return np.array([one == two for one, two in zip(self.truth[metric["answer"]], self.answers[metric["answer"]], strict=True)])

    def figure(self, label: str, recorded: float | None = None) -> Figure | None:
        """How a figure is computed from what is kept; None where it cannot be, or is not what was recorded."""
        found = self._figure(label)
        if found is not None and recorded is not None:
            again = found(np.arange(len(self)))
            if not math.isclose(again, recorded, rel_tol=CLOSE, abs_tol=1e-6):
                return None
        return found

    def _figure(self, label: str) -> Figure | None:
        from nnrun.runner.experiments.scores import MEANS, SCORES  # scikit-learn takes a second

        metric = self._metric(label)
        if (label == "loss" or (metric is not None and metric["type"] in MEANS)) and "loss" in self.columns:
            losses, weights = (self.columns[name].to_numpy() for name in ("loss", "weight"))
            last = MEANS[metric["type"]] if metric is not None and label != "loss" else float
            return lambda places: last(float(np.average(losses[places], weights=weights[places])))
        if metric is None or metric["type"] not in SCORES or metric["answer"] not in self.answers or self._lacks_truth(metric["answer"]):
            return None
        values = _Values.of(self, metric)
        if values is None:
            return None
        score = partial(SCORES[metric["type"]], {**metric, "classes": values.classes})
        return lambda places: float(score(*values.take(places)))

    def _lacks_truth(self, name: str) -> bool:
        """Whether some examples, or some of their ticks, have no truth."""
        return any(true is None or (isinstance(true, list) and None in true) for true in self.truth[name])

    def _metric(self, label: str) -> Mapping[str, Any] | None:
        return next((metric for metric in self.about.get("metrics", ()) if metric["label"] == label), None)


@dataclass(frozen=True)
class _Values:
    """Truth, answer and probabilities of one metric; where an example has ticks, all of them after each other, and where its own are."""

    truth: Array
    answer: Array
    chances: Array | None
    places: list[Array] | None
    classes: int = 0

    @staticmethod
    def of(answers: Answers, metric: Mapping[str, Any]) -> _Values | None:
        from nnrun.runner.experiments.scores import CLASSES

        if "threshold" in metric:  # of labels only the answers are kept
            return None
        name = metric["answer"]
        known, truth, answer = answers.about["answers"][name], answers.truth[name], answers.answers[name]
        places = None
        if known["ticks"]:
            ends = np.cumsum([len(row) for row in truth])
            places = [np.arange(end - len(row), end) for end, row in zip(ends.tolist(), truth, strict=True)]
            truth, answer = ([tick for row in column for tick in row] for column in (truth, answer))
        if known["kind"] == "category" and not isinstance(truth[0], list):
            number = {name: place for place, name in enumerate(known["classes"])}
            held = answers.columns.get(f"{name}_probabilities")
            chances = np.array(held.to_pylist()) if held is not None else None
            true, said = (np.array([number[one] for one in column]) for column in (truth, answer))
            if "of" in metric:  # one class against the rest
                return _Values(true == number[metric["of"]], said == number[metric["of"]], None, places, 2)
            return _Values(true, said, chances, places, len(number))
        if known["kind"] == "text":
            return _Values(np.array(truth, dtype=object), np.array(answer, dtype=object), None, places)
        if known["kind"] == "number":
            if "of" in metric:
                return None
            true, said = np.array(truth, dtype=float), np.array(answer, dtype=float)
            said = said.reshape(true.shape)
            if metric["type"] in CLASSES:  # yes or no, as portions
                return _Values(true > 0.5, said > 0.5, None, places, 2)
            if metric.get("units") == "normalized" and "scale" in known:
                scale = np.asarray(known["scale"])
                true, said = (one / scale.reshape(scale.shape + (1,) * (one.ndim - 1 - scale.ndim)) for one in (true, said))
            return _Values(true.reshape(len(true), -1), said.reshape(len(said), -1), None, places)
        return None

    def take(self, places: Array) -> tuple[Array, Array, Array | None]:
        if self.places is not None:
            places = np.concatenate([self.places[place] for place in places])
        return self.truth[places], self.answer[places], None if self.chances is None else self.chances[places]
