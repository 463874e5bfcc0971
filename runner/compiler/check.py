"""Text -> plan, through all phases. No torch, no mlflow."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nnrun.registry.field import Facts
from nnrun.runner.compiler.energy.derive import derive_nets
from nnrun.runner.compiler.energy.divided import check_divided
from nnrun.runner.compiler.energy.learners import check_learner
from nnrun.runner.compiler.graph.blocks import MOST_NODES, expand
from nnrun.runner.compiler.graph.graph import Graph, resolve_graph
from nnrun.runner.compiler.graph.reach import report_unread
from nnrun.runner.compiler.graph.recomputed import check_recomputed
from nnrun.runner.compiler.graph.streams import check_streams
from nnrun.runner.compiler.language.load import load_spec
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.memory.warning import check_memory
from nnrun.runner.compiler.plan import Plan, make_plan
from nnrun.runner.compiler.swept import check_sweep
from nnrun.runner.compiler.text.diagnostic import Diagnostic, Place, Report, Stop
from nnrun.runner.compiler.text.document import Document, Span
from nnrun.runner.compiler.text.render import render_text
from nnrun.runner.compiler.text.source import load_document
from nnrun.runner.compiler.types.augmented import check_augmented
from nnrun.runner.compiler.types.baseline import check_baseline
from nnrun.runner.compiler.types.decoding import find_decoding
from nnrun.runner.compiler.types.doubts import doubt
from nnrun.runner.compiler.types.ends import check_ends
from nnrun.runner.compiler.types.fields import check_read, check_weights
from nnrun.runner.compiler.types.leaks import check_leaks
from nnrun.runner.compiler.types.shapes import infer_shapes
from nnrun.runner.compiler.types.symbols import check_symbols, check_vectors


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
    """A spec has errors. `checked` holds them, and the message shows them."""

    def __init__(self, checked: Checked) -> None:
        super().__init__("\n" + render_text(checked.report, checked.document))
        self.checked = checked


def check(
    text: str,
    name: str = "spec",
    *,
    settings: Sequence[str] = (),
    facts: Mapping[str, Facts] | None = None,
    folder: Path | None = None,
    sweep: bool = True,
) -> Checked:
    """Check a spec. Never raises for what is in the text.

    `settings` are `path=value` texts applied first; `facts` are what the training data taught, by field. Without
    them, headings of data files are looked at that lie in `folder`, the spec's own. `sweep`: what it tries is tried out, too.
    """
    report = Report()
    checked = Checked(load_document(text, name, report), report, settings=tuple(settings))
    if checked.document.value is None and not report.ok:  # it cannot be read
        return checked
    try:
        _compile(checked, settings, facts or {}, folder)
        if checked.spec is not None and sweep and not facts:  # the second check, which knows the data, has nothing to add
            graph = checked.graph
            size = len(checked.spec.stages) * (len(graph.nodes) + len(graph.edges)) if graph is not None else 0
            check_sweep(checked.spec, checked.document, report, partial(_retried, checked), size)
    except Stop:
        assert not report.ok
    if not report.ok:
        checked.plan = None
    for path, meant in report.renamed.items():
        checked.document.rename(path, meant)
    report.found = _once(report, checked.document)
    if settings and len(report):
        from nnrun.runner.compiler.language.settings import with_right_settings

        report.found = with_right_settings(report.found, checked.document, settings)
    report.found.sort(key=lambda finding: _position(finding, checked.document))
    return checked


def _compile(checked: Checked, settings: Sequence[str], facts: Mapping[str, Facts], folder: Path | None) -> None:
    """Raises: Stop where a phase cannot go on."""
    report = checked.report
    if settings:
        from nnrun.runner.compiler.language.settings import apply
    for setting in settings:
        apply(checked.document, setting, report)
    spec = checked.spec = load_spec(checked.document.value, report)
    flat = expand(spec, report)
    if len(spec.stages) > 1 and len(spec.stages) * len(flat.nodes) > MOST_NODES:
        counted = f"`train` has {len(spec.stages)} stages, and the graph {len(flat.nodes)} nodes"
        report.add("too-large", f"a spec has at most {MOST_NODES} nodes, counted once for each stage: {counted}", at=("train",))
        raise Stop
    plans = []
    for report.stage, train in enumerate(spec.stages) if spec.is_staged else [(None, spec.train)]:
        staged = spec.at_stage(train) if train else spec
        graph = checked.graph = resolve_graph(staged, flat, report)
        typed = infer_shapes(staged, graph, facts, report, folder)
        decoding = find_decoding(staged, graph, typed.values, report)
        check_streams(staged, graph, report)
        check_recomputed(staged, graph, report)
        if report.ok:  # what is wrong may be what makes it look odd
            doubt(graph, typed, report)
            check_ends(graph, typed, report)
            check_augmented(graph, typed, report)
            check_read(graph, typed.fields, report)
            check_leaks(graph, typed, report)
        if typed.judged:  # a loss that reads the wrong node leaves the right one unread
            report_unread(graph.unread, graph.edges, list(graph.nodes), report)
        check_symbols(graph, typed, facts, report)
        check_vectors(graph, typed, folder, report)
        check_baseline(staged, graph, typed, report)
        nets = derive_nets(graph, typed, facts, report)
        check_learner(staged, graph, nets, report)
        check_divided(staged, nets, report)
        if report.ok:
            plans.append(make_plan(staged, graph, typed, decoding, nets))
    report.stage = None
    if report.ok:
        checked.plan = replace(plans[-1], stages=tuple(plans[:-1]))
        check_weights(spec, report)
        check_memory(checked.plan, report)


def _retried(checked: Checked, setting: str) -> Report:
    """What is found with one more setting; the sweep is passed over."""
    from nnrun.runner.compiler.language.settings import with_right_settings

    document = Document(copy.deepcopy(checked.document.value), checked.document.text, dict(checked.document.spans))
    again = Checked(document, Report())
    with contextlib.suppress(Stop):
        _compile(again, (setting,), {}, None)
    again.report.found = with_right_settings(again.report.found, document, (setting,))
    return again.report


def _once(report: Report, document: Document) -> list[Diagnostic]:
    """The findings with one for what is used through several aliases, which its notes name."""
    if not any(part == "alias" for _, part in document.spans):
        return report.found
    found: dict[tuple[str, str, Span], Diagnostic] = {}
    for finding in report:
        path = finding.at.path
        aliases = [path[:end] for end in range(len(path) + 1) if (path[:end], "alias") in document.spans]
        notes = tuple((Place(alias, "alias"), f"`{alias[-1]}` is the same value") for alias in aliases)
        key = finding.id, finding.headline, document.span(finding.at)
        known = found.get(key, replace(finding, notes=()))
        found[key] = replace(known, notes=tuple(dict.fromkeys((*known.notes, *finding.notes, *notes))))
    return list(found.values())


def _position(finding: Diagnostic, document: Document) -> tuple[int, int]:
    span = document.span(finding.at)
    return span.line, span.column
