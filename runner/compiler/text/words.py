"""How findings write values and lists of names."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from nnrun.registry.catalog import folded, near

MANY = 1000
"""Names among which a near one is looked for; the search costs a few microseconds for each."""

LISTED = 300
"""Characters of a list of names; what is longer ends between two names."""

__all__ = ["folded", "listed", "nearest", "repair", "shown", "written"]


def shown(value: Any, longest: int = 60) -> str:
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
    return text if len(text) <= longest else f"{text[: longest - 4]}…{text[-1] if isinstance(value, str) else ''}"


def written(value: Any, longest: int = 60) -> str:
    """A short value as the spec writes it; `…` for a longer one."""
    if isinstance(value, dict):
        text = f"{{{', '.join(f'{key}: {written(item, longest)}' for key, item in value.items())}}}"
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(written(item, longest) for item in value)}]"
    elif isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w./]*", value):
        text = value
    else:
        text = shown(value, max(longest, 60))
    return text if len(text) <= longest else "…"


def listed(names: Iterable[str], given: object = None) -> str:
    """Names in backticks, as many as fit; those nearest to what was given come first where not all do."""
    known = list(islice(names, MANY))
    if given is not None and len(_joined(known)) > LISTED:
        known.sort(key=lambda name: -SequenceMatcher(None, folded(str(given)), folded(name)).ratio())
    while len(_joined(known)) > LISTED:
        known = [*known[: -2 if known[-1] == "…" else -1], "…"]
    return _joined(known) or "none"


def _joined(names: Iterable[str]) -> str:
    return ", ".join(name if name == "…" else f"`{name}`" for name in names)


def nearest(given: object, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    return near(given, islice(names, MANY))


def repair(given: object, names: Iterable[str], what: str) -> str:
    """What to write for a name that does not exist: the one that was probably meant, or all there are."""
    known = list(names)
    meant = nearest(given, known)
    if meant is not None:
        return f"{'an' if what[0] in 'aeiou' else 'a'} {what} `{meant}` exists"
    return f"there are {listed(known, given)}"
