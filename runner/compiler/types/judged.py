"""Whether losses and metrics go with the values that they compare."""

from __future__ import annotations

from collections.abc import Mapping

from nnrun.registry.algebra.ticks import origin
from nnrun.registry.group import Group
from nnrun.registry.objective import Metric, TickMetric
from nnrun.registry.shape import InputError, Shape, ShapeError
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.graph.objectives import Objective
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import listed
from nnrun.runner.compiler.types.axes import ENDS


def check_objective(objective: Objective, graph: Graph, values: Mapping[str, Shape], report: Report) -> bool:
    """Whether a loss or metric goes with what it compares; where that cannot be told, it does."""
    input, target = values.get(objective.input.value), values.get(objective.target.value)
    if input is None or target is None:
        return True
    kind = "metric" if isinstance(objective.config, Metric) else "loss"
    name = objective.config.type_name()
    if kind == "loss" and _is_clamped(objective.input.name, graph):
        headline = f"`{name}` judges `{objective.input}`, a group of units that is clamped: it gives back what it was given"
        help = "an energy network has no loss: write `learner: contrastive_divergence` in place of it"
        notes = [(graph.place(objective.input.name), "a group")]
        report.add("learner-mismatch", headline, at=(*objective.path, "input"), notes=notes, help=help)
        return False
    check_ticks = _check_whole if getattr(objective.config, "whole", False) else _check_ticks
    if not check_ticks(objective, input, target, graph, values, report):
        return False
    if isinstance(objective.config, Metric) and _is_taught_numbers(objective, objective.config, target, graph, report):
        return False
    try:
        objective.config.check(input.tick, target.tick)
    except InputError as error:
        key, value, shape = [("input", objective.input, input), ("target", objective.target, target)][error.position]
        headline = f"the {kind} `{name}` takes {error.wanted}, but `{value}` gives {shape}"
        notes = [(graph.place(value.name), "made here")]
        other = _other_input(objective, target, graph, values) if key == "input" else None
        report.add(error.id, headline, at=(*objective.path, key), notes=notes, help=other or error.help)
        return False
    except ShapeError as error:
        at = (*objective.path, error.field or "input")
        report.add(error.id, f"the {kind} `{name}`: {error.message}", at=at, help=error.help)
        return False
    return not (isinstance(objective.config, TickMetric) and _is_no_tag(objective, target, graph, report))


def _is_no_tag(objective: Objective, target: Shape, graph: Graph, report: Report) -> bool:
    """Whether a metric of tags is given something without ticks, or without names; a finding if so."""
    name, judged = objective.config.type_name(), objective.target
    if target.time is None:
        why, help = "and it has no ticks", "a `category` with `along: FIELD` has a tag at each tick of it; `f1` judges one class a row"
    elif judged.name not in graph.fields:
        why, help = "and it is no field, whose tags have names", "name a field of type `category`"
    else:
        return False
    headline = f"`{name}` judges the spans that the tags of `{judged}` mark, {why}"
    report.add("shape-mismatch", headline, at=(*objective.path, "target"), help=help)
    return True


def _check_ticks(objective: Objective, input: Shape, target: Shape, graph: Graph, values: Mapping[str, Shape], report: Report) -> bool:
    """Whether values that are compared tick by tick have the same ticks, as far as they have some."""
    if input.time != target.time:
        _report_ticks(objective, input, target, graph, values, report)
        return False
    weights = values.get(objective.weights) if objective.weights is not None else None
    if weights is not None and weights.time not in (None, input.time):
        name = objective.config.type_name()
        headline = f"`{name}` judges `{objective.input}`, {input}, and `{objective.weights}` weighs each tick of `{weights.time}`"
        help = f"leave out `along` of `{objective.weights}`: it then weighs whole examples"
        report.add("shape-mismatch", headline, at=(*objective.path, "example_weights"), help=help)
        return False
    return True


def _check_whole(objective: Objective, input: Shape, target: Shape, graph: Graph, values: Mapping[str, Shape], report: Report) -> bool:
    """Whether a loss of whole sequences gets two of them, along axes of their own, and something writes what it teaches."""
    name, path = objective.config.type_name(), objective.path
    compares = f"`{name}` compares `{objective.input}`, {input}, with `{objective.target}`, {target}"
    if objective.target.value not in graph.fields:
        report.add("shape-mismatch", compares, at=(*path, "target"), help="its target is a field of type `text`")
        return False
    if input.time is None or target.time is None or input.time == target.time:
        help = "the scores lie along frames: a `series`, a `video` or another text"
        if target.time is None:
            help = "its target is a field of type `text`"
        elif input.time is not None:
            help = "where a symbol is told at each tick, `cross_entropy` judges it"
        report.add("shape-mismatch", compares, at=(*path, "input" if target.time is not None else "target"), help=help)
        return False
    weights = values.get(objective.weights) if objective.weights is not None else None
    if weights is not None and weights.time is not None:
        headline = f"`{name}` judges whole texts, and `{objective.weights}` weighs each tick of `{weights.time}`"
        help = f"leave out `along` of `{objective.weights}`: it then weighs whole examples"
        report.add("shape-mismatch", headline, at=(*path, "example_weights"), help=help)
        return False
    writers = [node for node in graph.nodes.values() if node.config is None or node.config.decides]
    if not any(node.config is None or getattr(node.config, "target", "") == objective.target.name for node in writers):
        headline = f"`{name}` teaches `{objective.input}` to spell `{objective.target}`, and nothing writes it"
        way = f"`{objective.input} -> written`, with `written: {{type: transcript, target: {objective.target}}}` under `nodes`"
        report.add("missing-key", headline, at=path, help=f"write {way}")
        return False
    return True


