"""Formulas as papers and other libraries write them, in the form of `formula.py`. Loaded only when a formula cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable

from nnrun.registry.algebra.activations import FUNCTIONS

_NAME = r"[A-Za-z_]\w*(?:\.\w+)?"

_ELSEWHERE = {
    "logistic": "sigmoid", "sigma": "sigmoid", "expit": "sigmoid", "ln": "log", "min": "minimum", "max": "maximum", "fabs": "abs",
    "rectifier": "relu", "tanhf": "tanh", "σ": "sigmoid",
}  # fmt: skip
"""Functions that have another name here."""


def _late(match: re.Match[str]) -> str:
    delay = int(match["delay"] or 1)
    return f"prev({match['name']})" if delay <= 1 else f"prev({match['name']}, {delay})"


def _function(match: re.Match[str]) -> str:
    name = match["name"]
    ours = name.lower() if name.lower() in FUNCTIONS else _ELSEWHERE.get(name.lower())
    return f"{ours}(" if ours is not None else str(match.group())


_FORMS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(rf"(?P<name>{_NAME})\s*[\[(]\s*t\s*[-−–]\s*(?P<delay>\d+)\s*[\])]"), _late),
    (re.compile(rf"(?P<name>{_NAME})\s*_?\{{\s*t\s*[-−–]\s*(?P<delay>\d+)\s*\}}"), _late),
    (re.compile(rf"(?P<name>{_NAME})\s*\[\s*[-−](?P<delay>\d+)\s*\]"), _late),
    (re.compile(rf"\bprev\s*\(\s*prev\s*\(\s*(?P<name>{_NAME})\s*\)\s*\)", re.I), lambda match: f"prev({match['name']}, 2)"),
    (re.compile(rf"\bprev\s*\(\s*(?P<name>{_NAME})\s*,\s*(?:0+|[-−](?P<delay>\d+))\s*\)", re.I), _late),
    (re.compile(rf"\b(?:previous|delay|lag|Prev|PREV)\s*\(\s*(?P<name>{_NAME})(?:\s*,\s*(?P<delay>\d+))?\s*\)"), _late),
    (re.compile(rf"\bprev\s+(?P<name>{_NAME})(?P<delay>(?!))?", re.I), _late),
    (re.compile(rf"\bprev\s*\[\s*(?P<name>{_NAME})(?:\s*,\s*(?P<delay>\d+))?\s*\]", re.I), _late),
    (re.compile(r"\b(?:torch|np|numpy|math|F|tf|K|jnp|nn)(?:\.\w+)*\.(?P<name>\w+)\s*\("), _function),
    (re.compile(r"(?<![\w.])(?P<name>[A-Zσ]\w*|sigma|logistic|expit|ln|min|max|fabs)\s*\("), _function),
    (re.compile(r"\s*\^\s*"), " ** "),
    (re.compile(r"\s*[×·⋅⊙∘]\s*"), " * "),
    (re.compile(r"\s*[−–]\s*"), " - "),
)


def right_form(text: str) -> tuple[str, int, int] | None:
    """The formula that was probably meant, and the characters of the text that are written otherwise; None where that is not known."""
    form, first = text, None
    for pattern, ours in _FORMS:
        for found in pattern.finditer(text):
            piece = found.expand(ours) if isinstance(ours, str) else ours(found)
            if piece != found.group() and (first is None or found.start() < first[0]):
                first = found.start(), found.end()
        form = pattern.sub(ours, form)
    return None if first is None else (form, *first)
