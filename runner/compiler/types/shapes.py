"""A value type on every edge, by asking each node's rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nnrun.registry.field import Facts, Field
from nnrun.registry.node import Node, Trainable
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, product, same_axes
from nnrun.runner.compiler.graph.cycles import Loop
from nnrun.runner.compiler.graph.graph import Graph, GraphNode
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import nearest, repair
from nnrun.runner.compiler.types.advice import input_help, unclamped_help
from nnrun.runner.compiler.types.axes import Seen, seen_by
from nnrun.runner.compiler.types.fields import check_split, check_target, check_vocabularies, check_window, complete_fields, type_fields
from nnrun.runner.compiler.types.files import check_files
from nnrun.runner.compiler.types.judged import check_objective
from nnrun.runner.compiler.types.loop_shapes import outline_loop
from nnrun.runner.compiler.types.odd import odd_one_out

MOST_NUMBERS = 2**40
"""In one array: 4 TiB."""


@dataclass(frozen=True, slots=True)
class TypedNode:
    """A node with all sizes settled, as far as they can be known."""

    config: Node
    inputs: tuple[Shape, ...]
    """What arrives over the main input, as the node's rule saw it."""
    ports: Mapping[str, Shape]
    shape: Shape
    outputs: Mapping[str, Shape]
    """Values beside the main one."""
    parameters: Mapping[str, tuple[Axis, ...]]


@dataclass(frozen=True)
class Typed:
    """The types of a graph. What is wrong, or reads what is wrong, is missing."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    """The data's fields, completed by what their source knows."""
    values: Mapping[str, Shape] = field(default_factory=dict)
    """Types of `field`, `field.next`, `node` and `node.output`."""
    nodes: Mapping[str, TypedNode] = field(default_factory=dict)
    judged: bool = True
    """Whether all losses go with what they compare."""


def infer_shapes(spec: Spec, graph: Graph, facts: Mapping[str, Facts], report: Report, folder: Path | None = None) -> Typed:
    """Types of all values. `facts` are what the training data taught, by field; before it is read they are empty, and files in the spec's
    `folder` are looked at."""
    chosen = {getattr(node.config, "target", "") for node in graph.nodes.values() if node.config is None or not node.config.spelled}
    fields = complete_fields(spec.data, chosen, report)
    known = facts or check_files(spec.data, fields, folder, report)
    sound = check_vocabularies(fields, report)
    inference = _Inference(spec, graph, fields, type_fields(spec.data, sound, known, report), report)
    check_window(spec.data, report)
    check_split(spec.data, inference.values, report)
    first = {next(name for name in graph.order if name in loop.nodes): loop for loop in graph.loops}
    for name in graph.order:
        if name in first:
            inference.outline(first[name])
        inference.type_node(graph.nodes[name])
    for name in graph.order:
        inference.check_share(graph.nodes[name])
        inference.check_delays(graph.nodes[name])
        inference.check_start(graph.nodes[name])
        inference.check_scores(graph.nodes[name])
    judged = graph.losses if spec.train is None or getattr(spec.train.learner, "needs_loss", True) else ()
    right = [check_target(loss, fields, report) and check_objective(loss, graph, inference.values, report) for loss in judged]
    for metric in graph.metrics:
        if all(right) or metric.config.input is not None or metric.config.target is not None:
            check_objective(metric, graph, inference.values, report)
    return Typed(fields, inference.values, inference.nodes, all(right))


