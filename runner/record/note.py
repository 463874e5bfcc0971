"""A run's page in MLflow: the verdict, the figures beside the baseline's, a picture, how to repeat it."""

from __future__ import annotations

from nnrun.registry.source import Source
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.record.result import Result, shown
from nnrun.runner.tracking.links import RUN_ID, artifact_link

SPACE = "\u2003"
"""Between the cells of a table, whose headings MLflow lets touch each other."""


def note(plan: Plan, command: str, result: Result | None = None, why: str | None = None, picture: str | None = None) -> str:
    """The page in Markdown. MLflow folds all but its first line: that is the verdict, or `why` the run broke off.

    Without a result, as long as the run goes on. `picture` is an artifact to show.
    """
    lines = [f"**{verdict(result)}**", ""] if result is not None else [f"**{why}**", ""] if why else []
    lines += [plan.spec.description.strip() or plan.spec.name, ""]
    if result is not None:
        lines += _figures(result)
        early = ", stopped early" if result.stopped_early else ""
        kind = "generated training" if is_generated(plan) else "training"
        sizes = f"{result.parameters:,} parameters, {result.examples:,} {kind} examples"
        lines += [f"{result.steps} steps in {result.seconds:.1f} s{early}; {sizes}.", ""]
    if picture is not None:
        lines += [f"![{picture}]({artifact_link(RUN_ID, picture)})", ""]
    lines += ["To repeat it:", "", f"    {command}"]
    return "\n".join(lines)


def verdict(result: Result) -> str:
    """What came of a run in a line: `test accuracy 0.981, logistic regression 0.983`."""
    wanted = result.objective.partition("/")[2]
    row = next((row for row in result.compared if row.name == wanted), next(iter(result.compared), None))
    if row is None:
        return f"{result.objective} {shown(result.figures.get(result.objective))}"
    beside = f", {result.baseline} {row.baseline:.4g}" if row.baseline is not None and result.baseline else ""
    return f"{result.part} {row.name} {row.figure:.4g}{beside}"


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
    return f"| {' | '.join(cell if cell == '---' else f'{cell}{SPACE}' for cell in cells)} |"
