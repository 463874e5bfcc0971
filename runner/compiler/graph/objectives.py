"""What a network is judged by: losses and metrics with the values they compare, and the figures they give."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nnrun.registry.catalog import Broken, find
from nnrun.registry.group import Group
from nnrun.registry.objective import Loss, Metric, SequenceMetric, TargetLoss
from nnrun.registry.training import Learner, Watching
from nnrun.runner.compiler.graph.names import Declared, Flat
from nnrun.runner.compiler.language.edges import Reference, mentioned
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Path, Place, Report
from nnrun.runner.compiler.text.words import listed, nearest, repair


@dataclass(frozen=True, slots=True)
class Objective:
    """A loss or metric with the values it compares."""

    config: Loss | Metric
    input: Reference
    target: Reference
    path: Path
    weights: str | None = None
    """The field that says how much each example counts."""

    @property
    def has_target(self) -> bool:
        """Whether it compares with another value: a loss of type `minimise` judges its input alone, which then stands for the target."""
        return self.input != self.target


def loss_labels(losses: Sequence[Loss]) -> tuple[str, ...]:
    """How each of several losses is logged; one alone has no name but `loss`."""
    if len(losses) < 2:
        return ()
    plain = [loss.name or loss.type_name() for loss in losses]
    often = Counter(plain)
    known = [name if often[name] == 1 or loss.name else f"{name}_{loss.input}" for name, loss in zip(plain, losses, strict=True)]
    often = Counter(known)
    full = [
        f"{name}_{loss.target}" if often[name] > 1 and isinstance(loss, TargetLoss) and not loss.name else name
        for name, loss in zip(known, losses, strict=True)
    ]
    return tuple(f"loss_{re.sub(r'[./]', '_', name)}" for name in full)


def resolve_objectives(spec: Spec, flat: Flat, report: Report) -> tuple[tuple[Objective, ...], tuple[Objective, ...]]:
    """The losses and the metrics that are right."""
    if spec.train is None:
        return (), ()
    missing = spec.train.loss is None and getattr(spec.train.learner, "needs_loss", False)
    if missing and not report.blames(("train", "loss")) and ("train",) not in report.elsewhere:
        teacher, at, where = _likely_teacher(spec, flat), Place(("train",), "key"), "under `train`"
        if teacher.startswith("learner") and "learner" in spec.train.model_fields_set:
            at, where = Place(("train", "learner")), "in place of it"
        report.add("missing-loss", "the training has no loss", at=at, help=f"write `{teacher}` {where}")
    losses = []
    for index, loss in enumerate(spec.train.loss or ()):
        path: Path = ("train", "loss", index)
        if isinstance(loss, Broken):
            continue
        input = _value(loss.input, (*path, "input"), spec, flat, report)
        target = _value(loss.target, (*path, "target"), spec, flat, report) if isinstance(loss, TargetLoss) else input
        if input and target and _is_weighed(loss, path, spec, report):
            losses.append(Objective(loss, input, target, path, loss.example_weights))
    first = next((loss for loss in losses if loss.has_target), None)
    choice = next((_chosen(node) for node in flat.nodes.values() if node.config is not None and node.config.decides), None)
    metrics = []
    for index, metric in enumerate(spec.metrics or ()):
        path = ("metrics", index)
        if isinstance(metric, Broken):
            continue
        defaults = (first.input, first.target) if first else (None, None)
        if isinstance(metric, SequenceMetric):
            if choice is None and any(node.config is None for node in flat.nodes.values()):
                continue  # it may be the choice, and is reported
            if choice is None and any(isinstance(loss.config, Loss) and loss.config.whole for loss in losses):
                continue  # nothing writes what it teaches, and that is reported
            if choice is None:
                headline = f"`{metric.type_name()}` judges what a network writes, and this one has no `choice`"
                report.add("missing-key", headline, at=path, help="a node of type `choice` makes symbols of scores")
                continue
            if spec.data is not None and spec.data.streamed == choice[1].name:
                headline = f"`{metric.type_name()}` judges whole texts, and `window` cuts `{choice[1].name}` into pieces"
                report.add("conflicting-keys", headline, at=path, help="`bits_per_character` or `perplexity` judges each token")
                continue
            defaults = choice
        ends = [
            _value(text, (*path, key), spec, flat, report) if text is not None else default
            for key, text, default in (("input", metric.input, defaults[0]), ("target", metric.target, defaults[1]))
        ]
        if None in (*ends, metric.input, metric.target) and losses and first is None:
            headline = f"`{metric.type_name()}` has no loss with a target to go by"
            report.add("missing-key", headline, at=path, help="say what it compares: `input: NODE, target: FIELD`")
        if ends[0] and ends[1]:
            metrics.append(Objective(metric, ends[0], ends[1], path))
    _check_figures(spec, report)
    return tuple(losses), tuple(metrics)


def _likely_teacher(spec: Spec, flat: Flat) -> str:
    """What a spec without a loss probably wants: a learner, where all that it has are groups with symmetric edges."""
    symmetric = [edge for edge in flat.edges if edge.kind == "symmetric"]
    trained = [flat.nodes[name] for name in (spec.train and spec.train.nodes) or flat.nodes if name in flat.nodes]
    if not symmetric or not all(isinstance(node.config, Group) for node in trained):
        return f"loss: {_likely_loss(spec, flat)}"
    spins = {node.config.type_name() for node in trained if node.config is not None} == {"bipolar_units"}
    return f"learner: {'hebbian' if spins and len(trained) == 1 else 'contrastive_divergence'}"


def _likely_loss(spec: Spec, flat: Flat) -> str:
    """The loss that a spec without one probably wants: on the one node that nothing reads, against the one field that nothing reads."""
    read = {edge.source.name for edge in flat.edges}
    nodes = [name for name in flat.nodes if name not in read]
    fields = {name: field for name, field in (spec.data.fields if spec.data else {}).items() if name not in read}
    if len(nodes) != 1 or len(fields) != 1:
        return "{type: …, input: NODE, target: FIELD}"
    ((target, field),) = fields.items()
    symbols = not isinstance(field, Broken) and field.type_name() in ("category", "text")
    return f"{{type: {'cross_entropy' if symbols else 'mse'}, input: {nodes[0]}, target: {target}}}"


def _chosen(node: Declared) -> tuple[Reference, Reference]:
    """What a choice gives, and what it should have been."""
    return Reference(node.name), Reference(str(getattr(node.config, "target", "")))


def reference(text: str) -> Reference:
    """`node` or `node.port` as a reference."""
    name, _, port = text.partition(".")
    return Reference(name, port or None)


def check_port(value: Reference, at: Place, spec: Spec, flat: Flat, report: Report) -> bool:
    """Whether a node or field has the port that is read."""
    if value.port is None:
        return True
    if value.name not in flat.nodes:
        windowed = spec.data is not None and spec.data.window is not None
        streamed = spec.data is not None and spec.data.streamed == value.name
        if value.port == "next" and not streamed and (windowed or report.blames(("data", "window"))):
            return windowed
        help = "a field has no port but `next`"
        if value.port == "next":
            help = "`next` exists where a series is cut into windows: write `window: {length: 24}` under `data`"
            report.elsewhere.add(("data", "window"))
        if streamed:
            help = f"each token of a text is predicted from those before it: `{value.name}` itself is the target"
        report.add("unknown-port", f"the field `{value.name}` has no `{value.port}`", at=at, help=help)
        return False
    config = flat.nodes[value.name].config
    if config is None or value.port in config.outputs:
        return config is not None
    known = listed(f"{value.name}.{output}" for output in config.outputs) if config.outputs else "only its main value"
    headline = f"the node type `{config.type_name()}` has no output `{value.port}`"
    report.add("unknown-port", headline, at=at, help=f"`{value.name}` has {known}")
    return False


def judged(spec: Spec, flat: Flat) -> Iterator[str]:
    """Names of the values that losses and metrics compare; of those that are wrong, all that may be meant."""
    losses = [loss for train in spec.stages for loss in train.loss or ()]
    fields = spec.data.fields.keys() if spec.data else set()
    objectives: list[Loss | Metric] = [*losses, *(spec.metrics or ())]
    for number, objective in enumerate(objectives):
        if isinstance(objective, Broken):
            words = mentioned(objective.given)
        else:
            named = (objective.input, getattr(objective, "target", None))
            words = {text.partition(".")[0] for text in named if text is not None}
        meant = {meant for word in words - flat.nodes.keys() - fields if (meant := nearest(word, flat.nodes)) is not None}
        yield from words
        yield from meant
        if number < len(losses) and words.isdisjoint(flat.nodes) and not meant:
            yield from flat.nodes  # a loss reads a node, so it may be any


def _is_weighed(loss: Loss, path: Path, spec: Spec, report: Report) -> bool:
    """Whether what says how much each example counts is made for that."""
    name, fields = loss.example_weights, dict(spec.data.fields) if spec.data else {}
    if name is None or isinstance(fields.get(name), Broken):
        return True
    at = (*path, "example_weights")
    if name not in fields:
        report.add("unknown-name", f"no field is named `{name}`", at=at, help=repair(name, fields, "field"))
    elif (kind := fields[name].type_name()) != "weight":
        help = f"write `{name}: {{type: weight}}`; a node that reads the column too has a field of its own, with `column`"
        report.add("shape-mismatch", f"`example_weights` takes a field of type `weight`, but `{name}` is a `{kind}`", at=at, help=help)
    else:
        return True
    return False


def _value(text: str, path: Path, spec: Spec, flat: Flat, report: Report) -> Reference | None:
    value = reference(text)
    fields = list(spec.data.fields) if spec.data else []
    if value.name in flat.nodes or value.name in fields:
        return value if check_port(value, Place(path), spec, flat, report) else None
    names = [*fields, *flat.nodes]
    meant = nearest(value.name, names)
    flat.lost = True
    if not flat.nodes:
        return None  # they are missing, and that is reported
    if meant is not None:
        flat.maybe_read.add(meant)
    elif not fields:
        return None  # it may be a field, and those are not known
    help = f"a field `{meant}` exists" if meant in fields else repair(value.name, names, "node")
    report.add("unknown-name", f"no node or field is named `{value.name}`", at=path, help=help)
    return None


def _check_figures(spec: Spec, report: Report) -> None:
    """Names of metrics are unique, and the figures that a training watches exist."""
    losses = [loss for loss in (spec.train.loss if spec.train else None) or () if not isinstance(loss, Broken)]
    labels: dict[str, Path] = {}
    for index, label in enumerate(loss_labels(losses)):
        if label in labels:
            report.add(
                "name-taken",
                f"two losses are called `{label}`",
                at=("train", "loss", index),
                notes=[(labels[label], "the first")],
                help="give one a `name`",
            )
        labels[label] = ("train", "loss", index)
    for index, metric in enumerate(spec.metrics or ()):
        if isinstance(metric, Broken):
            continue
        label, path = metric.label, ("metrics", index)
        if label in labels or label == "loss":
            notes = [(labels[label], "the first")] if label in labels else []
            report.add("name-taken", f"two figures are called `{label}`", at=path, notes=notes, help="give one a `name`")
        labels[label] = path
    learned = spec.train.learner.figures if spec.train and isinstance(spec.train.learner, Learner) else ("loss",)
    figures = [f"valid/{label}" for label in (*learned, *labels)]
    for key, monitor in _watched(spec):
        if monitor in figures or report.blames(("metrics",)):
            continue
        help = repair(monitor, figures, "figure")
        if find("metric", name := monitor.partition("/")[2]) is not None:
            help = f"a figure is measured where `metrics` names it: add `{name}` there, or watch {listed(figures)}"
        report.add("unknown-name", f"no figure is named `{monitor}`", at=("train", key, "monitor"), help=help)


def _watched(spec: Spec) -> Iterator[tuple[str, str]]:
    """The figures that a training watches, by the key that says so."""
    if spec.train is not None and spec.train.early_stopping is not None:
        yield "early_stopping", spec.train.early_stopping.monitor
    if spec.train is not None and isinstance(spec.train.schedule, Watching):
        yield "schedule", spec.train.schedule.monitor
