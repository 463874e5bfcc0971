"""Findings -> text with carets, JSON, or GitHub annotations."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from nnrun.runner.compiler.text.diagnostic import Diagnostic
from nnrun.runner.compiler.text.document import Document, Span

WIDEST = 160
"""Columns of a line that are shown."""

Paint = Callable[[str, str], str]
"""(text, role) -> the text in the colour of the role: `error`, `warning`, `note`, `help` or `line`."""


def plain(text: str, role: str) -> str:
    """No colour."""
    return text


def render_text(findings: Iterable[Diagnostic], document: Document, paint: Paint = plain) -> str:
    """All findings with the lines they point at."""
    return "\n".join(_finding(finding, document, paint) for finding in findings)


def as_dict(finding: Diagnostic, document: Document) -> dict[str, Any]:
    """A finding as plain JSON."""
    return {
        **_where(document.span(finding.at)),
        "severity": finding.severity,
        "id": finding.id,
        "headline": finding.headline,
        "label": finding.label,
        "notes": [{**_where(document.span(place)), "text": text} for place, text in finding.notes],
        "help": finding.help,
    }


def render_json(findings: Iterable[Diagnostic], document: Document) -> str:
    """All findings as a JSON list."""
    return json.dumps([as_dict(finding, document) for finding in findings], ensure_ascii=False, indent=2)


def render_github(findings: Iterable[Diagnostic], document: Document) -> str:
    """All findings as workflow commands, which GitHub shows beside the lines."""
    lines = []
    for finding in findings:
        span = document.span(finding.at)
        where = f"file={_property(span.text.name)},line={span.line},endLine={span.end_line},col={span.column},endColumn={span.end_column}"
        text = finding.headline + (f"\nhelp: {finding.help}" if finding.help else "")
        lines.append(f"::{finding.severity} {where},title={_property(finding.id)}::{_data(text)}\n")
    return "".join(lines)


def _finding(finding: Diagnostic, document: Document, paint: Paint) -> str:
    span = document.span(finding.at)
    head = paint(f"{finding.severity}[{finding.id}]", finding.severity)
    lines = [f"{span.where}: {head}: {_visible(finding.headline)}"]
    marks: list[tuple[Span, str, str, str]] = [(span, "^", finding.label, finding.severity)]
    marks += [(document.span(place), "-", text, "note") for place, text in finding.notes]
    gutter = max(len(str(mark[0].line)) for mark in marks)
    for mark, sign, label, role in marks:
        source, before, under = _excerpt(mark)
        carets = paint(sign * under + (f" {_visible(label)}" if label else ""), role)
        lines.append(f" {' ' * gutter} {paint('|', 'line')}")
        lines.append(f" {paint(f'{mark.line:>{gutter}}', 'line')} {paint('|', 'line')} {source}")
        lines.append(f" {' ' * gutter} {paint('|', 'line')} {' ' * before}{carets}")
    if finding.help:
        lines.append(f" {' ' * gutter} {paint('= help:', 'help')} {_visible(finding.help)}")
    return "\n".join(lines) + "\n"


def _excerpt(span: Span) -> tuple[str, int, int]:
    """The line as a terminal shows it, and the columns before and under what is marked."""
    line = _visible(span.text.lines[span.line - 1])
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    cut = max(0, start - WIDEST // 2) if len(line) > WIDEST else 0
    shown = line[cut : cut + WIDEST]
    before, under = shown[: start - cut], shown[start - cut : max(end, start + 1) - cut]
    return shown.rstrip(), _width(before), max(1, _width(under))


def _visible(text: str) -> str:
    """The text as a terminal may show it: one line, no control characters."""
    return "".join(character if character.isprintable() else " " for character in text)


def _width(text: str) -> int:
    """Columns in a terminal, where wide characters take two and combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _where(span: Span) -> dict[str, Any]:
    return {"file": span.text.name, "line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
