"""Text as a terminal may show it. Labels, names, paths and data are written by others, and their signs could steer the terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache

_SUSPECT = re.compile(r"[^\n\t\x20-\x7e]")

JOINERS = "\u200c\u200d"
"""Have no width and belong to how words of some scripts, and some pictures, are written."""


def visible(text: str) -> str:
    """The same text; signs that are not seen are written as `\\x1b` or `\\u202e`, but for spaces, ends of lines and joiners.

    These are control characters, those that turn the direction of writing round, halves of surrogate pairs, and unknown ones.
    """
    return text if text.isprintable() else _SUSPECT.sub(lambda found: _seen(found.group()), text)


def in_a_line(text: str) -> str:
    """The same in one line."""
    return visible(text).replace("\n", " ").replace("\t", " ")


def as_json_text(value: object) -> str:
    """A value as JSON that people read, too: such signs are escaped, and the value is the same."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text if text.isprintable() else _SUSPECT.sub(lambda found: _escaped(found.group()), text)


@cache
def _escaped(sign: str) -> str:
    return sign if _seen(sign) == sign else json.dumps(sign)[1:-1]


@cache
def _seen(sign: str) -> str:
    if sign.isprintable() or sign in JOINERS or unicodedata.category(sign) == "Zs":
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
