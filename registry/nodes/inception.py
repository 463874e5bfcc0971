"""Inception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from nnrun.registry.accept import image
from nnrun.registry.catalog import Lookup, register
from nnrun.registry.node import Holding, Node, Trainable
from nnrun.registry.options import Many
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, same_axes, total

if TYPE_CHECKING:
    from torch import nn

OF_THE_WHOLE = ("freeze", "share", "weights", "regularize", "recompute")
"""Options that stand at the inception node, for all its towers."""


@register
class Inception(Trainable, Holding):
    """Look at an image in several ways at once: towers of nodes side by side, their outputs joined on channels.

    Each tower is a list of nodes that read one another, the first one the image. All towers must end with the same
    height and width; `padding: same` keeps them. A block does the same with names and edges of your own.

    Shape: (C, H, W) -> (C1 + C2 + …, H', W'), with Ci the channels of tower i. (C, L) and (C, D, H, W) alike.
    Raises: ShapeError if a tower cannot take the image, changes its number of axes, or ends with other sizes than the first.
    Source: Szegedy et al. 2015, Going deeper with convolutions, figure 2.
    Example: three towers.

        type: inception
        towers:
          - [{type: conv, filters: 64, kernel: 1}, {type: conv, filters: 64, kernel: 3, padding: same}]
          - [{type: conv, filters: 64, kernel: 1}, {type: conv, filters: 64, kernel: 5, padding: same}]
          - [{type: pool, size: 3, stride: 1, padding: same}, {type: conv, filters: 64, kernel: 1}]
    """

    batch = "real"  # a tower may hold `batch_norm`

    type: Literal["inception"]
    towers: Many[Many[Annotated[Node, Lookup("node")]]]
    """Lists of nodes without names. Weights of a node start by `init` of the whole, unless it has one of its own."""

    def shape(self, x: Shape) -> Shape:
        image(x)
        ends = [self._steps(tower, x)[-1][2] for tower in range(len(self.towers))]
        for number, end in enumerate(ends[1:], 2):
            if not same_axes(end.axes[1:], ends[0].axes[1:]):
                raise ShapeError(
                    f"all towers end with the same sizes, but tower 1 gives {ends[0]} and tower {number} gives {end}",
                    field="towers",
                    help="`padding: same` with `stride: 1` keeps the sizes",
                )
        return Shape((total(end.axes[0] for end in ends), *ends[0].axes[1:]))

    def parameters(self, x: Shape) -> dict[str, tuple[Axis, ...]]:
        return {
            f"towers.{tower}.{place}.{name}": size
            for tower in range(len(self.towers))
            for place, (node, given, _) in enumerate(self._steps(tower, x))
            for name, size in node.parameters(given).items()
        }

    def kept(self, x: Shape) -> Axis:
        steps = [step for tower in range(len(self.towers)) for step in self._steps(tower, x)]
        return total([*(node.kept(given) for node, given, _ in steps), *(value.size for _, _, value in steps)])

    def build(self, x: Shape) -> nn.Module:
        from torch import nn

        from nnrun.registry.modules.inception import Inception as Module

        return Module(
            [nn.Sequential(*(node.build(given) for node, given, _ in self._steps(tower, x))) for tower in range(len(self.towers))]
        )

    def _steps(self, tower: int, x: Shape) -> list[tuple[Node, Shape, Shape]]:
        """The nodes of a tower, what each is given and what it gives."""
        steps: list[tuple[Node, Shape, Shape]] = []
        for place, node in enumerate(self.towers[tower], 1):
            name = f"node {place} of tower {tower + 1}, `{node.type_name()}`"
            self._check(node, name)
            if isinstance(node, Trainable) and "init" not in node.model_fields_set and _starts_as_usual(type(node)):
                node = node.model_copy(update={"init": self.init})
            try:
                y = node.shape(x)
            except InputError as error:
                raise ShapeError(f"{name}, {error.message}, got {x}", field="towers", help=error.help) from None
            except ShapeError as error:
                raise ShapeError(f"{name}: {error.message}", field="towers", help=error.help) from None
            if len(y.axes) != len(x.axes):
                raise ShapeError(f"{name}, gives {y}, but a tower keeps its number of axes, those of {x}", field="towers")
            steps.append((node, x, y))
            x = y
        return steps

    def _check(self, node: Node, name: str) -> None:
        simple = node.scope == "tick" and node.inputs == "one" and not (node.outputs or node.readings() or node.ports)
        if not simple:
            raise ShapeError(
                f"{name}, does more than take one image and give one", field="towers", help="a tower holds `conv`, `pool` and the like"
            )
        for option in OF_THE_WHOLE:
            if option in node.model_fields_set:
                raise ShapeError(f"{name}, has an option `{option}`, which stands at the inception node", field="towers")


def _starts_as_usual(cls: type[Trainable]) -> bool:
    """Whether `init` of the whole means anything to it; `batch_norm` has choices of its own."""
    return cls.model_fields["init"].annotation == Trainable.model_fields["init"].annotation
