"""Whether the baseline that a spec asks for can be computed beside its network."""

from __future__ import annotations

from nnrun.registry.objective import SequenceMetric
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.graph.objectives import Objective
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.types.shapes import Typed


def check_baseline(spec: Spec, graph: Graph, typed: Typed, report: Report) -> None:
    """Refuse what would be left out in silence: only what is asked for is computed."""
    wanted = spec.track.baseline
    if wanted in ("none", "simple") or not report.ok or spec.train is not spec.stages[-1]:
        return
    why = _why_not_judged(graph) or (_why_not_foreseen(graph, typed) if wanted == "ngram" else _why_not_fitted(graph, typed, wanted))
    if why is not None:
        help = "`baseline: simple` guesses what is commonest, and `none` leaves it out"
        report.add("not-supported-yet", f"`baseline: {wanted}` {why}", at=("track", "baseline"), help=help)


def _why_not_judged(graph: Graph) -> str | None:
    """What stands in the way of judging any, or None."""
    if not any(one.has_target for one in (*graph.losses, *graph.metrics)):
        return "learns what a loss or metric compares with, and none has a target"
    if all(isinstance(metric.config, SequenceMetric) for metric in graph.metrics):
        return "is judged by `metrics`, and there are none" + " of single tokens" * bool(graph.metrics)
    return None


def _first(graph: Graph) -> Objective:
    """What a baseline foresees: the target of the first loss that has one, else of a metric."""
    return next(one for one in (*graph.losses, *graph.metrics) if one.has_target)


def _why_not_foreseen(graph: Graph, typed: Typed) -> str | None:
    """What stands in the way of an n-gram, or None."""
    loss = _first(graph)
    target = typed.values[loss.target.value]
    if target.kind != "token":
        return f"foresees the tokens of a text, and `{loss.target}` is {target}"
    for metric in graph.metrics:
        same = (metric.input.value, metric.target.value) == (loss.input.value, loss.target.value)
        if not same and not isinstance(metric.config, SequenceMetric):
            return f"is judged as `{loss.input}` is, and `{metric.config.label}` judges `{metric.input}`: this is not supported yet"  # type: ignore[union-attr]
    return None


def _why_not_fitted(graph: Graph, typed: Typed, wanted: str) -> str | None:
    """What stands in the way of a model that is fitted, or None."""
    loss = _first(graph)
    target = typed.values[loss.target.value]
    forecast = loss.target.port == "next" and target.kind == "number"
    if (target.time is not None and not forecast) or (target.kind != "number" and target.axes):
        return f"gives one answer for an example, and `{loss.target}` is {target}: this is not supported yet"
    for metric in graph.metrics:
        if (metric.input.value, metric.target.value) != (loss.input.value, loss.target.value):
            return f"is judged as `{loss.input}` is, and `{metric.config.label}` judges `{metric.input}`: this is not supported yet"  # type: ignore[union-attr]
    for name in {edge.source.name: None for node in graph.nodes.values() for edge in node.edges if edge.source.name in graph.fields}:
        shape = typed.values[name]
        if wanted == "boosting" and typed.fields[name].type_name() == "text":
            return f"reads numbers and categories, and `{name}` is a text: `linear` reads its words"
        if typed.fields[name].type_name() != "text" and shape.time is not None and shape.ticks is None:
            return f"reads the same numbers in each example, and `{name}` has any number of ticks: this is not supported yet"
    return None
