"""How findings write values and lists of names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import islice
from typing import Any

from nnrun.registry.catalog import near

MANY = 1000
"""Names among which a near one is looked for; the search costs a few microseconds for each."""

LISTED = 40
"""Names in a list of all."""


def shown(value: Any) -> str:
    """A value as the spec writes it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "an empty list" if not value else f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1] if isinstance(value, str) else ''}"


def listed(names: Iterable[str]) -> str:
    """Names in backticks, the first few of them."""
    first = list(islice(names, LISTED + 1))
    return ", ".join([f"`{name}`" for name in first[:LISTED]] + ["…"] * (len(first) > LISTED)) or "none"


def nearest(given: object, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    return near(given, islice(names, MANY))


def repair(given: object, names: Iterable[str], what: str) -> str:
    """What to write for a name that does not exist: the one that was probably meant, or all there are."""
    known = list(names)
    meant = nearest(given, known)
    if meant is not None:
        return f"{'an' if what[0] in 'aeiou' else 'a'} {what} `{meant}` exists"
    return f"there are {listed(known)}"