@dataclass
class _Inference:
    spec: Spec
    graph: Graph
    fields: Mapping[str, Field]
    values: dict[str, Shape]
    report: Report
    nodes: dict[str, TypedNode] = field(default_factory=dict)
    told: set[tuple[Place, str | None]] = field(default_factory=set)
    """Where an edge starts that a node refuses, with the repair."""

    @property
    def series(self) -> dict[str, bool]:
        """The fields of this type, and whether each is predicted."""
        predicted = {loss.target.name for loss in self.graph.losses if loss.target.port == "next"}
        return {name: name in predicted for name, config in self.fields.items() if config.type_name() == "series"}

    def type_node(self, node: GraphNode) -> None:
        config = self.sized(node)
        if config is None or not node.whole or any(edge.source.value not in self.values for edge in node.edges):
            return
        seen = seen_by(node, config, self.values, self.graph, self.report, self.series)
        if seen is None:
            return
        try:
            typed = _typed(config, seen)
        except ShapeError as error:
            self.refuse(node, error, self.values)
            return
        arrays = [typed.shape.size, *(product(sizes) for sizes in typed.parameters.values())]
        if any(isinstance(size, int) and size > MOST_NUMBERS for size in arrays):
            headline = f"`{node.name}` needs an array of more than {MOST_NUMBERS} numbers"
            self.report.add("too-large", headline, at=Place(node.path, "key"), notes=node.notes)
            return
        self.nodes[node.name] = typed
        self.values[node.name] = typed.shape
        self.values |= {f"{node.name}.{output}": shape for output, shape in typed.outputs.items()}

    def outline(self, loop: Loop) -> None:
        """Settle the types of a loop's values, so that its nodes can be typed one after the other."""
        nodes = [self.graph.nodes[name] for name in self.graph.order if name in loop.nodes]
        configs = {node.name: config for node in nodes if (config := self.sized(node)) is not None}
        spare = [node.name for node in self.graph.unread]
        self.values |= outline_loop(loop, nodes, configs, self.values, self.report, self.refuse, spare)

    def sized(self, node: GraphNode) -> Node | None:
        """The configuration, with `units` taken from a field where it names one."""
        config = node.config
        name = getattr(config, "units", None)
        if config is None or not isinstance(name, str):
            return config
        fields = self.spec.data.fields if self.spec.data else {}
        shape = self.values.get(name)
        if name.partition(".")[0] not in fields:
            if fields:
                headline = f"`units` takes a number or the name of a field, and no field is named `{name}`"
                help = repair(name, fields, "field")
                self.report.add("unknown-name", headline, at=(*node.path, "units"), help=help, notes=node.notes)
            return None
        if shape is None:
            if name not in fields and not self.report.blames(("data",)):
                headline = f"`units` takes a number or the name of a field, got `{name}`"
                self.report.add("unknown-port", headline, at=(*node.path, "units"), notes=node.notes)
            return None
        symbols = shape.classes if shape.kind != "number" else None
        return config.model_copy(update={"units": shape.size if symbols is None else symbols})

    def refuse(self, node: GraphNode, error: ShapeError, shapes: Mapping[str, Shape]) -> None:
        """Report what a node does not take; `shapes` are those of what it reads, as far as they are known."""
        if isinstance(error, InputError):
            self.report_input(node, error, shapes)
            return
        at = Place((*node.path, error.field)) if error.field else Place(node.path, "key")
        known = [edge for edge in node.edges if edge.source.value in shapes]
        arriving = [(edge.at, f"{shapes[edge.source.value]} arrives here") for edge in known[:3]]
        help = unclamped_help(node, self.graph) or error.help
        self.report.add(error.id, f"`{node.name}`: {error.message}", at=at, notes=[*arriving, *node.notes], help=help)

    def report_input(self, node: GraphNode, error: InputError, shapes: Mapping[str, Shape]) -> None:
        edge = node.ports[error.port] if error.port else node.inputs[error.position]
        shape = shapes[edge.source.value]
        help = error.over_time if shape.time is not None and error.over_time is not None else error.help
        headline, arrives = f"`{edge.target}` takes {error.wanted}, but `{edge.source}` gives {shape}", f"{shape} arrives here"
        if not error.port and (odd := odd_one_out(node, self.graph, shapes)) is not None:
            notes = [(edge.at, arrives), *node.notes]
            self.report.add(error.id, headline, at=odd.at, label=f"gives {odd.shape}", notes=notes, help=odd.help)
            return
        help = input_help(node, edge, help, self.graph, shapes) or help
        if (edge.source_at, help) in self.told:
            return  # the same value goes to several nodes, none of which takes it
        self.told.add((edge.source_at, help))
        notes = [(self.graph.place(edge.source.name), "made here"), *node.notes]
        self.report.add(error.id, headline, at=edge.at, label=arrives, notes=notes, help=help)

    def check_share(self, node: GraphNode) -> None:
        config = node.config
        if not isinstance(config, Trainable) or config.share is None:
            return
        at = (*node.path, "share")
        other = shared(node.name, config.share, self.graph)
        if other not in self.graph.nodes or other == node.name:
            meant = nearest(config.share, [name for name in self.graph.nodes if name != node.name])
            help = f"a node `{meant}` exists" if meant else None
            self.report.add("unknown-name", f"`share` takes the name of another node, got `{config.share}`", at=at, help=help)
            return
        mine, theirs = self.nodes.get(node.name), self.nodes.get(other)
        if mine is None or theirs is None:
            return
        if type(mine.config) is not type(theirs.config) or dict(mine.parameters) != dict(theirs.parameters):
            self.report.add(
                "shape-mismatch",
                f"`{node.name}` shares the weights of `{other}`, but theirs differ: {_sizes(mine)} and {_sizes(theirs)}",
                at=at,
                notes=[(self.graph.place(other), "the other")],
                help="both need the same type, options and inputs",
            )
        elif isinstance(theirs.config, Trainable) and theirs.config.share is not None:
            self.report.add("conflicting-keys", f"`{other}` shares its weights itself", at=at, help=f"write `share: {theirs.config.share}`")

    def check_delays(self, node: GraphNode) -> None:
        """A value is not read later than its sequence is long, unless sequences are continued."""
        if self.spec.train is None or self.spec.train.carry_state:
            return
        for edge in node.edges:
            shape = self.values.get(edge.source.value)
            if shape is not None and shape.ticks is not None and edge.source.delay >= shape.ticks:
                headline = (
                    f"`{edge.source}` reads {edge.source.delay} ticks ago, but `{shape.time}` has {shape.ticks} ticks: it never sees one"
                )
                help = f"a delay below {shape.ticks}, or a longer `window` under `data`"
                self.report.add("out-of-range", headline, at=edge.source_at, notes=node.notes, help=help)

    def check_start(self, node: GraphNode) -> None:
        """What a value was before the first tick is as the value itself."""
        shape = self.values.get(node.name)
        if shape is None:
            return
        if shape.kind != "number" and (node.start or node.learned):
            headline = f"`{node.name}` has no start value to choose: it is {shape.tick}"
            self.report.add("shape-mismatch", headline, at=Place(node.path, "key"), notes=node.notes)
        if node.initial is None or node.initial.source.value not in self.values:
            return
        given = self.values[node.initial.source.value]
        if given.time is not None or given.kind != "number" or not same_axes(given.axes, shape.axes):
            help = (
                "a `last` or `pool_time` node between them gives one value"
                if given.time
                else "a `linear` node between them changes the size"
            )
            self.report.add(
                "shape-mismatch",
                f"`{node.initial.target}` takes {shape.tick}, without ticks, but `{node.initial.source}` gives {given}",
                at=node.initial.at,
                label=f"{given} arrives here",
                notes=[(self.graph.place(node.initial.source.name), "made here"), *node.notes],
                help=help,
            )

    def check_scores(self, node: GraphNode) -> None:
        """What a choice chooses from has a score for each symbol at each tick of the target, or of another axis if it is spelled."""
        if node.config is None or node.scores is None or node.scores.source.value not in self.values or node.name not in self.values:
            return
        scores, chosen = self.values[node.scores.source.value], self.values[node.name]
        symbols = chosen.classes if chosen.classes is not None else "?"
        spelled, along = node.config.spelled, scores.time == chosen.time
        timed = scores.time is not None and not along if spelled else along
        if scores.kind == "number" and same_axes(scores.axes, (symbols,)) and timed:
            return
        target = getattr(node.config, "target", "")
        wanted = f"{symbols} scores at each tick of {'another axis than ' * spelled}`{chosen.time}`"
        self.report.add(
            "shape-mismatch",
            f"`{node.name}` takes {wanted}, but `{node.scores.source}` gives {scores}",
            at=node.scores.at,
            label=f"{scores} arrives here",
            notes=[(self.graph.place(node.scores.source.name), "made here"), *node.notes],
            help=_other_decider(spelled, scores, along) or f"a `linear` node with `units: {target}` gives them",
        )


def _other_decider(spelled: bool, scores: Shape, along: bool) -> str | None:
    """The node that takes scores which lie along the ticks that they have, where another one was given them."""
    if scores.time is None or along != spelled:
        return None
    return "`type: choice` chooses at each tick of its text" if along else "`type: transcript` reads a text out of scores along another one"


def shared(name: str, share: str, graph: Graph) -> str:
    """The full name of the node that `share` names: inside a block, first one of the same block."""
    prefix = name.rpartition("/")[0]
    beside = f"{prefix}/{share}"
    return beside if prefix and beside in graph.nodes else share


def _typed(config: Node, seen: Seen) -> TypedNode:
    """Raises: ShapeError."""
    shape = config.shape(*seen.inputs, **seen.ports)
    outputs = {output: config.output_shape(output, *seen.inputs, **seen.ports) for output in config.outputs}
    parameters = config.parameters(*seen.inputs, **seen.ports)
    if config.scope == "tick":
        shape = shape.along(seen.time, seen.ticks)
    return TypedNode(config, seen.inputs, seen.ports, shape, outputs, parameters)


def _sizes(node: TypedNode) -> str:
    return ", ".join(f"{name} {'x'.join(map(str, sizes))}" for name, sizes in node.parameters.items()) or "none"
