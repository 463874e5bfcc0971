"""Specs for the tests of the compiler, and what nnrun says of them."""

from __future__ import annotations

from collections.abc import Iterable

from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.document import Document
from nnrun.runner.compiler.text.render import render_text
from nnrun.runner.compiler.text.source import load_document

DIGITS = "{source: digits, fields: {image: {type: image}, digit: {type: category}}}"
REVIEWS = "{source: movie_reviews, fields: {text: {type: text}, label: {type: category}}}"
LINEAR = {"flat": "{type: flatten}", "scores": "{type: linear, units: digit}"}
LOSS = "{type: cross_entropy, input: scores, target: digit}"


def spec(
    nodes: dict[str, str] | None = None,
    edges: Iterable[str] = ("image -> flat -> scores",),
    *,
    data: str = DIGITS,
    train: str = f"{{loss: {LOSS}}}",
    more: str = "",
) -> str:
    """A spec: a linear classifier of digits where nothing else is said."""
    lines = ["nnrun: 1", "name: test", f"data: {data}", "nodes:"]
    lines += [f"  {name}: {node}" for name, node in {**LINEAR, **(nodes or {})}.items() if node]
    lines += ["edges:", *(f"  - {edge}" for edge in edges), f"train: {train}"]
    return "\n".join(lines) + f"\n{more}"


def reviews(nodes: dict[str, str], edges: Iterable[str], more: str = "") -> str:
    """A spec that judges reviews by `scores`."""
    loss = "{type: cross_entropy, input: scores, target: label}"
    all_nodes = {"flat": "", "scores": "{type: linear, units: label}", **nodes}
    return spec(all_nodes, edges, data=REVIEWS, train=f"{{loss: {loss}}}", more=more)


def said(checked: Checked) -> str:
    """Everything nnrun says."""
    return render_text(checked.report, checked.document)


def headlines(text: str) -> list[str]:
    """The findings about a spec, each as `id: headline`."""
    return [f"{finding.id}: {finding.headline}" for finding in check(text).report]


def underlined(text: str) -> list[str]:
    """What the carets of the findings about a spec stand under."""
    checked = check(text)
    found = []
    for finding in checked.report:
        span = checked.document.span(finding.at)
        end = span.end_column if span.end_line == span.line else None
        found.append(span.text.lines[span.line - 1][span.column - 1 : end and end - 1])
    return found


def loaded(text: str) -> tuple[object, list[str]]:
    """What a YAML text holds, and the findings about it."""
    report = Report()
    document = load_document(text, "spec.yaml", report)
    return document.value, [finding.headline for finding in report]


def document(text: str) -> Document:
    return load_document(text, "spec.yaml", Report())
