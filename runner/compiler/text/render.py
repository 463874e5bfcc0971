"""Findings -> text with carets, plain JSON values, or GitHub annotations."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from nnrun.runner.compiler.text.diagnostic import Diagnostic
from nnrun.runner.compiler.text.document import Document, Span
from nnrun.runner.compiler.text.visible import in_a_line, visible

WIDEST = 160
"""Columns of an excerpt, where no terminal is narrower."""

NARROWEST = 20
"""Columns below which an excerpt says nothing."""

Paint = Callable[[str, str], str]
"""(text, role) -> the text in the colour of the role: `error`, `warning`, `note`, `help` or `line`."""


def plain(text: str, role: str) -> str:
    """No colour."""
    return text


def render_text(findings: Iterable[Diagnostic], document: Document, paint: Paint = plain, width: int = WIDEST) -> str:
    """All findings with the lines they point at, cut to so many columns."""
    return "\n".join(_finding(finding, document, paint, width) for finding in findings)


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


def render_github(findings: Iterable[Diagnostic], document: Document) -> str:
    """All findings as workflow commands, which GitHub shows beside the lines."""
    lines = []
    for finding in findings:
        span = document.span(finding.at)
        file = _property(visible(span.text.name))
        where = f"file={file},line={span.line},endLine={span.end_line},col={span.column},endColumn={span.end_column}"
        text = finding.headline + (f"\nhelp: {finding.help}" if finding.help else "")
        lines.append(f"::{finding.severity} {where},title={_property(finding.id)}::{_data(visible(text))}\n")
    return "".join(lines)


def _finding(finding: Diagnostic, document: Document, paint: Paint, width: int) -> str:
    span = document.span(finding.at)
    head = paint(f"{finding.severity}[{finding.id}]", finding.severity)
    lines = [f"{in_a_line(span.where)}: {head}: {in_a_line(finding.headline)}"]
    marks: list[tuple[Span, str, str, str]] = [(span, "^", finding.label, finding.severity)]
    marks += [(document.span(place), "-", text, "note") for place, text in finding.notes]
    gutter = max(len(str(mark[0].line)) for mark in marks)
    for mark, sign, label, role in marks:
        room = max(NARROWEST, width - gutter - 4)
        source, before, under = _excerpt(mark, room)
        beside = label and before + under + 1 + _width(in_a_line(label)) <= room
        bar = paint("|", "line")
        lines.append(f" {' ' * gutter} {bar}")
        lines.append(f" {paint(f'{mark.line:>{gutter}}', 'line')} {bar} {source}")
        lines.append(f" {' ' * gutter} {bar} {' ' * before}{paint(sign * under + (f' {in_a_line(label)}' if beside else ''), role)}")
        if label and not beside:
            lines.append(f" {' ' * gutter} {bar} {paint(in_a_line(label), role)}")
    if finding.help:
        lines.append(f" {' ' * gutter} {paint('= help:', 'help')} {in_a_line(finding.help)}")
    return "\n".join(lines) + "\n"


def _excerpt(span: Span, room: int) -> tuple[str, int, int]:
    """The line as a terminal shows it, and the columns before and under what is marked. What is cut off is shown by `…`.

    A line may be a megabyte long: only what lies near the mark is looked at.
    """
    whole = span.text.lines[span.line - 1].rstrip()
    near = max(0, span.column - 1 - 2 * room)
    line = _as_wide(whole[near : span.column - 1 + 2 * room])
    start = span.column - 1 - near
    end = max(span.end_column - 1 - near if span.end_line == span.line else len(line), start + 1)
    widths = list(accumulate(map(_width, line), initial=0))
    first, last = 0, len(line)
    if widths[-1] > room or near:
        first = min(start, last)
        while first > 0 and widths[min(start, last)] - widths[first - 1] <= room // 3:
            first -= 1
        while last > first and widths[last] - widths[first] > room - 2:
            last -= 1
        while first > 0 and widths[last] - widths[first - 1] <= room - 2:  # the end is near: more of what stands before
            first -= 1
    left, right = "…" if first or near else "", "…" if last < len(line) or near + len(line) < len(whole) else ""
    shown = f"{left}{line[first:last]}{right}"
    before, under = line[first:start], line[start : min(end, last) if last > start else end]
    return shown, len(left) + _width(before), max(1, _width(under))


def _as_wide(line: str) -> str:
    """A line of the spec as a terminal may show it, each sign in its place: spaces for tabs, and a sign of their own for those not seen."""
    if line.isprintable():
        return line
    return "".join(" " if sign in "\t\xa0" else sign if len(visible(sign)) == 1 else "\ufffd" for sign in line)


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
