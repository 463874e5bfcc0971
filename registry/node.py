"""What a node type owes: ports, a shape rule, its parameters, and a builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from nnrun.registry.algebra.formula import Reading
from nnrun.registry.component import Component
from nnrun.registry.options import Init, Regularize
from nnrun.registry.shape import Axis, Shape

if TYPE_CHECKING:
    from torch import nn

    from nnrun.registry.algebra.arithmetic import Arithmetic

NODE = r"^[a-z][a-z0-9_/]*$"
RUN = r"^run:[0-9a-f]{32}(/[a-z][a-z0-9_/]*)?$"


@dataclass(frozen=True, slots=True)
class Port:
    """A named input beside the main one."""

    required: bool = True
    time: Literal["same", "own", "none"] = "same"
    """Which time axis may arrive: that of the main input, one of its own, or none at all."""
    ticks_only: bool = False
    """Nothing of what arrives counts but its ticks."""


class Node(Component):
    """Base of all node types. Shapes never hold the batch axis; modules get (B, *axes) or, along time, (T, B, *axes).

    Inputs and ports of the methods are `Shape`s; they are typed `Any` so that a node may name those it takes.
    """

    role: ClassVar[str] = "node"

    inputs: ClassVar[Literal["none", "one", "optional", "many"]] = "one"
    """How many edges may arrive at the main input; `optional`: one or none."""
    unordered: ClassVar[bool] = False
    """Whether the value is the same in whatever order the edges of the main input arrive, each with its weights."""
    ports: ClassVar[Mapping[str, Port]] = {}
    """Inputs beside the main one."""
    outputs: ClassVar[tuple[str, ...]] = ()
    """Values beside the main one, read as `node.output`; the module then returns a tuple."""
    scope: ClassVar[Literal["tick", "time"]] = "tick"
    """`tick`: has no memory, is told the shape of one tick, and runs at each. `time`: needs the whole sequence; its
    shape rule sees the time axis, and its module is called with `lengths` (B,) too."""
    decides: ClassVar[bool] = False
    """The value is that of the option `target` in training; when generating it is chosen from the main input, which is scores."""
    spelled: ClassVar[bool] = False
    """Of a node that decides: the scores lie along another time axis, and are read when all of them are there."""
    before: ClassVar[int] = 0
    """What the value is before the first tick, where nothing else is said."""
    multiplies: ClassVar[bool] = True
    """Whether its weights are factors of what it reads; a table's are looked up."""
    memoryless: ClassVar[bool] = False
    """Of a `time` node: each tick is computed from that tick of the inputs alone, so that the node can stand in a loop."""
    batch: ClassVar[Literal["any", "one", "real"]] = "one"
    """How a tick node's module takes ticks. `any`: under any number of leading axes; `one`: folded into the batch;
    `real`: folded, with the padding left out, because examples influence each other."""

    @property
    def formula(self) -> str | None:
        """The value as a formula over names, for people, where an option writes it."""
        return None

    @property
    def outermost(self) -> tuple[str, str] | None:
        """The function that the value comes out of, and the option that names it; None where there is none."""
        return None

    @property
    def looks_ahead(self) -> bool:
        """Whether the value at a tick depends on later ticks of what it reads."""
        return False

    def readings(self) -> tuple[Reading, ...]:
        """What the options read, in the order of the node's inputs. Edges come after."""
        return ()

    def shape(self, *inputs: Any, **ports: Any) -> Shape:
        """Type of the main output. Raises: ShapeError if the node cannot take what arrives."""
        raise NotImplementedError(f"{type(self).__name__} has no shape rule")

    def outline(self, *inputs: Any, **ports: Any) -> Shape | None:
        """Type of the main output in a loop, while some inputs are not known yet and stand as None; None if it depends on them."""
        return None

    def output_shape(self, output: str, *inputs: Any, **ports: Any) -> Shape:
        """Type of a value of `outputs`."""
        raise NotImplementedError(f"{type(self).__name__} has no output `{output}`")

    def parameters(self, *inputs: Any, **ports: Any) -> dict[str, tuple[Axis, ...]]:
        """Names and sizes of what training changes, as `named_parameters` of the built module has them."""
        return {}

    def kept(self, *inputs: Any, **ports: Any) -> Axis:
        """Numbers that it holds for the backward pass beside its inputs and its value: for an example, along time for a tick."""
        return 0

    @property
    def mask(self) -> Literal["tick", "sequence"] | None:
        """Whether the value is multiplied by random factors, and how often the module's `mask` draws them: for each tick, or once
        for a sequence."""
        return None

    def arithmetic(self, *inputs: Any) -> Arithmetic | None:
        """How the value is computed, where a compiler of loops may know it; None where only the module knows."""
        return None

    def build(self, *inputs: Any, **ports: Any) -> nn.Module:
        """The module. Called only after `shape` accepted the same inputs and all sizes are numbers."""
        raise NotImplementedError(f"{type(self).__name__} has no builder")


class Holding(Node):
    """A node that holds numbers for the backward pass beside its inputs and its value, as `kept` tells."""

    recompute: bool = False
    """Hold nothing but the inputs and the value for the backward pass, and compute the rest once more there: less memory for more time.
    Results are the same to the bit."""


class Trainable(Node):
    """A node with weights."""

    init: Init = "xavier"
    """How the weights start."""
    freeze: bool = False
    """Keep the node as it starts: training does not change its weights, and its value is that of inference. Batch statistics are neither
    used nor moved, and dropout of its own is off."""
    share: Annotated[str, Field(pattern=NODE)] | None = None
    """Another node of the same type and sizes whose weights this one uses."""
    weights: Annotated[str, Field(pattern=RUN)] | None = None
    """Start from a node of a finished run, `run:ID/node`; without the node's name, from the node of the same name."""
    regularize: Regularize = Regularize()
    """Penalties on this node's weights, beside those of `train.regularize`."""
