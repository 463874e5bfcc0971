"""`sweep`: which settings are searched, and how."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.options import LARGEST, Amount, Count, Many
from nnrun.runner.compiler.language.model import Model
from nnrun.runner.compiler.text.words import written


def _figure(value: Any) -> str:
    if isinstance(value, str) and value.startswith("test/"):
        what = "a figure such as `valid/accuracy`: the test part only says how good the best one is"
        raise PydanticCustomError("wrong_type", what, {"help": f"write `valid/{value.removeprefix('test/')}`"})
    if not isinstance(value, str) or re.fullmatch("(valid|train)/[a-z][a-z0-9_]*", value) is None:
        raise PydanticCustomError("wrong_type", "the name of a figure, such as `valid/accuracy`")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= LARGEST


def _number(value: Any) -> Any:
    if not _is_number(value) or value <= 0:
        raise PydanticCustomError("wrong_type", "a number above 0")
    return value


def _ends(above: float | None = None) -> Any:
    def validate(value: Any) -> tuple[Any, Any]:
        if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_number, value)) or not value[0] < value[1]:
            raise PydanticCustomError("wrong_type", "two numbers, the lower one first", {"given": written(value)})
        if above is not None and value[0] <= above:
            raise PydanticCustomError("wrong_type", f"two numbers above {above:g}", {"given": written(value)})
        return tuple(value)

    return BeforeValidator(validate)


_PAIR = WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})

Figure = Annotated[str, BeforeValidator(_figure)]


def _some(value: Any) -> Any:
    if value == {}:
        raise PydanticCustomError("wrong_type", "at least one path with values, as `train.optimizer.lr: [0.01, 0.1]`", {"given": "none"})
    return value


class Search(Model):
    """How a sweep finds the next settings to try."""

    type: Literal["tpe", "random", "grid"] = "tpe"
    """`tpe`: near those that did well. `random`: by chance. `grid`: all that there are, in order."""
    trials: Count | None = None
    """How many settings are tried: 20 where left out, and of a `grid` all."""
    seed: Amount = 0
    """Another seed tries other settings."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value


_CHOICES = "a list of values, or `{log: [LOW, HIGH]}` or `{range: [LOW, HIGH]}`"


def _of_ends(value: dict[str, Any]) -> str | None:
    """The range that is meant where its two ends are named, as other libraries do; None where they are not."""
    ends = [next((value[name] for name in names if name in value), None) for names in (("min", "low", "from"), ("max", "high", "to"))]
    if not all(map(_is_number, ends)):
        return None
    is_log = value.get("log") is True or any("log" in str(value.get(name)) for name in ("distribution", "scale", "type"))
    step = f", step: {value['step']}" if "step" in value and not is_log else ""
    return f"{{{'log' if is_log else 'range'}: {written(ends)}{step}}}"


class Choices(Model):
    """The values that a setting may take: a list, or the two ends of a range. Between whole numbers only whole numbers are tried."""

    values: Many[Any] | None = None
    """The values, one by one. A list alone is short for this."""
    log: Annotated[tuple[Any, Any] | None, _ends(above=0), _PAIR] = None
    """The ends of a range of which each doubling is as likely, for learning rates and widths."""
    range: Annotated[tuple[Any, Any] | None, _ends(), _PAIR] = None
    """The ends of a range of which each stretch is as likely."""
    step: Annotated[Any, BeforeValidator(_number), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})] = None
    """Distance of two values of a `range`, from its lower end on."""

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if isinstance(value, list):
            return {"values": value}
        if not isinstance(value, dict):
            raise PydanticCustomError("wrong_type", _CHOICES)
        if (form := _of_ends(value)) is not None:
            raise PydanticCustomError("wrong_type", _CHOICES, {"given": written(value), "help": f"write `{form}`"})
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Choices:
        given = [key for key in ("values", "log", "range") if getattr(self, key) is not None]
        if len(given) != 1:
            wanted = "a list of values, or one of `log` and `range`"
            raise PydanticCustomError("conflict", wanted, {"given": " and ".join(given) or "none of them"})
        if self.step is not None and self.range is None:
            raise PydanticCustomError("conflict", "`step` only with `range`", {"given": f"`{given[0]}`", "option": "step"})
        if self.range is not None and self.step is not None and self.step > self.range[1] - self.range[0]:
            wanted = "a `step` within its `range`"
            raise PydanticCustomError("conflict", wanted, {"given": f"step: {self.step:g}", "option": "step"})
        return self

    @property
    def ends(self) -> tuple[Any, Any] | None:
        """The ends of a range."""
        return self.log or self.range

    @property
    def is_whole(self) -> bool:
        """Whether a range is one of whole numbers."""
        return self.ends is not None and all(isinstance(number, int) for number in (*self.ends, self.step or 1))

    @property
    def is_finite(self) -> bool:
        """Whether a grid can go through all of it."""
        return self.log is None and (self.values is not None or self.step is not None or self.is_whole)


class Prune(Model):
    """Which trials are given up early: those whose figure is worse than that of half the others after as many evaluations."""

    wait: Count = 3
    """Evaluations that each trial is granted."""
    trials: Count = 5
    """Trials that must have finished before one is given up."""


class Sweep(Model):
    """Search for good settings: `nnrun sweep SPEC` trains the spec with each, and keeps the best."""

    search: Annotated[Search, WithJsonSchema({"$role": "search"})] = Search()
    """How the next settings are found: `tpe`, `random` or `grid`, or a mapping with `type` and options."""
    maximize: Figure | None = None
    """The figure that should be high, as the kept weights have it. Where neither this nor `minimize` is given, what a run keeps its
    best weights by counts: the monitor of early stopping, else the first metric, else the loss."""
    minimize: Figure | None = None
    """The figure that should be low."""
    over: Annotated[dict[str, Annotated[Choices, WithJsonSchema({"$role": "choices"})]], BeforeValidator(_some), Field(min_length=1)]
    """By path, as `--set` takes it, the values to try: a list, or the ends of a range."""
    repeat: Annotated[int, Field(ge=1, le=1000)] = 1
    """Runs of each trial, with seeds that count up from `train.seed`; the mean of their figures counts."""
    prune: Annotated[
        Prune | None,
        BeforeValidator(lambda value: {} if value is True else None if value is False else value),
        WithJsonSchema({"$role": "prune"}),
    ] = None
    """Give up poor trials early: `true`, or a mapping with options. Of the runs of a trial the first is judged so."""

    @model_validator(mode="after")
    def _one_figure(self) -> Sweep:
        if self.maximize is not None and self.minimize is not None:
            given = f"maximize: {self.maximize} and minimize: {self.minimize}"
            raise PydanticCustomError("conflict", "either `maximize` or `minimize`", {"given": given, "option": "minimize"})
        return self

    @property
    def figure(self) -> str | None:
        """The figure that decides; None for that of the run itself."""
        return self.maximize or self.minimize

    @property
    def grid(self) -> int:
        """How many settings a grid holds."""
        return math.prod(_count(choices) for choices in self.over.values())


def _count(choices: Choices) -> int:
    if choices.values is not None:
        return len(choices.values)
    assert choices.range is not None
    low, high = choices.range
    return 1 + int((high - low) / (choices.step or 1) + 1e-9)
