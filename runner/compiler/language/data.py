"""`data`: where examples come from, how they are parted and cut."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import Broken, Lookup, near
from nnrun.registry.field import Field as DataField
from nnrun.registry.options import LARGEST, Amount, Count, Portion, Rate
from nnrun.registry.source import Source
from nnrun.runner.compiler.language.model import Model, Name

AnySource = Annotated[Source, Lookup("source")]

AnyField = Annotated[DataField, Lookup("field")]


def _name_or_false(value: Any) -> Any:
    if value is None or value is False or isinstance(value, str):
        return value
    raise PydanticCustomError("wrong_type", "the name of a category field, or false")


NameOrFalse = Annotated[Any, AfterValidator(_name_or_false), WithJsonSchema({"anyOf": [{"type": "string"}, {"const": False}]})]


def _horizon(value: Any) -> int | str:
    """A number of ticks, or the first and the last of several."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST:
        return value
    found = re.fullmatch(r"([0-9]{1,9}) *\.\. *([0-9]{1,9})", value) if isinstance(value, str) else None
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise PydanticCustomError("wrong_type", "a whole number from 1, or the first and the last of several, such as `1..24`")
    return f"{int(found[1])}..{int(found[2])}"


Horizon = Annotated[
    Any,
    BeforeValidator(_horizon),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[0-9]+ *\.\. *[0-9]+$"}]}),
]

PARTS = ("train", "valid", "test")

Share = Annotated[
    Portion, WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, {"type": "string"}]})
]
"""A share of the examples; in the file also the name of a file that holds the part, which is handed to the source."""

ShareOrNone = Annotated[Rate, WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "exclusiveMaximum": 1}, {"type": "string"}]})]
"""The same; 0 for no such part."""


class Split(Model):
    """How examples are divided. Shares need not add up to 1: what is left is not used."""

    train: Share | None = None
    """Share of the examples to learn from; what `valid` and `test` leave, where not given."""
    valid: ShareOrNone = 0.1
    """Share of the examples to choose settings by: early stopping, the best weights. Where the data comes in parts without
    such a one, it is cut off the training part."""
    test: ShareOrNone = 0.1
    """Share of the examples for the last figure, read once at the end. Where the data comes in parts without such a one,
    nothing is cut off for it unless this is written."""
    stratify: NameOrFalse = None
    """A category field whose classes get equal shares in all parts; `false` for none. By default the loss's target, where
    it is a category."""
    by: Annotated[str, Field(min_length=1)] | None = None
    """A column that says where a row belongs: `train`, `valid` or `test`."""
    by_group: Annotated[str, Field(min_length=1)] | None = None
    """A column that says which rows belong together, such as the patient: no group is in two parts. The shares are those of the
    rows, as nearly as groups allow. A stratified field counts as the commonest of a group. Series that `window` cuts go whole
    into one part."""
    chronological: bool = False
    """Cut in the order of the rows: train first, test last. Series and texts that `window` cuts are always divided so."""
    folds: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Cross-validation: the data is divided so many times, and each row is in the test part of one fold. `nnrun SPEC` runs one
    after the other, below a run that holds mean and spread. In the order of time, as `chronological` and `window` want it, a fold
    tests on the rows right behind those that it learns from. `valid` is cut off what a fold learns from, and its last rows then."""
    fold: Count | None = None
    """Which of the `folds` this run is, from 1."""
    seed: Amount = 0
    """Seed of the division; apart from `train.seed`, so that runs with other seeds are tested on the same examples."""

    def cut(self, given: Collection[str]) -> dict[str, float]:
        """What is cut off for validation and test, beside the parts that the data is `given` in, if it comes in parts.

        Who gives parts has thought of a test part, or wants none: it is not cut unless it was asked for.
        """
        wanted = {"valid": self.valid, "test": self.test if "test" in self.model_fields_set or not given else 0.0}
        return {part: share for part, share in wanted.items() if part not in given}

    @model_validator(mode="before")
    @classmethod
    def _shares(cls, value: Any) -> Any:
        """Shares that were all written as per cent are one mistake."""
        given = {part: value[part] for part in PARTS if part in value} if isinstance(value, dict) else {}
        if len(given) > 1 and all(isinstance(share, int | float) and 1 < share < 100 for share in given.values()):
            wanted = ", ".join(f"{key}: {given[key] / 100 if key in given else item}" for key, item in value.items())
            context = {"given": ", ".join(f"{share:g}" for share in given.values()), "help": f"write `split: {{{wanted}}}`"}
            raise PydanticCustomError("out_of_range", "shares of the examples, not per cent", context)
        return value

    @property
    def is_folded(self) -> bool:
        """Whether it is several divisions."""
        return self.folds is not None and self.fold is None

    @property
    def columns(self) -> dict[str, str]:
        """The columns that say where rows belong, by the key that names them."""
        return {key: column for key, column in (("by", self.by), ("by_group", self.by_group)) if column is not None}

    @model_validator(mode="after")
    def _goes_together(self) -> Split:
        for one, other in (("by", "by_group"), ("by", "folds"), ("chronological", "by_group")):
            if getattr(self, one) and getattr(self, other):
                raise PydanticCustomError("conflict", f"either `{one}` or `{other}`", {"given": "both", "option": other})
        for share in ("train", "test"):
            if self.folds is not None and share in self.model_fields_set:
                wanted = f"no `{share}` beside `folds`, each of which is the test part once"
                raise PydanticCustomError("conflict", wanted, {"given": f"{share}: {getattr(self, share):g}", "option": share})
        if self.fold is not None and self.fold > (self.folds or 0):
            wanted = f"one of the {self.folds} folds, from 1" if self.folds else "`fold` beside `folds` only"
            raise PydanticCustomError("conflict", wanted, {"given": f"fold: {self.fold}", "option": "fold"})
        return self

    @model_validator(mode="after")
    def _fits(self) -> Split:
        shares = (self.train or 0) + self.valid + self.test
        if shares > 1 + 1e-9:
            wanted = "shares of `train`, `valid` and `test` that add up to 1 at most"
            left = [part for part in ("valid", "test") if part not in self.model_fields_set]
            help = f"`{left[0]}` is 0.1 where left out: `{left[0]}: 0` makes no such part" if left else "make one of them smaller"
            raise PydanticCustomError("out_of_range", wanted, {"given": f"{shares:g}", "help": help})
        return self


class Window(Model):
    """Rolling windows over a series, or pieces of a text: each is an example.

    Texts are one stream of tokens, one text behind the other. What is left of a part behind its last whole piece, fewer than
    `length` tokens, is not used.
    """

    length: Count
    """Ticks in a window; tokens in a piece of a text."""
    horizon: Horizon = 1
    """How many ticks after the window's last tick the value to predict lies: `FIELD.next`. Of several, the first and the last, such as
    `1..24`: `FIELD.next` is then a value at each of these ticks, along an axis of their own; `unflatten_time` lays a vector out along it.
    What is known in advance, such as a date that goes along the series, may be read by the network there: `FIELD.next -> NODE`.
    Not for a text, which is predicted token by token."""
    stride: Count | None = None
    """Ticks between the starts of two windows to learn from; where left out 1 for a series, and `length` for a text. A trained
    network answers for every tick all the same."""
    by: Annotated[str, Field(min_length=1)] | None = None
    """A column that tells series of one table apart, such as the shop: no window crosses from one into another. Each of them
    is divided in the order of its rows."""
    join: bool = False
    """Whether the parts that the data comes in, such as files, continue each other. Otherwise each is a recording of its own,
    and no window crosses from one into another."""

    @property
    def steps(self) -> range:
        """The ticks that are predicted, counted from the window's last one."""
        first, _, last = str(self.horizon).partition("..")
        return range(int(first), int(last or first) + 1)

    @property
    def several(self) -> bool:
        """Whether what is predicted is a sequence."""
        return not isinstance(self.horizon, int)


