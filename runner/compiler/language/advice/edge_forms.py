"""Edges as other people and papers write them, in the form of the language. Loaded only when an edge cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_NAME = r"[A-Za-z_$][\w/$]*(?:\.\w+)?"
_TICK = r"t\s*[-−–]\s*(?P<delay>\d+)"
_LATE = r"(?:prev|previous|delay|delayed|lag|lagged|past|before|z)"


@dataclass(frozen=True, slots=True)
class Form:
    """An edge in the right form; characters `start` to `end` of the text are why, and `message` says it, where another word is due."""

    text: str
    start: int
    end: int
    message: str


def _late(match: re.Match[str]) -> str:
    delay = int(match["delay"] or 1)
    return f"prev({match['name']})" if delay <= 1 else f"prev({match['name']}, {delay})"


def _nested(match: re.Match[str]) -> str:
    return f"prev({match['name']}, {match.group().count('(')})"


_DELAYED = "a value of an earlier tick is written `prev(name)`, got `{}`"
_ARROW = "an edge has the arrow `->`, got `{}`"
_SIDE = "names stand side by side with commas, got `{}`"

_FORMS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str], str], ...] = (
    (re.compile(r"<-{2,}>|<=+>|<\s+-\s*>|<-\s+>|[↔⇔⟷]"), " <-> ", "a symmetric edge is written `<->`, got `{}`"),
    (re.compile(r"(?<![<-])-{2,}>|=+>|~>|\|>|>>|-\s+>|[–—−]+\s*>|[→⇒⟶➔➜]|(?<=\s)>(?=\s)"), " -> ", _ARROW),
    (re.compile(rf"prev\s*\((?:\s*prev\s*\()+\s*(?P<name>{_NAME})\s*\)+", re.I), _nested, _DELAYED),
    (re.compile(rf"(?P<name>{_NAME})\s*[\[(]\s*{_TICK}\s*[\])]"), _late, _DELAYED),
    (re.compile(rf"(?P<name>{_NAME})\s*_?\{{\s*{_TICK}\s*\}}"), _late, _DELAYED),
    (re.compile(rf"(?P<name>{_NAME})\s*\[\s*[-−](?P<delay>\d+)\s*\]"), _late, _DELAYED),
    (re.compile(rf"\bprev\s*\(\s*(?P<name>{_NAME})\s*,\s*(?:ticks|delay|n|by)?\s*=?\s*(?:0+|[-−](?P<delay>\d+))\s*\)", re.I), _late, ""),
    (re.compile(rf"\b(?!(?-i:prev)\s*\(){_LATE}\s*[\[(]\s*(?P<name>{_NAME})(?:\s*,\s*(?P<delay>\d+))?\s*[\])]", re.I), _late, _DELAYED),
    (re.compile(r"\b(?P<name>[A-Za-z_]\w*)\.prev(?:ious)?\b(?P<delay>(?!))?"), _late, _DELAYED),
    (re.compile(rf"\bprev\s*\[\s*(?P<name>{_NAME})(?:\s*,\s*(?P<delay>\d+))?\s*\]"), _late, _DELAYED),
    (re.compile(rf"\b{_LATE}\s+(?P<name>{_NAME})(?P<delay>(?!))?", re.I), _late, _DELAYED),
    (re.compile(rf"(?<![\w)])[\[({{]\s*(?P<inner>{_NAME}(?:\s*,\s*{_NAME})*)\s*[\])}}]"), lambda match: str(match["inner"]), _SIDE),
    (re.compile(r"\s*\+\s*(?![>-])"), ", ", "names stand side by side with commas, and an `add` node adds their values, got `{}`"),
    (re.compile(r"\s*(?:[&;|]|\band\b)\s*(?![>-])"), ", ", _SIDE),
)
"""What is written, in what order it is looked for, what it is here, and what is said of it."""

_BACKWARD = re.compile(r"<[-=]+(?!>)|←|⇐")

_NO_ARROW = re.compile(rf"(?<=[\w)])\s+(?=(?:prev\s*\(\s*)?{_NAME})")

_TURNED = re.compile(rf"\s*(?P<source>{_NAME})\s*->\s*prev\s*\(\s*(?P<target>{_NAME})\s*\)\s*")

_ENDS = (("from", "to"), ("source", "target"), ("src", "dst"), ("src", "tgt"), ("input", "output"), ("start", "end"), ("tail", "head"))


def right_form(text: str) -> Form | None:
    """The edge that was probably meant by a text; None where nothing is known of its form."""
    first: tuple[int, int, str] | None = None
    form = text
    for pattern, ours, message in _FORMS:
        found = pattern.search(text)
        if found is not None and (first is None or found.start() < first[0]):
            start = found.end() - len(found.group().lstrip())
            piece = found.group().strip()
            first = (start, start + len(piece), message.format(piece))
        form = pattern.sub(ours, form)
    if backward := _BACKWARD.search(form):
        if "->" in form:
            return None
        form = " -> ".join(part.strip() for part in reversed(_BACKWARD.split(form)))
        at = _BACKWARD.search(text) or backward
        first = first or (at.start(), at.end(), f"an arrow points to where a value goes, `->`, got `{at.group()}`")
    form = _NO_ARROW.sub(" -> ", _tidy(form))
    if turned := _TURNED.fullmatch(form):
        form = f"prev({turned['source']}) -> {turned['target']}"
    start, end, message = first or (0, 0, "")
    return Form(form, start, end, message) if form != _tidy(text) else None


def of_value(value: Any) -> str | None:
    """The edge that was probably meant by a pair or a mapping."""
    if isinstance(value, list) and len(value) > 1 and all(isinstance(name, str) for name in value):
        return " -> ".join(value)
    if not isinstance(value, dict):
        return None
    lowered = {str(key).lower(): item for key, item in value.items()}
    for one, other in _ENDS:
        if one in lowered and other in lowered:
            source, target = _names(lowered[one]), _names(lowered[other])
            delay = lowered.get("delay", lowered.get("lag", 0))
            if isinstance(delay, int) and delay and source:
                source = f"prev({source})" if delay == 1 else f"prev({source}, {delay})"
            arrow = "<->" if "symmetric" in map(str, lowered.values()) or lowered.get("symmetric") is True else "->"
            return f"{source} {arrow} {target}" if source and target else None
    if len(value) == 1:
        ((source, target),) = value.items()
        return f"{source} -> {_names(target)}" if _names(target) and source != "edge" else None
    return None


def _names(value: Any) -> str | None:
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return ", ".join(value)
    return value if isinstance(value, str) else None


def _tidy(text: str) -> str:
    """One space around an arrow, and one behind a comma."""
    spaced = re.sub(r"\s*(<->|->)\s*", r" \1 ", re.sub(r"\s*,\s*", ", ", text))
    return re.sub(r"\s+", " ", spaced).strip()
