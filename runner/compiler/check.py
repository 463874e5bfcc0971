"""Text -> plan, through all phases. No torch, no mlflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from registry.field import Facts
from runner.compiler.blocks import expand
from runner.compiler.decoding import find_decoding
from runner.compiler.diagnostic import Diagnostic, Report, Stop
from runner.compiler.document import Document
from runner.compiler.graph import Graph, resolve_graph
from runner.compiler.learning import check_learner
from runner.compiler.load import load_spec
from runner.compiler.nets import derive_nets
from runner.compiler.override import override
from runner.compiler.plan import Plan, make_plan
from runner.compiler.shapes import infer_shapes
from runner.compiler.source import load_document
from runner.compiler.spec import Spec
from runner.compiler.streams import check_streams


@dataclass
class Checked:
    """What is known of a text: all findings, and the plan if none of them is an error."""

    document: Document
    report: Report
    spec: Spec | None = None
    graph: Graph | None = None
    plan: Plan | None = None
    settings: tuple[str, ...] = ()
    """The `path=value` texts that were applied."""


class SpecErrors(Exception):
    """A spec has errors that were not known when it was first checked. `checked` holds them."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(f"{len(checked.report)} findings")
        self.checked = checked


def check(text: str, name: str = "spec", *, settings: Sequence[str] = (), facts: Mapping[str, Facts] | None = None) -> Checked:
    """Check a spec. Never raises for what is in the text.

    `settings` are `path=value` texts applied first; `facts` are what the training data taught, by field.
    """
    report = Report()
    checked = Checked(load_document(text, name, report), report, settings=tuple(settings))
    if "yaml-syntax" in report.ids:
        return checked
    try:
        _compile(checked, settings, facts or {})
    except Stop:
        assert not report.ok
    for path, meant in report.renamed.items():
        checked.document.rename(path, meant)
    report.found.sort(key=lambda finding: _position(finding, checked.document))
    return checked


def _compile(checked: Checked, settings: Sequence[str], facts: Mapping[str, Facts]) -> None:
    """Raises: Stop where a phase cannot go on."""
    report = checked.report
    for setting in settings:
        override(checked.document, setting, report)
    spec = checked.spec = load_spec(checked.document.value, report)
    flat = expand(spec, report)
    plans = []
    for report.stage, train in enumerate(spec.stages) if spec.is_staged else [(None, spec.train)]:
        staged = spec.at_stage(train) if train else spec
        graph = checked.graph = resolve_graph(staged, flat, report)
        check_streams(staged, graph, report)
        typed = infer_shapes(staged, graph, facts, report)
        decoding = find_decoding(staged, graph, typed.values, report)
        nets = derive_nets(graph, typed, facts, report)
        check_learner(staged, graph, nets, report)
        if report.ok:
            plans.append(make_plan(staged, graph, typed, decoding, nets))
    report.stage = None
    if report.ok:
        checked.plan = replace(plans[-1], stages=tuple(plans[:-1]))


def _position(finding: Diagnostic, document: Document) -> tuple[int, int]:
    span = document.span(finding.at)
    return span.line, span.column