class Data(Model):
    """What goes in."""

    source: AnySource | None = None
    """Where the data comes from; the source's own options stand beside this key."""
    fields: dict[Name, AnyField] = Field(default_factory=dict)
    """Names and types of the values that the network can read."""
    split: Split = Split()
    """How examples are divided into those that are learned from, chosen by and tested on."""
    window: Window | None = None
    """Cut series into windows, or texts into pieces."""
    time: Annotated[str, Field(min_length=1)] | None = None
    """A column that says when each row was, as a number or a date: rows must come in its order, one step apart. Longer gaps
    are told, and no window crosses one."""

    keep: Literal["auto", "memory", "disk"] = "auto"
    """Where prepared examples are during the training. `disk`: they are read and prepared a piece at a time, into a file of the data cache,
    and each batch is read from there; `auto` does so where they would take more than a quarter of the memory. Not for `window`, and for
    sources that can be read in pieces: `csv`, `parquet`, `image_folder`."""

    @property
    def streamed(self) -> str | None:
        """The field of which `window` makes a stream of tokens."""
        texts = (name for name, field in self.fields.items() if not isinstance(field, Broken) and field.type_name() == "text")
        return next(texts, None) if self.window is not None else None

    @property
    def stride(self) -> int:
        """Ticks between the starts of two windows."""
        assert self.window is not None
        return self.window.stride or (self.window.length if self.streamed else 1)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        """The source's options stand among ours; give them to the source."""
        if not isinstance(value, dict):
            return value
        ours = {key: value[key] for key in value if key in cls.model_fields}
        split = ours["split"] if isinstance(ours.get("split"), dict) else {}
        files = {part: name for part, name in split.items() if isinstance(name, str) and part in PARTS}
        if files:  # `split: {train: a.csv, test: b.csv}` names the files of the parts
            ours["split"] = {key: item for key, item in split.items() if key not in files}
        if not isinstance(value.get("source"), str):
            return ours  # what else stands there may be the source's
        theirs = {key: value[key] for key in value if key == "source" or key not in ours}
        if files:
            misspelled = {near(key, PARTS): name for key, name in split.items() if isinstance(name, str) and key not in Split.model_fields}
            theirs["files"] = {part: name for part, name in misspelled.items() if part} | files
        return ours | {"source": theirs}
