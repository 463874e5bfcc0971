"""What runs a program, by the kind of execution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from nnrun.runner.compiler.loops.execution import Kind
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.engine.loops import eager, native
from nnrun.runner.engine.loops.graphed import Graphed
from nnrun.runner.engine.loops.inputs import Inputs


def executions() -> Mapping[Kind, Callable[[Program, Inputs], dict[str, Tensor]]]:
    """For one loop, or the cells of one node."""
    return {"native": native.run, "eager": eager.run, "graphed": Graphed().run}
