"""A spec file as pydantic models: its nodes, edges and blocks, and what is recorded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import Lookup
from nnrun.registry.objective import Metric
from nnrun.registry.options import Amount, Count, Many, Portion
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.compiler.language.model import Model, Name
from nnrun.runner.compiler.language.sweep import Sweep
from nnrun.runner.compiler.language.tags import own_tag
from nnrun.runner.compiler.language.training import Train

EXPERIMENT = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"

AnyMetric = Annotated[Metric, Lookup("metric")]


def _foreign(tags: dict[str, str]) -> dict[str, str]:
    own = own_tag(tags)
    if own is not None:
        raise PydanticCustomError(
            "wrong_type", "tags of your own, and a run has one called `{tag}` already", {"tag": own, "given": f"`{own}`"}
        )
    return tags


class Track(Model):
    """What is recorded, and how often."""

    every: Count = 50
    """Updates between two records of the training loss."""
    tags: Annotated[dict[str, str], AfterValidator(_foreign)] = Field(default_factory=dict)
    """Tags of the run, for search in the MLflow UI."""
    model: bool = True
    """Log the trained network as an MLflow model."""
    baseline: Literal["none", "simple", "linear", "boosting", "ngram"] = "simple"
    """What the result stands beside. `simple`: the commonest class or text, the mean, or of a series the value some ticks before; of a
    text under `window` an n-gram. `linear`: a linear model fitted to the same data, which takes a few seconds. `boosting`:
    gradient-boosted trees, for tables. `ngram`: each token of a text, told by the five before it."""


class Mask(Model):
    """Which pairs of units a symmetric edge couples."""

    type: Literal["grid", "random", "file"]
    """`grid`: units that lie near each other, `random`: a share of all pairs, `file`: the pairs where an array is not zero."""
    reach: Count = 1
    """Of a `grid`: most steps between two coupled units, up, down, left and right counted together, on the finer of both grids."""
    share: Portion = 0.1
    """Of a `random` mask: how many of all pairs are coupled, on average."""
    seed: Amount = 0
    """Of a `random` mask: another seed chooses other pairs."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """Of a `file`: path of a numpy file (`.npy`) or a table of numbers (`.csv`) with a row for each unit of the first group
    and a column for each of the second; relative to the spec."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _used(self) -> Mask:
        owner = {"reach": "grid", "share": "random", "seed": "random", "file": "file"}
        for option in self.model_fields_set - {"type"}:
            if owner[option] != self.type and getattr(self, option) is not None:
                raise PydanticCustomError("conflict", f"no `{option}` with `type: {self.type}`", {"given": "one", "option": option})
        if self.type == "file" and self.file is None:
            raise PydanticCustomError("conflict", "`file`, a path, with `type: file`", {"given": "none", "option": "file"})
        return self


class EdgeEntry(Model):
    """An edge with options."""

    edge: Annotated[str, Field(min_length=1)]
    """The edges, as in the short form."""
    initial: Literal["zeros", "learned"] = "zeros"
    """What a delayed edge reads before the first tick."""
    mask: Annotated[Mask | None, WithJsonSchema({"$role": "mask"})] = None
    """Which units a symmetric edge couples: `grid`, `random`, or a mapping with `type` and options; all units where left out."""


RawEdges = Annotated[
    tuple[Any, ...],
    Field(strict=False),
    WithJsonSchema({"type": "array", "items": {"anyOf": [{"type": "string"}, {"$role": "edge"}]}}),
]
"""Edges before they are parsed: each is loaded on its own, so that a wrong one leaves the others in their places."""


def _one(value: Any) -> Any:
    if value != 1 or isinstance(value, bool):
        raise PydanticCustomError("wrong_type", "the version of the language, which is 1")
    return value


RawNode = Annotated[Any, WithJsonSchema({"$role": "node"})]

BlockNode = Annotated[Any, WithJsonSchema({"$role": "block_node"})]
"""A node before the parameters of its block are known."""


class Block(Model):
    """A named sub-graph with parameters."""

    parameters: dict[Name, Any] = Field(default_factory=dict)
    """Names and default values; a parameter without a value must be given by each use."""
    nodes: dict[Name, BlockNode] = Field(default_factory=dict)
    """The boxes of the block; `$name` stands for the value of a parameter."""
    edges: RawEdges = ()
    """The arrows of the block, from `input` and to `output`."""


REQUIRED: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("nnrun", "name", "data", "nodes", "train"),
    ("data",): ("source", "fields"),
}
"""What must be written. The models have defaults there, so that the rest of a spec with a hole can be checked."""


class Spec(Model):
    """A whole spec file."""

    nnrun: Annotated[Any, AfterValidator(_one), WithJsonSchema({"const": 1})] = 1
    """Version of the language: 1."""
    name: Annotated[str, Field(pattern=EXPERIMENT, max_length=200)] = "unnamed"
    """The MLflow experiment."""
    description: str = ""
    """What the spec shows, for people."""
    data: Data | None = None
    """Where examples come from, what they are made of, and how they are parted."""
    blocks: dict[Name, Block] = Field(default_factory=dict)
    """Sub-graphs to use as nodes of type `block`."""
    nodes: dict[Name, RawNode] = Field(default_factory=dict)
    """The boxes of the graph."""
    edges: RawEdges = ()
    """The arrows of the graph."""
    train: Annotated[Train | None, WithJsonSchema({"$role": "training"})] = None
    """How the network learns: one training, or a list of stages, each of which starts with the weights of the one before."""
    metrics: Many[AnyMetric] | None = None
    """What is measured beside the loss."""
    decode: dict[Name, Decode] = Field(default_factory=dict)
    """By choice, how its symbols are found when the network generates."""
    track: Track = Track()
    """What is recorded, and how often."""
    sweep: Sweep | None = None
    """Which settings `nnrun sweep` searches, and how; a single run passes over it."""
    _stages: tuple[Train, ...] = PrivateAttr(())

    @property
    def stages(self) -> tuple[Train, ...]:
        """All trainings, one behind the other."""
        return self._stages or ((self.train,) if self.train is not None else ())

    @property
    def is_staged(self) -> bool:
        """Whether `train` is written as a list."""
        return bool(self._stages)

    def with_stages(self, stages: tuple[Train, ...]) -> Spec:
        """The same spec with its trainings; `train` is the last."""
        spec = self.at_stage(stages[-1])
        spec._stages = stages
        return spec

    def at_stage(self, train: Train) -> Spec:
        """The same spec while one of its trainings goes on."""
        return self.model_copy(update={"train": train})