def _is_taught_numbers(objective: Objective, metric: Metric, target: Shape, graph: Graph, report: Report) -> bool:
    """Whether a metric of classes judges what a loss teaches to be a number; one finding for all such metrics if so."""
    pair = objective.input, objective.target
    losses = [loss for loss in graph.losses if (loss.input, loss.target) == pair]
    teacher = next((loss for loss in losses if getattr(loss.config, "numbers", False)), None)
    if not metric.logits or target.kind != "number" or teacher is None:
        return False
    same = [one for one in graph.metrics if (one.input, one.target) == pair and getattr(one.config, "logits", False)]
    if same[0] is not objective:
        return True
    counting = listed(one.config.type_name() for one in same)
    what = f"{counting} {'counts' if len(same) == 1 else 'count'} right classes, and `{objective.target}` is a number"
    there = {other.config.type_name() for other in graph.metrics}
    others = [f"`{name}`" for name in ("rmse", "mae", "r2") if name not in there]
    help = f"write {' or '.join(others)} in place of {'it' if len(same) == 1 else 'them'}" if others else "leave it out"
    if target.size == 1:
        help = f"{help}; numbers that stand for classes are a field `{{type: category}}`, with the loss `cross_entropy`"
    notes = [
        (Place(teacher.path), f"`{teacher.config.type_name()}` teaches a number"),
        *((Place(one.path), "this too") for one in same[1:]),
    ]
    report.add("shape-mismatch", what, at=objective.path, notes=notes, help=help)
    return True


def _is_clamped(name: str, graph: Graph) -> bool:
    node = graph.nodes.get(name)
    return node is not None and isinstance(node.config, Group) and bool(node.inputs)


def _report_ticks(objective: Objective, input: Shape, target: Shape, graph: Graph, values: Mapping[str, Shape], report: Report) -> None:
    """The one has ticks, or other ticks, and the other has not."""
    headline = f"`{objective.config.type_name()}` compares `{objective.input}`, {input}, with `{objective.target}`, {target}"
    key, next_tick, notes = "input", f"{objective.target.value}.next", list[tuple[Place, str]]()
    if input.time is None and next_tick in values:
        key, help = "target", f"the value behind the window is called `{next_tick}`: write `target: {next_tick}`"
    elif (other := _other_input(objective, target, graph, values)) is not None:
        help = other
    elif input.time is not None and origin(input.time) == target.time:
        help = f"`stride`, `size` or `padding: valid` on its way gave it other ticks than `{target.time}` has: leave them out"
    elif None not in (input.time, target.time) and target.kind == "token":
        help = "`ctc` teaches whole texts that lie along another axis; `exact_match` and `character_error_rate` judge them when written"
    elif target.time is not None:
        help = f"the target is judged at each tick of `{target.time}`"
    else:
        help = "a `last` or `pool_time` node before makes one value of a sequence"
        edge = _leaving_time(objective.input.name, graph, values)
        if edge is not None:
            read = {other.source.name for other in graph.edges}
            spare = [node for node in graph.nodes.values() if not node.edges and node.name not in read]
            idle = [node.name for node in spare if node.config is not None and node.config.type_name() in ENDS]
            name = next(name for name in (*idle, "end", "final", "last_tick") if name in idle or name not in graph.nodes)
            way = f"{edge.source} -> {name} -> {edge.target}"
            line = "" if name in idle else f", with `{name}: {{type: last}}` under `nodes`"
            help = f"write `{way}`{line}: `last` makes one value of a sequence, as `pool_time` does"
            notes = [(edge.at, "where the ticks should end")]
    report.add("shape-mismatch", headline, at=(*objective.path, key), notes=notes, help=help)


def _leaving_time(name: str, graph: Graph, values: Mapping[str, Shape]) -> Edge | None:
    """Where what runs along time is followed by what runs at each tick alone, on the way to a value."""
    seen: set[str] = set()
    while name in graph.nodes and name not in seen:
        seen.add(name)
        node = graph.nodes[name]
        timed = [edge for edge in node.inputs if not edge.source.delay and values[edge.source.value].time is not None]
        if node.config is None or node.config.scope == "time" or len(timed) != 1:
            return None
        source = graph.nodes.get(timed[0].source.name)
        if source is None or (source.config is not None and source.config.scope == "time"):
            return timed[0]
        name = source.name
    return None


def _other_input(objective: Objective, target: Shape, graph: Graph, values: Mapping[str, Shape]) -> str | None:
    """The last node whose value a loss would take, where it was given another."""
    for name in reversed(graph.order):
        shape = values.get(name)
        if shape is not None and shape.time == target.time and _takes(objective, shape, target):
            return f"`{name}` gives {shape}: write `input: {name}`"
    return None


def _takes(objective: Objective, input: Shape, target: Shape) -> bool:
    try:
        objective.config.check(input.tick, target.tick)
    except ShapeError:
        return False
    return True
