"""A checked spec to look at."""

from __future__ import annotations

from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.face.printed import printed
from nnrun.runner.show.drawing import graph_svg
from nnrun.runner.show.loops import plan_text
from nnrun.runner.show.tables import plan_table


class Drawing:
    """A spec without errors: prints as `nnrun show` does, and is its graph in a notebook."""

    def __init__(self, checked: Checked, plan: Plan) -> None:
        self.checked, self.plan = checked, plan

    @property
    def parameters(self) -> int | str:
        """Numbers that training changes; a formula over the names of what only the data tells."""
        return self.plan.size

    @property
    def order(self) -> str:
        """What is computed, in order, and what became of each loop: `nnrun show --plan`."""
        return plan_text(self.plan)

    @property
    def resolved(self) -> str:
        """The spec with all defaults filled in."""
        return resolved_text(self.plan)

    @property
    def svg(self) -> str:
        """The graph."""
        return graph_svg(self.checked)

    def __str__(self) -> str:
        return printed(plan_table(self.plan))

    __repr__ = __str__

    def _repr_svg_(self) -> str:
        return self.svg
