"""One node to run, with the types of all that it reads and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nnrun.registry.node import Node
from nnrun.registry.shape import Axis, Shape, product, total
from nnrun.runner.compiler.text.diagnostic import Path


@dataclass(frozen=True, slots=True)
class Input:
    """A value that an op reads."""

    value: str
    """`field`, `field.next`, `node` or `node.output`."""
    delay: int
    """Ticks; before the first tick stands the value's `Start`."""
    shape: Shape
    """Its type, time axis included."""

    def __str__(self) -> str:
        return self.value if not self.delay else f"prev({self.value})" if self.delay == 1 else f"prev({self.value}, {self.delay})"


@dataclass(frozen=True, slots=True)
class Start:
    """What a value that is read late was before the first tick. Without one it was zeros."""

    value: str
    depth: int
    """Ticks before the first that are read."""
    shape: Shape
    """Type of one tick."""
    source: str | None
    """The value that gives it, the same at all of these ticks; None if it is learned, each tick on its own."""

    @property
    def size(self) -> Axis:
        """Numbers that training changes."""
        return 0 if self.source else product((self.depth, self.shape.size))

    def __str__(self) -> str:
        ticks = "" if self.depth == 1 else f" in the {self.depth} ticks"
        return f"{self.value}{ticks} before the first tick: {self.source or 'learned'}"


@dataclass(frozen=True)
class Op:
    """One node to run."""

    name: str
    config: Node
    inputs: tuple[Input, ...]
    ports: Mapping[str, Input]
    shape: Shape
    outputs: Mapping[str, Shape]
    parameters: Mapping[str, tuple[Axis, ...]]
    seen: tuple[tuple[Shape, ...], Mapping[str, Shape]]
    """Types as the node's rule and builder take them: of one tick, for a node without memory."""
    share: str | None
    """The op whose weights it uses."""
    path: Path

    @property
    def reads(self) -> tuple[Input, ...]:
        """All that it reads, the ports behind the main inputs."""
        return (*self.inputs, *self.ports.values())

    @property
    def size(self) -> Axis:
        """Numbers that training changes; none where they are another op's."""
        return 0 if self.share else total(product(sizes) for sizes in self.parameters.values())

    def __str__(self) -> str:
        reads = [*map(str, self.inputs), *(f"{port}={value}" for port, value in self.ports.items())]
        computed = self.config.formula or f"{self.config.type_name()}({', '.join(reads)})"
        return f"{self.name} = {computed} : {self.shape}"
