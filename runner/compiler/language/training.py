"""`train`: how a network learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import Lookup
from nnrun.registry.objective import Loss
from nnrun.registry.options import Amount, Count, Figure, Many, Portion, Positive, Regularize, Seconds
from nnrun.registry.training import Learner, Optimizer, Schedule
from nnrun.runner.compiler.language.model import Model, one_or_many

DEVICE = r"^(auto|cpu|cuda(:[0-9]+)?)$"

EPOCHS = 10
"""Passes over the training part where a spec says nothing."""

MOST_THREADS = 1024
"""Of one operation: more than the processors of any machine have."""

AnyLoss = Annotated[Loss, Lookup("loss")]

AnyOptimizer = Annotated[Optimizer, Lookup("optimizer")]

AnySchedule = Annotated[Schedule, Lookup("schedule")]

AnyLearner = Annotated[Learner, Lookup("learner")]


def _threads(value: Any) -> Any:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_THREADS):
        return value
    raise PydanticCustomError("wrong_type", f"a whole number from 1 to {MOST_THREADS}, or `auto`")


Threads = Annotated[
    Any,
    BeforeValidator(_threads),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_THREADS}, {"const": "auto"}]}),
]


class EarlyStopping(Model):
    """Stop when a figure of the validation part no longer gets better; the best weights are kept either way."""

    monitor: Figure = "valid/loss"
    """The figure watched: `valid/loss` or `valid/` and a metric."""
    patience: Count = 3
    """Evaluations in a row without a gain before the training stops."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """Smallest gain that counts; smaller ones are kept as the best weights, but do not make patience begin anew."""


class Average(Model):
    """Judge and keep an exponential moving average of the weights: decay * average + (1 - decay) * weights, after each update.

    It begins as a copy of the weights. Running statistics, such as those of `batch_norm`, are those of the training itself.
    Source: Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging; torch's `AveragedModel`.
    """

    decay: Portion = 0.999
    """Share of the average that stays at each update: 0.999 averages about a thousand."""
    start: Amount = 0
    """Updates before it begins, as a copy of the weights after the next one. Until then the weights themselves are judged."""


class Checkpoint(Model):
    """Save the training while it goes on, so that `nnrun resume` continues a run that was broken off as if nothing had happened."""

    every: Seconds = 60.0
    """Time between two checkpoints: `90s`, `5m`, or seconds. Where saving takes long they are fewer, so that it takes 4 % at most."""
    steps: Count | None = None
    """Updates after which a checkpoint is saved too."""
    keep: Literal["last", "none"] = "last"
    """What stays when a run has finished: the `last` checkpoint, from which `nnrun resume RUN --epochs N` goes on, or `none`."""


def _default(role: str, name: str) -> Callable[[], Any]:
    """The component of that name, looked up when it is needed."""
    return lambda: Lookup(role).validate(name)


class Train(Model):
    """How the network learns."""

    learner: AnyLearner = Field(default_factory=_default("learner", "backprop"))
    """How weights follow from data; `backprop` where left out."""
    nodes: Many[Annotated[str, Field(min_length=1)]] | None = None
    """The nodes whose weights are trained, all where left out; others are frozen: their values are those of inference. A symmetric edge
    is trained where both of its groups are."""
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
    """Examples in a batch, whatever the number of processes that share it."""
    accumulate: Count = 1
    """Batches that an update learns from, one after the other: as one batch of so many times the examples, in the memory of one."""
    clip_norm: Positive | None = None
    """Longest allowed gradient; longer ones are shortened to it."""
    regularize: Regularize = Regularize()
    """Penalties on all weights."""
    average: Average | None = None
    """A moving average of the weights: evaluations, the test and the kept weights are of it, while training goes on with the weights
    themselves, which figures of the training part are of."""
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
    parallel: Literal["auto", "ddp", "fsdp"] = "auto"
    """How several processes hold the weights, such as those of `nnrun SPEC --devices 4`. `ddp`: each all of them. `fsdp`: each a share of
    them, of their gradients and of what the optimizer remembers, and whole ones of a node while it is computed, and of all in
    evaluations. `auto` takes `fsdp` where they would not fit otherwise. One process has them all."""
    threads: Threads = 1
    """CPU threads of one operation. On small networks more than one is slower, and another number gives other last digits. `auto` takes
    as many as the largest product of a step is worth, and the machine has cores; what it takes is told and recorded."""
    compile: Literal["auto", "on", "off"] = "auto"
    """How loops and recurrent cells run: `auto` takes code compiled on this machine, or torch's fused kernels, where they can serve,
    `off` compiles nothing, and `on` refuses what could only run step by step."""
    seed: Amount = 0
    """Seed of start values, dropout and the order of batches."""
    deterministic: bool = False
    """Refuse operations whose result may differ from run to run on the same machine with as many threads. On a CPU hardly any does; where
    torch knows a slower way that does not, it takes that."""
    checkpoint: Checkpoint = Checkpoint()
    """Saving while the training goes on; each minute where left out."""

    @model_validator(mode="after")
    def _same_at_each_look(self) -> Train:
        beside = {"clip_norm": self.clip_norm is not None, "carry_state": self.carry_state, "precision": self.precision == "fp16"}
        option = next((option for option, is_there in beside.items() if is_there), None)
        if option is not None and isinstance(self.optimizer, Optimizer) and self.optimizer.searches:
            name, value = self.optimizer.type_name(), str(getattr(self, option)).lower()
            raise PydanticCustomError(
                "conflict",
                "a loss and gradients that are the same at each look, with the optimizer {name}",
                {"name": f"`{name}`", "given": f"{option}: {value}", "option": option},
            )
        return self

    @model_validator(mode="after")
    def _one_length(self) -> Train:
        if self.epochs is not None and self.steps is not None:
            given = f"epochs: {self.epochs} and steps: {self.steps}"
            raise PydanticCustomError("conflict", "either `epochs` or `steps`", {"given": given, "option": "steps"})
        return self
