"""A trained network answers: columns in, columns of what it predicts out, in the units and names of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.data.tokens import UNKNOWN
from nnrun.registry.field import DataError, Facts, Field, naming
from nnrun.registry.fields.category import OTHER, Category
from nnrun.registry.fields.text import Text
from nnrun.registry.source import Columns
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.checkpoint.model import load
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.columns import ordering
from nnrun.runner.engine.data.sent import examples_of
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.inference.answered import PROMPT, Answers, named
from nnrun.runner.engine.inference.asked import asked
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
        """From a folder of `checkpoint.model.save`, with `path=value` texts applied to its spec. Raises: BrokenCheckpoint, SpecErrors."""
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

    @property
    def holds_lists(self) -> bool:
        """Whether a row may hold a list of texts: names at each tick, or the pictures of a film."""
        windowed = self.plan.spec.data is not None and self.plan.spec.data.window is not None
        timed = [name for name in self.plan.read if self.plan.values[name].time is not None]
        return any(self.plan.fields[name].type_name() != "text" for name in timed) and not windowed

    def predict(self, columns: Columns, batch_size: int = 256) -> dict[str, list[Any]]:
        """The table of what is answered for some columns: the row, one entry for each; a list of them where the network answers at
        every tick. Raises: DataError."""
        return self.ask(columns, batch_size).table()

    def ask(self, columns: Columns, batch_size: int = 256) -> Answers:
        """Answers for rows. A series answers for every window, the last of which ends with the last row. A network with a choice
        generates. Raises: DataError where no row can be answered for."""
        if not self.plan.read:
            if PROMPT not in columns:
                raise DataError(f"the network reads `{PROMPT}`, a text to continue, and no such column was given")
            return self._continued(columns[PROMPT])
        assert self.plan.spec.data is not None
        given = asked(self.plan.spec.data, self._fields, columns, self.facts, self._stride, self.plan.foreseen)
        found: dict[str, list[Any]] = {}
        for part, _ in given.stretches:
            for name, values in self.answers(part, batch_size).items():
                found.setdefault(name, []).extend(values)
        strange = [line for name in self.plan.read if (line := self._strange(name, [part for part, _ in given.stretches])) is not None]
        return Answers([row for _, rows in given.stretches for row in rows], found, given.refused, strange)

    def _strange(self, name: str, parts: Sequence[Part]) -> str | None:
        """How many symbols of a text, or names, have no number of their own: they are all one to the network."""
        field, facts = self.plan.fields[name], self.facts[name]
        if isinstance(field, Text):
            of, what = UNKNOWN, field.tokens if field.tokens in ("words", "characters", "bytes") else "tokens"
        elif isinstance(field, Category) and OTHER in facts["classes"]:
            of, what = facts["classes"].index(OTHER), "names"
        else:
            return None
        values = [part.values[name][part.rows] for part in parts]
        strange = sum(int((value == of).sum()) for value in values)
        total = sum(int(part.lengths[name][part.rows].sum()) if name in part.lengths else len(part.rows) for part in parts)
        return f"`{name}`: {strange:,} of {total:,} {what} have no place of their own in the training part" if strange else None

    @property
    def _fields(self) -> dict[str, Field]:
        return {name: self.plan.fields[name] for name in self.plan.read}

    @property
    def _stride(self) -> int:
        """Ticks from window to window; where something is remembered, it goes on from one to the next as in training."""
        data = self.plan.spec.data
        return data.stride if data is not None and data.window is not None and self.network.memory is not None else 1

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
            for name, column in self.said(self.network(batch, self.plan.answers), batch).items():
                result.setdefault(name, []).extend(column)
        return result

    def said(self, values: Mapping[str, Tensor], batch: Batch) -> dict[str, list[Any]]:
        """What the judged values of a batch say, as far as they are there, as columns."""
        result: dict[str, list[Any]] = {}
        for loss in self.plan.answering:
            if loss.input not in values:
                continue
            lengths = batch.lengths[loss.input_shape.time].tolist() if loss.input_shape.time else None
            result |= self._read(loss, values[loss.input].float().cpu(), lengths)
        return result

    def wrote(self, best: Sequence[Hypothesis]) -> dict[str, list[Any]]:
        """What generated sequences say, as columns."""
        result: dict[str, list[Any]] = {}
        self._add_texts(result, best)
        return result

    def _continued(self, prompts: Sequence[str]) -> Answers:
        assert self.plan.decoding is not None
        settings, found, refused = self.plan.decoding.settings, dict[str, list[Any]](), dict[int, DataError]()
        for row, prompt in enumerate(prompts):
            try:
                begin = self.symbols(prompt, row)
            except DataError as error:
                refused[row] = error
            else:
                self._add_texts(found, generate(self.network, self.batch({}), settings, forced=begin)[0][:1], prompt)
        if refused and not found:
            raise next(iter(refused.values()))
        return Answers([row for row in range(len(prompts)) if row not in refused], found, refused)

    def batch(self, columns: Columns) -> Batch:
        """The rows as one batch; without columns one example, of a network that reads nothing. Raises: DataError."""
        assert self.plan.spec.data is not None
        if not self.plan.read:
            return Batch({}, {}, 1)
        part, _ = examples_of(self.plan.spec.data, self._fields, columns, self.facts, self._stride, self.plan.foreseen)
        return part.batch(part.rows)

    def symbols(self, text: str, row: int | None = None) -> Tensor:
        """The symbols that a generated sequence begins with if it begins with this text, of that row. Raises: DataError."""
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        field = self.plan.fields[target].model_copy(update={"end": False})
        with naming("the prompt") if row is None else naming(PROMPT, [row]):
            return torch.from_numpy(field.encode([text], self.facts[target]).values[0])

    def text_of(self, hypothesis: Hypothesis, prompt: str | None = None) -> str:
        """What a generated sequence says, the prompt that it begins with in its own words."""
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        field, facts = self.plan.fields[target], self.facts[target]
        assert isinstance(field, Text)
        given = len(self.symbols(prompt)) if prompt is not None else 0
        return field.continued(prompt or "", hypothesis.symbols[given:], facts)

    def _add_texts(self, result: dict[str, list[Any]], best: Sequence[Hypothesis], prompt: str | None = None) -> None:
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        result.setdefault(target, []).extend(self.text_of(hypothesis, prompt) for hypothesis in best)
        result.setdefault(f"{target}_score", []).extend(hypothesis.score for hypothesis in best)

    def truth(self, part: Part) -> dict[str, list[Any]]:
        """What the predictions should have been, under the same names, for targets that are fields."""
        result: dict[str, list[Any]] = {}
        for loss in self.plan.answering:
            field = loss.target.partition(".")[0]
            if field not in self.plan.fields:
                continue
            values = part.values[loss.target][part.rows]
            decode, facts = self.plan.fields[field].decode, self.facts[field]
            if self.plan.decoding is not None and field == self.plan.decoding.target:
                result[field] = Told(field, self.plan.fields, self.facts).raw(part, part.rows)
                continue
            if loss.target_shape.time is None:
                true = decode(values.numpy(), facts)
            else:
                lengths = part.lengths[loss.target_shape.time][part.rows].tolist()
                true = [decode(row[:length].numpy(), facts) for row, length in zip(values, lengths, strict=True)]
            given = part.given(loss.target)
            result[named(loss)] = true if given is None else _where(true, given[part.rows].tolist())
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
        if loss.target_shape.kind != "number":
            top, chosen = probabilities(scores).max(1)
            return {name: field.decode(chosen.numpy(), facts) if field else chosen.tolist(), f"{name}_probability": top.tolist()}
        numbers = scores.reshape(len(scores), *loss.target_shape.axes)  # type: ignore[arg-type]
        if loss.config.logits:  # a probability is in the units of the data already
            return {name: numbers.sigmoid().tolist()}
        return {name: field.decode(numbers.numpy(), facts) if field else numbers.tolist()}


def _where(values: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """What was given, also within lists; None in the place of the rest."""
    return [
        _where(value, there) if isinstance(there, list) else value if there else None for value, there in zip(values, given, strict=False)
    ]


def probabilities(scores: Tensor) -> Tensor:
    """Of each class, (M, K, *axes); a single score is that of the second of two classes."""
    if scores.shape[1:].numel() > 1:
        return scores.softmax(1)
    yes = scores.reshape(len(scores), 1).sigmoid()
    return torch.cat([1 - yes, yes], 1)
