"""Value types: what an edge carries, without the batch axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

Kind = Literal["number", "category", "token"]

Axis = int | str
"""A size. A text stands for a size that only the data knows, such as the classes of the field `label`."""

_LETTERS = {0: "", 1: "N", 2: "CN", 3: "CHW", 4: "CDHW"}


class ShapeError(Exception):
    """A node cannot take what arrives.

    Attributes: `message` stands alone; `field` is the option to point at, if one is to blame; `help` is a repair;
    `id` is the page of `runner/errors/` that explains it.
    """

    def __init__(self, message: str, *, field: str | None = None, help: str | None = None, id: str = "shape-mismatch") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.help = help
        self.id = id


class InputError(ShapeError):
    """Input number `position` (or the input port `port`) is not what the node takes; `wanted` ends "takes …".

    `over_time` is the repair where a value with a time axis arrives.
    """

    def __init__(
        self, wanted: str, *, position: int = 0, port: str | None = None, help: str | None = None, over_time: str | None = None
    ) -> None:
        super().__init__(f"takes {wanted}", help=help)
        self.over_time = over_time
        self.wanted = wanted
        self.position = position
        self.port = port


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of a value: feature axes, kind and at most one named time axis; never the batch axis.

    A value with a time axis is laid out (T, B, *axes) in the network, any other (B, *axes).
    """

    axes: tuple[Axis, ...] = ()
    kind: Kind = "number"
    classes: Axis | None = None
    """How many symbols a category or token is chosen from."""
    time: str | None = None
    """Name of the time axis: the field that brought it."""
    ticks: int | None = None
    """How many ticks, where all examples have equally many."""
    backward: Axis = field(default=0, compare=False)
    """How many of the features, the last of the first axis, were read from the end of the sequence: their final state stands at the
    first tick."""

    @property
    def size(self) -> Axis:
        """Number of features in one tick."""
        return product(self.axes)

    @property
    def tick(self) -> Shape:
        """The type of one tick of this value."""
        return replace(self, time=None, ticks=None)

    def along(self, time: str | None, ticks: int | None = None) -> Shape:
        """The same value at every tick of an axis."""
        return replace(self, time=time, ticks=ticks if time else None)

    def __str__(self) -> str:
        if self.kind == "number":
            letters = _LETTERS.get(len(self.axes), "?" * len(self.axes))
            text = f"({', '.join(f'{a}={n}' for a, n in zip(letters, self.axes, strict=True))})" if self.axes else "a number"
        elif self.axes:
            text = f"{' x '.join(map(str, self.axes))} {_plural(self.kind)}, {_symbols(self.classes)}"
        else:
            text = f"a {self.kind}, {_symbols(self.classes)}"
        if self.time is None:
            return text
        return f"{text} at each tick of `{self.time}`" if self.ticks is None else f"{text} at each of {self.ticks} ticks of `{self.time}`"


def product(axes: Iterable[Axis]) -> Axis:
    """Product of sizes; an expression in words while one of them is unknown."""
    sizes = list(axes)
    unknown = [size for size in sizes if isinstance(size, str)]
    known = prod(size for size in sizes if isinstance(size, int))
    return known if not unknown else "*".join([*([str(known)] if known != 1 else []), *unknown])


def total(sizes: Iterable[Axis]) -> Axis:
    """Sum of sizes; an expression in words while one of them is unknown."""
    listed = list(sizes)
    unknown = [size for size in listed if isinstance(size, str)]
    known = sum(size for size in listed if isinstance(size, int))
    return known if not unknown else "+".join([*unknown, *([str(known)] if known else [])])


def may_equal(a: Axis, b: Axis) -> bool:
    """Whether two sizes agree as far as anybody can tell before the data is read."""
    return a == b or isinstance(a, str) or isinstance(b, str)


def same_axes(a: tuple[Axis, ...], b: tuple[Axis, ...]) -> bool:
    """Whether two lists of axes agree as far as anybody can tell before the data is read."""
    return len(a) == len(b) and all(map(may_equal, a, b))


def known(size: Axis) -> int:
    """A size that must be a number by now: the network is being built."""
    assert isinstance(size, int), f"the size `{size}` is not known yet"
    return size


def _plural(kind: Kind) -> str:
    return "categories" if kind == "category" else f"{kind}s"


def _symbols(classes: Axis | None) -> str:
    return (
        "one of unknown many"
        if classes is None
        else f"one of {classes}"
        if isinstance(classes, int)
        else f"one of the classes of `{classes}`"
    )
