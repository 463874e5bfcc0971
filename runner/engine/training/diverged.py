"""A training that has left the numbers."""

from __future__ import annotations

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.types.ops import Op


class Diverged(Fault):
    """The loss, a gradient or the weights are no longer finite numbers. `op` is the first node that gave none, where one did."""

    kind = "failed"
    id = "diverged"

    def __init__(self, step: int, message: str, help: str, op: Op | None = None) -> None:
        super().__init__(message, help)
        self.step, self.op = step, op
        self.path = op.path if op is not None else ("train",)

    @staticmethod
    def loss(step: int, op: Op | None) -> Diverged:
        finite = "all nodes gave finite values, so it is the loss itself"
        where = finite if op is None else f"the first node whose values are not finite is `{op.name}`"
        help = "a smaller `lr`, `clip_norm: 1.0` or `normalize: standard` on the data usually mend this"
        return Diverged(step, f"the loss at step {step} is not a finite number; {where}", help, op)

    @staticmethod
    def gradient(step: int, op: Op | None) -> Diverged:
        """The step is not taken: the weights are those of the step before."""
        where = "no node is to blame, so it is the loss itself" if op is None else f"it stops being one on the way back through `{op.name}`"
        help = "a smaller `lr`, `clip_norm: 1.0` or `normalize: standard` on the data usually mend this"
        if op is not None and op.config.formula is not None:
            help = "the slope of `sqrt`, `log`, `/` and `**` has no bound near 0: add a small number within, such as `sqrt(x + 1e-6)`"
        return Diverged(step, f"the gradient at step {step} is not a finite number, though the loss is one; {where}", help, op)

    @staticmethod
    def weights(step: int, op: Op | None) -> Diverged:
        help = "a smaller `lr` usually mends this; for `gaussian_units` also `normalize: standard` on the data"
        where = "" if op is None else f", those of `{op.name}` first"
        return Diverged(step, f"the weights at step {step} are not finite numbers{where}", help, op)
