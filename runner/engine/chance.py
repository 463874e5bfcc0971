"""Operations that `train.deterministic` refuses."""

from __future__ import annotations

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.types.ops import Op

SAID = "does not have a deterministic implementation"
"""How torch refuses an operation, in an exception that also means other things."""


class NotDeterministic(Fault):
    """The spec asks for results that do not differ from run to run, and torch has no such way to compute one."""

    kind = "failed"
    id = "not-deterministic"
    path: tuple[str | int, ...] | None = ("train", "deterministic")


def refuse_chance(error: Exception, op: Op | None = None) -> None:
    """Say what torch refused, and at which node, where one is known. Raises: NotDeterministic, if that is what happened."""
    text = str(error)
    if isinstance(error, RuntimeError) and SAID in text:
        where = f" in `{op.name}`" if op is not None else ""
        what = text.partition(SAID)[0].strip()
        help = "`deterministic: false` lets it be, and `device: cpu` has a deterministic way for most operations"
        raise NotDeterministic(f"`deterministic: true`, but `{what}`{where} may give other results from run to run", help) from error
