"""`--set path=value` on a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from types import MappingProxyType
from typing import Any

from nnrun.runner.compiler.text.diagnostic import Path, Report
from nnrun.runner.compiler.text.document import Document, Span, Text
from nnrun.runner.compiler.text.source import MAX_DEPTH, load_document
from nnrun.runner.compiler.text.words import shown, written

COMPONENTS = ("nodes", "edges", "metrics", "train", "data", "blocks")
"""Sections in which a name may be short for a mapping."""

EXAMPLE = "for example `--set train.optimizer.lr=0.01`"


def override(document: Document, setting: str, report: Report, defaults: Mapping[Path, str] = MappingProxyType({})) -> None:
    """Apply `path=value`, as `--set` gives it; the value is YAML. Findings about it point at the setting.

    `defaults` are types of components by their path: where one is left out, its options are set on that.
    """
    try:
        steps, value, width = _parsed(setting)
        for each in _at_every_stage(document, steps):
            holder, path = _holder(document, each, setting, defaults)
            for known in [place for place in document.spans if place[0][: len(path)] == path]:
                del document.spans[known]
            holder[path[-1]] = value
            document.spans[path, "key"] = _span(setting, 0, width)
            document.spans[path, "value"] = _span(setting, width + 1, len(setting))
    except _Refused as error:
        refuse(document, setting, str(error), error.help, report)


def refuse(document: Document, setting: str, headline: str, help: str, report: Report) -> None:
    """A finding about a setting that is not applied."""
    at: Path = ("--set", setting)
    document.spans[at, "value"] = _span(setting, 0, len(setting))
    report.add("bad-override", headline, at=at, help=help)


def _at_every_stage(document: Document, steps: list[str]) -> list[list[str]]:
    """The paths that a path means: `train.seed` of a training in stages is that of each."""
    stages = document.value.get("train") if isinstance(document.value, dict) else None
    if isinstance(stages, list) and len(steps) > 1 and steps[0] == "train" and not steps[1].isdecimal():
        return [["train", str(stage), *steps[1:]] for stage in range(len(stages))]
    return [steps]


class _Refused(Exception):
    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def _parsed(setting: str) -> tuple[list[str], Any, int]:
    """The steps of the path, the value, and how many characters the path takes."""
    written, equals, value = setting.partition("=")
    if equals and re.search(r"\[\d+\]", written):
        right = quote(re.sub(r"\[(\d+)\]", r".\1", written.strip()) + f"={value}")
        raise _Refused(f"`--set {setting}`: a place in a list is a step of the path, without brackets", f"write `--set {right}`")
    steps = written.strip().split(".")
    if not equals or "" in steps or len(steps) > MAX_DEPTH:
        raise _Refused(f"`--set` takes path=value, got `{setting}`", EXAMPLE)
    findings = Report()
    document = load_document(value if value.strip() else "null", "--set", findings)
    if not findings.ok:
        raise _Refused(f"the value of `--set {setting}` is not YAML: {findings[0].headline}", EXAMPLE)
    return steps, document.value, len(written)


def _holder(document: Document, steps: list[str], setting: str, defaults: Mapping[Path, str]) -> tuple[Any, Path]:
    """The mapping or list that holds the last step, and the path with places of lists as numbers; mappings on the way are made."""
    held = document.value
    path: Path = ()
    for depth, step in enumerate(steps):
        where = ".".join(steps[:depth]) or "the spec"
        key: str | int = step
        if isinstance(held, list):
            if not step.isdecimal() or int(step) >= len(held):
                help = "places count from 0"
                if step == str(len(held)) and depth == len(steps) - 1:
                    help = f"{help}; for one more write `--set {where}=[{', '.join(map(written, held))}, {setting.partition('=')[2]}]`"
                raise _Refused(f"`--set {setting}`: `{where}` is a list of {len(held)}, and `{step}` is no place in it", help)
            key = int(step)
        elif not isinstance(held, dict):
            raise _Refused(f"`--set {setting}` goes into `{where}`, which holds no keys", EXAMPLE)
        path = (*path, key)
        if depth == len(steps) - 1:
            break
        inner = held.get(key) if isinstance(held, dict) else held[key]
        if isinstance(inner, str) and (path[0] not in COMPONENTS or path == ("data", "source")):
            raise _Refused(
                f"`--set {setting}` goes into `{'.'.join(steps[: depth + 1])}`, which is {shown(inner)} and holds no keys", EXAMPLE
            )
        if isinstance(inner, str):
            inner = {"edge" if path[0] == "edges" else "type": inner}  # `optimizer: adam` is short for `optimizer: {type: adam}`
        if inner is None:
            default = defaults.get(tuple(step for step in path if not isinstance(step, int)))
            inner = {"type": default} if default is not None and steps[depth + 1] != "type" else {}
            document.spans.setdefault((path, "value"), _span(setting, 0, len(setting)))
        held[key] = inner
        held = inner
    return held, path


def _span(setting: str, start: int, end: int) -> Span:
    text = Text("--set", " ".join(setting.splitlines()))
    width = len(text.text)
    return Span(text, 1, min(start, width) + 1, 1, max(min(end, width), start + 1) + 1)
