"""Values as people write them, in the form that an option takes. Loaded only when a value is not what is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nnrun.runner.compiler.language.foreign import value_here
from nnrun.runner.compiler.text.words import nearest, written

_SHORT = {"window": "length", "early_stopping": "patience", "regularize": "l2"}
"""By a key that takes a mapping, the option that a number alone stands for."""


def right_value(key: str, given: Any, wanted: str) -> str | None:
    """What to write for a value where `wanted` is taken; None where nothing is known of its form."""
    found = (form(key, given, wanted) for form in _FORMS)
    return next((text for text in found if text is not None), None)


def _number(key: str, given: Any, wanted: str) -> str | None:
    """A number in quotes."""
    number = wanted.startswith(("a number", "a whole number"))
    return given if number and isinstance(given, str) and re.fullmatch(r"\d+(\.\d+)?", given) else None


def _sides(key: str, given: Any, wanted: str) -> str | None:
    """`3x3`."""
    sides = re.fullmatch(r"\(?(\d+)\s*[xX×,]\s*(\d+)\)?", given) if isinstance(given, str) else None
    return f"[{sides[1]}, {sides[2]}]" if sides and "for each axis" in wanted else None


def _name(key: str, given: Any, wanted: str) -> str | None:
    """A name that is nearly one of those that are taken."""
    names = [name for name in re.findall(r"`([^`]*)`", wanted) if re.fullmatch(r"[a-z_]+", name)]
    if not isinstance(given, str) or not names:
        return None
    return value_here(given, names) or nearest(given, names)


def _share(key: str, given: Any, wanted: str) -> str | None:
    """Per cent."""
    percent = wanted.startswith(("a number below 1", "a number of 1 or less")) and isinstance(given, int | float) and 2 <= given <= 99
    return f"{given / 100:g}" if percent else None


def _figure(key: str, given: Any, wanted: str) -> str | None:
    """A figure by the name that it has in other libraries."""
    if not isinstance(given, str) or "name of a figure" not in wanted:
        return None
    bare = re.sub(r"^(?:val|valid|validation|dev|eval)[_/.\s-]+", "", given.lower())
    return f"valid/{bare}" if re.fullmatch(r"[a-z][a-z0-9_]*", bare) else None


def _plain(key: str, given: Any, wanted: str) -> str | None:
    """A name with spaces and other signs."""
    if not isinstance(given, str) or not wanted.startswith("a name of letters"):
        return None
    return re.sub(r"[^\w.-]+", "_", given, flags=re.ASCII).strip("_") or None


def _mapping(key: str, given: Any, wanted: str) -> str | None:
    """A number, or shares in their order, where a mapping is wanted."""
    if wanted != "a mapping" or isinstance(given, bool):
        return None
    if key in _SHORT and isinstance(given, int | float):
        return f"{{{_SHORT[key]}: {given}}}"
    if key == "split" and isinstance(given, list) and 1 < len(given) <= 3 and all(isinstance(share, int | float) for share in given):
        parts = ("train", "valid", "test") if len(given) == 3 else ("train", "test")
        return written(dict(zip(parts, given, strict=True)))
    return None


_FORMS: tuple[Callable[[str, Any, str], str | None], ...] = (_number, _sides, _name, _share, _figure, _plain, _mapping)
