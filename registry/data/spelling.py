"""One spelling of what looks alike: Unicode writes é as one character or as two, and either may stand in a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from unicodedata import normalize

LEARNED = {"form": "NFC"}
"""Among the facts of texts and names: that they were learned with their characters composed. Facts of older networks do not say so."""


def composed(text: str) -> str:
    """A text with each character as one sign, where Unicode has one."""
    return normalize("NFC", text)


def as_learned(text: str, facts: Mapping[str, Any]) -> str:
    """A text as the facts spell it; a network that was trained before answers as it did."""
    return composed(text) if facts.get("form") == "NFC" else text


def spelled(name: str, present: Collection[str]) -> str | None:
    """How a name is spelled among those that are there: as it is written, or else with its characters composed otherwise."""
    if name in present:
        return name
    return next((other for other in present if composed(str(other)) == composed(name)), None)
