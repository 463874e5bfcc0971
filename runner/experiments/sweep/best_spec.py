"""The best settings of a sweep as a spec of its own: the user's text with other values, where that can be done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.resolved import resolved, resolved_text
from nnrun.runner.compiler.text.diagnostic import Path as Way
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.document import Document
from nnrun.runner.compiler.text.source import load_document
from nnrun.runner.job import Job


def best_spec(job: Job, settings: Sequence[str], folder: Path, headline: str) -> str:
    """The spec of a job with some settings and without its sweep, to stand in `folder`. It gives the same runs."""
    document = load_document(job.text, job.name, Report())
    given = [one for one in job.settings if not one.lstrip().startswith("sweep")]
    wanted = [*given, *settings, *_moved(document, job.folder, folder)]
    plan = check(job.text, job.name, settings=(*wanted, "sweep=null")).plan
    assert plan is not None
    text = _without_sweep(_changed(document, wanted))
    again = check(text, job.name).plan
    if again is None or resolved(again) != resolved(plan):
        text = resolved_text(plan)
    return f"# {headline}\n{text}"


def _changed(document: Document, settings: Sequence[str]) -> str:
    """The text with the values of settings in the place of those that it has; what it does not have stays away."""
    lines = list(document.text.lines)
    places = {}
    for setting in settings:
        path, _, value = setting.partition("=")
        span = document.spans.get((_way(document, path.split(".")), "value"))
        if span is not None and span.line == span.end_line:
            places[span] = value
    for span in sorted(places, key=lambda span: (span.line, span.column), reverse=True):
        line = lines[span.line - 1]
        lines[span.line - 1] = f"{line[: span.column - 1]}{places[span]}{line[span.end_column - 1 :]}"
    return "\n".join(lines) + "\n"


def _way(document: Document, steps: Sequence[str]) -> Way:
    """The steps of a path, places in lists as numbers."""
    way: Way = ()
    for step in steps:
        way = (*way, int(step) if isinstance(document.at(way), list) and step.isdecimal() else step)
    return way


def _without_sweep(text: str) -> str:
    """The text without its section `sweep`; comments before the next section stay."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("sweep:")), None)
    if first is None:
        return text
    after = next((number for number in range(first + 1, len(lines)) if lines[number][:1] not in ("", " ", "\t", "#")), len(lines))
    while after > first + 1 and after < len(lines) and lines[after - 1].startswith("#"):
        after -= 1
    return "\n".join([*lines[:first], *lines[after:]]).rstrip() + "\n"


def _moved(document: Document, old: Path, new: Path) -> Iterator[str]:
    """Settings that lead to the files of the data from another folder."""
    for way, value in _texts(document.value, ()):
        if (way[0] == "data" or way[-1] == "file") and value and not os.path.isabs(value) and (old / value).exists():
            path = ".".join(map(str, way))
            yield f"{path}={json.dumps(os.path.relpath(old / value, new), ensure_ascii=False)}"


def _texts(value: Any, way: Way) -> Iterator[tuple[Way, str]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*way, key))
    elif isinstance(value, str):
        yield way, value
