"""Values as people write them, in the form that an option takes. Loaded only when a value is not what is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from nnrun.runner.compiler.text.words import folded, nearest, written

VALUES: Mapping[str, tuple[str, ...]] = {
    "avg": ("mean",), "average": ("mean",), "maximum": ("max",), "maxpool": ("max",), "full": ("same",), "zscore": ("standard",),
    "standardize": ("standard",), "standardscaler": ("standard",), "zeromean": ("standard",), "minmaxscaler": ("minmax",),
    "glorot": ("xavier",), "glorotuniform": ("xavier",), "xavieruniform": ("xavier",), "kaiming": ("he",), "henormal": ("he",),
    "swish": ("silu",), "logistic": ("sigmoid",), "linear": ("identity",), "none": ("identity",), "sampling": ("sample",),
    "nucleus": ("sample",),
    "gpu": ("cuda",), "true": ("standard",), "self": ("multi_head",), "tpu": ("auto",), "word": ("words",), "char": ("characters",),
    "chars": ("characters",), "bahdanau": ("additive",), "luong": ("dot",), "scaleddot": ("dot",), "float32": ("fp32",),
    "float16": ("fp16",), "half": ("fp16",), "mixed": ("bf16",), "bfloat16": ("bf16",),
}  # fmt: skip
"""By a value's name elsewhere: what it may be called here, by what the option takes."""

_SHORT = {"window": "length", "early_stopping": "patience", "average": "decay", "regularize": "l2"}
"""By a key that takes a mapping, the option that a number alone stands for."""


def value_here(value: object, options: Collection[str]) -> str | None:
    """Which of the options a value of another library stands for."""
    return next((ours for ours in VALUES.get(folded(str(value)), ()) if ours in options), None)


def right_value(key: str, given: Any, wanted: str) -> str | None:
    """What to write for a value where `wanted` is taken; None where nothing is known of its form."""
    found = (form(key, given, wanted) for form in _FORMS)
    return next((text for text in found if text is not None), None)


def _number(key: str, given: Any, wanted: str) -> str | None:
    """A number in quotes."""
    number = wanted.startswith(("a number", "a whole number"))
    return given if number and isinstance(given, str) and re.fullmatch(r"\d+(\.\d+)?", given) else None


def _sign(key: str, given: Any, wanted: str) -> str | None:
    """A comment as other languages begin it, or a power as people write it."""
    if not isinstance(given, str) or not wanted.startswith(("a number", "a whole number")):
        return None
    if comment := re.fullmatch(r"(\d[\d.e+-]*)\s*(?://|--|%|;)\s*(.*)", given):
        return f"{comment[1]}  # {comment[2]}"
    power = re.fullmatch(r"(?:(\d+(?:\.\d+)?)\s*[*x]\s*)?10\s*(?:\^|\*\*)\s*\(?(-?\d+)\)?", given)
    return f"{power[1] or 1}e{power[2]}" if power else None


def _sides(key: str, given: Any, wanted: str) -> str | None:
    """`3x3`."""
    sides = re.fullmatch(r"\(?(\d+)\s*[xX,\u00d7]\s*(\d+)\)?", given) if isinstance(given, str) else None
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


_FORMS: tuple[Callable[[str, Any, str], str | None], ...] = (_number, _sign, _sides, _name, _share, _figure, _plain, _mapping)
