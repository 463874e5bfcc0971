"""The pydantic models of a spec file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import Broken, Lookup
from nnrun.registry.field import Field as DataField
from nnrun.registry.objective import Loss, Metric
from nnrun.registry.options import NAME, Amount, Count, Many, NonNegative, Portion, Positive, Rate, Regularize
from nnrun.registry.source import Source
from nnrun.registry.training import Learner, Optimizer, Schedule

EXPERIMENT = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
FIGURE = r"^valid/[a-z][a-z0-9_]*$"
DEVICE = r"^(auto|cpu|cuda(:[0-9]+)?)$"

Name = Annotated[str, WithJsonSchema({"type": "string", "pattern": NAME})]
"""Of a node, field, block or parameter. Checked by `load.py`, so that a bad one is still known to those who read it."""

AnySource = Annotated[Source, Lookup("source")]
AnyField = Annotated[DataField, Lookup("field")]
AnyLoss = Annotated[Loss, Lookup("loss")]
AnyMetric = Annotated[Metric, Lookup("metric")]
AnyOptimizer = Annotated[Optimizer, Lookup("optimizer")]
AnySchedule = Annotated[Schedule, Lookup("schedule")]
AnyLearner = Annotated[Learner, Lookup("learner")]


def one_or_many(value: Any) -> Any:
    """A single entry stands for a list of one."""
    return value if isinstance(value, list) else [value]


class Model(BaseModel):
    """A mapping of the file that is no component."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


def _name_or_false(value: Any) -> Any:
    if value is None or value is False or isinstance(value, str):
        return value
    raise PydanticCustomError("wrong_type", "the name of a category field, or false")


NameOrFalse = Annotated[Any, AfterValidator(_name_or_false), WithJsonSchema({"anyOf": [{"type": "string"}, {"const": False}]})]


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
    """Share of the examples to choose settings by: early stopping, the best weights."""
    test: ShareOrNone = 0.1
    """Share of the examples for the last figure, read once at the end."""
    stratify: NameOrFalse = None
    """A category field whose classes get equal shares in all parts; `false` for none. By default the loss's target, where
    it is a category."""
    by: Annotated[str, Field(min_length=1)] | None = None
    """A column that says where a row belongs: `train`, `valid` or `test`."""
    chronological: bool = False
    """Cut in the order of the rows: train first, test last. Series and texts that `window` cuts are always divided so."""
    seed: Amount = 0
    """Seed of the division; apart from `train.seed`, so that runs with other seeds are tested on the same examples."""

    @model_validator(mode="after")
    def _fits(self) -> Split:
        shares = (self.train or 0) + self.valid + self.test
        if shares > 1 + 1e-9:
            wanted = "shares of `train`, `valid` and `test` that add up to 1 at most"
            raise PydanticCustomError("out_of_range", wanted, {"given": f"{shares:g}"})
        return self


class Window(Model):
    """Rolling windows over a series, or pieces of a text: each is an example.

    Texts are one stream of tokens, one text behind the other. What is left of a part behind its last whole piece, fewer than
    `length` tokens, is not used.
    """

    length: Count
    """Ticks in a window; tokens in a piece of a text."""
    horizon: Count = 1
    """How many ticks after the window's last tick the value to predict lies. Not for a text, which is predicted token by token."""
    stride: Count | None = None
    """Ticks between the starts of two windows; where left out 1 for a series, and `length` for a text."""


class Data(Model):
    """What goes in."""

    source: AnySource | None = None
    """Where the data comes from; the source's own options stand beside this key."""
    fields: dict[Name, AnyField] = Field(default_factory=dict)
    """Names and types of the values that the network can read."""
    split: Split = Split()
    window: Window | None = None
    """Cut series into windows, or texts into pieces."""

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
        if not isinstance(value.get("source"), str):
            return ours  # what else stands there may be the source's
        theirs = {key: value[key] for key in value if key == "source" or key not in ours}
        split = ours["split"] if isinstance(ours.get("split"), dict) else {}
        files = {part: name for part, name in split.items() if isinstance(name, str) and part in PARTS}
        if files:  # `split: {train: a.csv, test: b.csv}` names the files of the parts
            ours["split"] = {key: item for key, item in split.items() if key not in files}
            theirs["files"] = files
        return ours | {"source": theirs}


