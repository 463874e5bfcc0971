"""The warning that a training needs more memory than this machine has."""

from __future__ import annotations

from nnrun.runner.compiler.memory import machine
from nnrun.runner.compiler.memory.needs import in_gib, needed
from nnrun.runner.compiler.memory.remedy import remedy
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.diagnostic import Place, Report


def check_memory(plan: Plan, report: Report) -> None:
    """Warn of a plan that this machine's memory does not hold, as far as sizes are known."""
    ticks = {name: longest for name, field in plan.fields.items() if (longest := getattr(field, "max_length", None)) is not None}
    memory, there = needed(plan, ticks=ticks), machine.installed()
    if memory.total > there:
        headline = f"the training needs about {in_gib(memory.total)} of memory, and this machine has {in_gib(there)}"
        report.add("much-memory", headline, at=Place(memory.largest.path, "key"), help=remedy(memory), severity="warning")
