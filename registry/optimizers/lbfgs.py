"""Steps by the curvature that past steps have met."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.options import Count, NonNegative, Positive
from nnrun.registry.training import Optimizer

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer as TorchOptimizer


@register
class Lbfgs(Optimizer):
    """Go along directions that past gradients tell, as far as the loss falls: for small networks and little data.

    It takes the loss for one that does not change from look to look, so a batch should hold all examples, and every update looks at it many
    times. Batch statistics move with each look.

    Source: Liu and Nocedal 1989, On the limited memory BFGS method for large scale optimization; torch's `LBFGS`.
    """

    searches: ClassVar[bool] = True

    type: Literal["lbfgs"]
    lr: Positive = 1.0
    """Length of a step along its direction; with a line search, of the first that is tried."""
    iterations: Count = 20
    """Most directions of one update; `max_iter` in other libraries."""
    history: Count = 10
    """Steps and changes of the gradient that are remembered, each as large as all weights."""
    line_search: Literal["strong_wolfe", "none"] = "strong_wolfe"
    """How far to go: until the loss falls enough and its slope too (Nocedal and Wright 2006, Numerical optimization, algorithm
    3.5), or always `lr`."""
    tolerance_grad: NonNegative = 1e-7
    """The largest gradient of a weight at which an update ends."""
    tolerance_change: NonNegative = 1e-9
    """The change of loss or weights at which an update ends."""

    @property
    def remembers(self) -> int:
        return 2 * self.history + 2

    def build(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
        from nnrun.registry.modules.optimizers import lean

        return lean(
            "LBFGS",
            parameters,
            lr=self.lr,
            max_iter=self.iterations,
            history_size=self.history,
            line_search_fn=None if self.line_search == "none" else self.line_search,
            tolerance_grad=self.tolerance_grad,
            tolerance_change=self.tolerance_change,
        )