class EarlyStopping(Model):
    """Stop when a figure of the validation part no longer gets better; the best weights are kept either way."""

    monitor: Annotated[str, Field(pattern=FIGURE)] = "valid/loss"
    """The figure watched: `valid/loss` or `valid/` and a metric."""
    patience: Count = 3
    """Evaluations in a row without a gain before the training stops."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """A gain up to this size does not count."""


def _default(role: str, name: str) -> Callable[[], Any]:
    """The component of that name, looked up when it is needed."""
    return lambda: Lookup(role).validate(name)


class Train(Model):
    """How the network learns."""

    learner: AnyLearner = Field(default_factory=_default("learner", "backprop"))
    """How weights follow from data; `backprop` where left out."""
    nodes: Many[Annotated[str, Field(min_length=1)]] | None = None
    """The nodes whose weights are trained, all where left out; others stay as they are. A symmetric edge is trained where both
    of its groups are."""
    loss: Annotated[
        Annotated[tuple[AnyLoss, ...], BeforeValidator(one_or_many), Field(strict=False, min_length=1)] | None,
        WithJsonSchema({"$role": "losses"}),
    ] = None
    """What is minimised: one loss, or a list whose weighted sum it is."""
    optimizer: AnyOptimizer = Field(default_factory=_default("optimizer", "adam"))
    """How a gradient changes the weights; `adam` where left out."""
    schedule: AnySchedule | None = None
    """How the learning rate changes over the run; not at all where left out."""
    epochs: Count | None = None
    """Passes over the training part; 10 where neither this nor `steps` is given."""
    steps: Count | None = None
    """Updates of the weights, instead of `epochs`."""
    batch_size: Count = 32
    """Examples in an update."""
    clip_norm: Positive | None = None
    """Longest allowed gradient; longer ones are shortened to it."""
    regularize: Regularize = Regularize()
    """Penalties on all weights."""
    early_stopping: EarlyStopping | None = None
    """When to stop before the last epoch."""
    evaluate_every: Count | None = None
    """Updates between two evaluations on the validation part; an epoch where left out."""
    shuffle: bool | None = None
    """Take the examples in a new random order in each epoch; yes where left out, but with `carry_state`. `false` keeps the order
    of the data."""
    truncate: Count | None = None
    """Ticks through which gradients flow back in loops and cells: a longer sequence is cut into pieces, and what is remembered
    goes from one to the next without a gradient."""
    carry_state: bool = False
    """Start each window of a series or text with the state in which the one before ended. A batch then holds windows of as many streams,
    which the next batch continues."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Number format of the large products."""
    device: Annotated[str, Field(pattern=DEVICE)] = "auto"
    """Where to train: `auto` takes a GPU where there is one."""
    threads: Count = 1
    """CPU threads of one operation. On small networks more than one is slower."""
    compile: Literal["auto", "on", "off"] = "auto"
    """How loops and recurrent cells run: `auto` takes code compiled on this machine, or torch's fused kernels, where they can serve,
    `off` compiles nothing, and `on` refuses what could only run step by step."""
    seed: Amount = 0
    """Seed of start values, dropout and the order of batches."""
    deterministic: bool = False
    """Refuse operations whose result may differ from run to run."""
    checkpoint: dict[str, Any] | None = None
    """Saving during the training."""

    @model_validator(mode="after")
    def _one_length(self) -> Train:
        if self.epochs is not None and self.steps is not None:
            given = f"epochs: {self.epochs} and steps: {self.steps}"
            raise PydanticCustomError("conflict", "either `epochs` or `steps`", {"given": given, "option": "steps"})
        return self


class Track(Model):
    """What is recorded, and how often."""

    every: Count = 50
    """Updates between two records of the training loss."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the run, for search in the MLflow UI."""
    model: bool = True
    """Log the trained network as an MLflow model."""
    baseline: Literal["none", "simple", "linear"] = "simple"
    """What the result stands beside: the commonest class, the mean or the last value; or a linear model fitted to the same data,
    which takes a few seconds."""


class Decode(Model):
    """How the symbols of a choice are found when the network generates."""

    search: Literal["greedy", "sample", "beam"] = "greedy"
    """`greedy`: the best symbol at each tick. `sample`: one drawn by its probability. `beam`: the best whole sequence of those that
    a search with `width` hypotheses meets."""
    max_length: Count = 100
    """Symbols after which a sequence ends that has not ended itself, not counting those of a prompt."""
    n_best: Count = 1
    """How many sequences are given for each example, the best first: of a beam, its best ones; otherwise so many samples."""
    width: Count | None = None
    """Hypotheses that are followed at a time, in a `beam`; 8 where left out."""
    length_penalty: NonNegative | None = None
    """Power of the length by which the score of a hypothesis is divided, ((5 + length) / 6)^penalty, so that long ones have a
    chance; 0, the sum of the logarithms alone, where left out. Of a `beam`. Source: Wu et al. 2016, equation 14."""
    prune: Positive | None = None
    """Give up hypotheses that are so much less likely than the best one, in nats. Of a `beam`."""
    temperature: Positive | None = None
    """By which scores are divided before a `sample`: below 1 the likely becomes likelier. 1 where left out."""
    top_k: Count | None = None
    """Of how many of the likeliest symbols a `sample` is drawn."""
    top_p: Portion | None = None
    """Draw a `sample` from the likeliest symbols whose probabilities add up to this. Source: Holtzman et al. 2020."""

    @model_validator(mode="after")
    def _of_its_search(self) -> Decode:
        owners = {"beam": ("width", "length_penalty", "prune"), "sample": ("temperature", "top_k", "top_p")}
        for search, options in owners.items():
            for option in options if search != self.search else ():
                if getattr(self, option) is not None:
                    wanted = f"`{option}` only with `search: {search}`"
                    raise PydanticCustomError("conflict", wanted, {"given": f"search: {self.search}", "option": option})
        if self.search == "greedy" and self.n_best > 1:
            wanted = "several `n_best` only with `search: beam` or `search: sample`"
            raise PydanticCustomError("conflict", wanted, {"given": "search: greedy", "option": "n_best"})
        if self.search == "beam" and self.n_best > (self.width or WIDTH):
            given = f"width: {self.width or WIDTH}"
            raise PydanticCustomError(
                "conflict", f"no more `n_best` than its `width`, here {self.n_best}", {"given": given, "option": "n_best"}
            )
        return self


WIDTH = 8
"""Hypotheses of a beam where a spec says nothing."""


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
    edges: RawEdges = ()


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
    sweep: dict[str, Any] | None = None
    """Search for good settings."""
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
