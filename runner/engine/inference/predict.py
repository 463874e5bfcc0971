"""A trained network answers: columns in, columns of what it predicts out, in the units and names of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.field import Facts, naming
from nnrun.registry.fields.text import Text
from nnrun.registry.objective import Loss
from nnrun.registry.source import Columns
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.checkpoint import load
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.dataset import encode, ordering
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.inference.answered import PROMPT, answering, named
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.inference.recollect import recollect
from nnrun.runner.engine.inference.search import Hypothesis
from nnrun.runner.engine.network.network import Network


class Predictor:
    """A network with all that is needed to use it."""

    def __init__(self, network: Network, plan: Plan, facts: Mapping[str, Facts]) -> None:
        self.network, self.plan, self.facts = network.eval(), plan, facts

    @staticmethod
    def load(folder: Path, settings: Sequence[str] = ()) -> Predictor:
        """From a folder that `checkpoint.save` wrote, with `path=value` texts applied to its spec. Raises: BrokenCheckpoint, SpecErrors."""
        saved = load(folder, settings)
        return Predictor(saved.network, saved.plan, saved.facts)

    @property
    def columns(self) -> list[str]:
        """What must be given: a text to continue, where the network reads nothing else."""
        if not self.plan.read:
            return [PROMPT]
        assert self.plan.spec.data is not None
        read = (column for name in self.plan.read for column in self.plan.fields[name].reads(name))
        return list(dict.fromkeys([*read, *ordering(self.plan.spec.data)]))

    def predict(self, columns: Columns, batch_size: int = 256) -> dict[str, list[Any]]:
        """One entry a row; a list of them where the network answers at every tick.

        A series answers for every window, the last of which ends with the last row. A network with a choice generates.
        Raises: DataError.
        """
        if not self.plan.read:
            return self._continued(columns[PROMPT])
        return self.answers(self.examples(columns), batch_size)

    def examples(self, columns: Columns) -> Part:
        """The rows as examples: of a series a window for each row that it can end with. Raises: DataError."""
        data = self.plan.spec.data
        assert data is not None
        fields = {name: self.plan.fields[name] for name in self.plan.read}
        stride = data.stride if self.network.memory is not None else 1  # what is remembered goes on from window to window
        return encode(data, fields, columns, self.facts, stride)

    @torch.inference_mode()
    def answers(self, part: Part, batch_size: int = 256) -> dict[str, list[Any]]:
        """Predictions for the examples of a part, in their order."""
        if not self.plan.losses:
            return recollect(self.network, part, batch_size)
        device = next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))
        result: dict[str, list[Any]] = {}
        self.network.eval()
        if self.network.memory is not None:  # one stream, window by window
            self.network.memory.forget()
            batch_size = 1
        for rows in torch.split(part.rows, batch_size):
            batch = part.batch(rows).to(device)
            if self.plan.decoding is not None:
                found = generate(self.network, batch, self.plan.decoding.settings)
                self._add_texts(result, [hypotheses[0] for hypotheses in found])
                continue
            values = self.network(batch, self.plan.answers)
            for loss in answering(self.plan):
                lengths = batch.lengths[loss.input_shape.time].tolist() if loss.input_shape.time else None
                for name, column in self._read(loss, values[loss.input].float().cpu(), lengths).items():
                    result.setdefault(name, []).extend(column)
        return result

    def _continued(self, prompts: Sequence[str]) -> dict[str, list[Any]]:
        assert self.plan.decoding is not None
        settings, result = self.plan.decoding.settings, dict[str, list[Any]]()
        for prompt in prompts:
            (found,) = generate(self.network, self.batch({}), settings, forced=self.symbols(prompt))
            self._add_texts(result, found[:1], prompt)
        return result

    def batch(self, columns: Columns) -> Batch:
        """The rows as one batch; without columns one example, of a network that reads nothing. Raises: DataError."""
        assert self.plan.spec.data is not None
        if not self.plan.read:
            return Batch({}, {}, 1)
        part = self.examples(columns)
        return part.batch(part.rows)

    def symbols(self, text: str | None) -> Tensor | None:
        """The symbols that a generated sequence begins with if it begins with this text. Raises: DataError."""
        if text is None:
            return None
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        field = self.plan.fields[target].model_copy(update={"end": False})
        with naming("the prompt"):
            return torch.from_numpy(field.encode([text], self.facts[target]).values[0])

    def text_of(self, hypothesis: Hypothesis, prompt: str | None = None) -> str:
        """What a generated sequence says, the prompt that it begins with in its own words."""
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        field, facts = self.plan.fields[target], self.facts[target]
        assert isinstance(field, Text)
        given = self.symbols(prompt)
        return field.continued(prompt or "", hypothesis.symbols[0 if given is None else len(given) :], facts)

    def _add_texts(self, result: dict[str, list[Any]], best: Sequence[Hypothesis], prompt: str | None = None) -> None:
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        result.setdefault(target, []).extend(self.text_of(hypothesis, prompt) for hypothesis in best)
        result.setdefault(f"{target}_score", []).extend(hypothesis.score for hypothesis in best)

    def truth(self, part: Part) -> dict[str, list[Any]]:
        """What the predictions should have been, under the same names, for targets that are fields."""
        result: dict[str, list[Any]] = {}
        for loss in answering(self.plan):
            field = loss.target.partition(".")[0]
            if field not in self.plan.fields:
                continue
            values = part.values[loss.target][part.rows]
            decode, facts = self.plan.fields[field].decode, self.facts[field]
            if self.plan.decoding is not None and field == self.plan.decoding.target:
                result[field] = Told(field, self.plan.fields, self.facts).raw(part, part.rows)
            elif loss.target_shape.time is None:
                result[named(loss)] = decode(values.numpy(), facts)
            else:
                lengths = part.lengths[loss.target_shape.time][part.rows].tolist()
                result[named(loss)] = [decode(row[:length].numpy(), facts) for row, length in zip(values, lengths, strict=True)]
        return result

    def _read(self, loss: Comparison, scores: Tensor, lengths: list[int] | None) -> dict[str, list[Any]]:
        """The columns that one judged value gives for a batch."""
        if lengths is None:
            return self._decoded(loss, scores)
        columns: dict[str, list[Any]] = {}
        for example, length in enumerate(lengths):
            for name, ticks in self._decoded(loss, scores[:length, example]).items():
                columns.setdefault(name, []).append(ticks)
        return columns

    def _decoded(self, loss: Comparison, scores: Tensor) -> dict[str, list[Any]]:
        target, name = loss.target.partition(".")[0], named(loss)
        field, facts = self.plan.fields.get(target), self.facts.get(target, {})
        assert isinstance(loss.config, Loss)
        if loss.target_shape.kind != "number":
            top, chosen = _probabilities(scores).max(1)
            return {name: field.decode(chosen.numpy(), facts) if field else chosen.tolist(), f"{name}_probability": top.tolist()}
        numbers = scores.reshape(len(scores), *loss.target_shape.axes)  # type: ignore[arg-type]
        if loss.config.logits:  # a probability is in the units of the data already
            return {name: numbers.sigmoid().tolist()}
        return {name: field.decode(numbers.numpy(), facts) if field else numbers.tolist()}


def _probabilities(scores: Tensor) -> Tensor:
    """Of each class, (M, K, *axes); a single score is that of the second of two classes."""
    if scores.shape[1:].numel() > 1:
        return scores.softmax(1)
    yes = scores.reshape(len(scores), 1).sigmoid()
    return torch.cat([1 - yes, yes], 1)
