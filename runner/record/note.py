"""A run's page in MLflow: what it is, the result beside the baseline, how to repeat it."""

from __future__ import annotations

from nnrun.registry.source import Source
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.record.result import Result, shown


def note(plan: Plan, command: str, result: Result | None = None) -> str:
    """The page in Markdown; without a result, as long as the run goes on."""
    lines = [plan.spec.description.strip() or plan.spec.name, ""]
    if result is not None:
        lines += _figures(result)
        early = ", stopped early" if result.stopped_early else ""
        kind = "generated training" if is_generated(plan) else "training"
        sizes = f"{result.parameters:,} parameters, {result.examples:,} {kind} examples"
        lines += [f"{result.steps} steps in {result.seconds:.1f} s{early}; {sizes}.", ""]
    lines += ["To repeat it:", "", f"    {command}"]
    return "\n".join(lines)


def is_generated(plan: Plan) -> bool:
    """Whether the data is made up by its source."""
    source = plan.spec.data.source if plan.spec.data else None
    return isinstance(source, Source) and source.generated


def _figures(result: Result) -> list[str]:
    rows = result.compared
    if not rows:
        return []
    beside = [result.baseline] if result.baseline else []
    lines = [_row(result.part, "this run", *beside), _row(*["---"] * (2 + len(beside)))]
    lines += [_row(row.name, shown(row.figure), *([shown(row.baseline)] if beside else [])) for row in rows]
    return [*lines, ""]


def _row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"
