"""Base of the groups of units that symmetric edges join."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nnrun.registry.node import Node, Port
from nnrun.registry.options import Count, Units
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, known, may_equal, product

if TYPE_CHECKING:
    from nnrun.registry.modules.groups import Group as Module


class Group(Node):
    """Units of one kind. What points at a group clamps it; what reads it gets the mean activity of its units.

    A group without an edge `->` into it follows from those that are clamped. An edge to the port `initial` does not clamp:
    the units start there and settle.
    """

    inputs = "optional"
    ports = {"initial": Port(required=False, time="none")}

    symbol: ClassVar[str]
    """What a unit can be, in a word of the printed energy."""
    lateral: ClassVar[bool] = True
    """Whether units of one group may be coupled with each other."""

    units: Units | None = None
    """How many units: a number, or the name of a field. Where left out, as many as what clamps the group has numbers."""
    bias: bool = True
    """Give each unit a learned bias."""
    sweeps: Count = 1
    """Sweeps of mean field from `initial` until the group is read."""

    @property
    def wide(self) -> int:
        """Numbers that hold the state of one unit."""
        return 1

    def shape(self, *inputs: Shape, initial: Shape | None = None) -> Shape:
        if inputs and initial is not None:
            wanted = "either a value that clamps it or one that it starts from"
            raise InputError(wanted, port="initial", help="leave out one of the two edges")
        return Shape((self._size(self._given(inputs, initial)),))

    def parameters(self, *inputs: Shape, initial: Shape | None = None) -> dict[str, tuple[Axis, ...]]:
        return {"bias": (self._size(self._given(inputs, initial)),)} if self.bias else {}

    def build(self, *inputs: Shape, initial: Shape | None = None) -> Module:
        return self.module(known(self._size(self._given(inputs, initial))))

    def module(self, size: int) -> Module:
        """The units as a torch module; `size` counts the numbers of their state."""
        raise NotImplementedError(f"{type(self).__name__} has no module")

    def numbers(self, given: Shape, port: str | None) -> Axis:
        """How many numbers the state has that a value is turned into. Raises: InputError if the units cannot take it."""
        if given.kind != "number":
            help = f"`categorical_units` take a {given.kind}; a `one_hot` node between them makes numbers of it"
            raise InputError("numbers", port=port, help=help)
        return given.size

    def _given(self, inputs: tuple[Shape, ...], initial: Shape | None) -> tuple[Shape, str | None] | None:
        return (inputs[0], None) if inputs else (initial, "initial") if initial is not None else None

    def _size(self, given: tuple[Shape, str | None] | None) -> Axis:
        """Numbers of the state of all units."""
        own = None if self.units is None else product((self.units, self.wide))
        if given is None:
            if own is None:
                message = "nothing clamps it, so its size must be said"
                raise ShapeError(message, help="write how many units it has, such as `units: 64`")
            return own
        size = self.numbers(*given)
        if own is not None and not may_equal(own, size):
            wanted = f"{own} numbers, as it has {self.units} units"
            raise InputError(
                wanted,
                port=given[1],
                help="leave out `units`: what clamps the group says how many",
            )
        return size if isinstance(size, int) or own is None else own
