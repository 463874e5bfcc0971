"""Why a text is not YAML, in words for people who write specs, shown where the cause begins. Loaded only when there is something wrong."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

ODD = re.compile("[\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]")
"""Spaces that YAML takes for letters."""

_LOOK = "look for a missing colon, bracket or quote in this line and the one above"


@dataclass(frozen=True, slots=True)
class Cause:
    """Line and column, counted from 0, where the cause of what cannot be read stands."""

    line: int
    column: int
    message: str
    help: str = _LOOK


def odd_space(text: str) -> tuple[str, str]:
    """What is said of a text that holds an odd space."""
    sign = ODD.findall(text)[0]
    name = unicodedata.name(sign, "a character").lower()
    return f"a {name} (U+{ord(sign):04X}) stands here", "write a plain space, or nothing: it may come from a web page or a word processor"


def glued_key(key: str, value: str) -> tuple[str, str] | None:
    """What is said of a key that is a key and the beginning of its value; `value` is what the colon within it has left."""
    glued = re.fullmatch(r"([A-Za-z_]\w*):(\S.*)", key)
    if glued and value == "":
        return "a space is missing behind the colon", f"write `{glued[1]}: {glued[2]}`"
    opened = re.fullmatch(r"([A-Za-z_]\w*)\s*([{\[][^]}]*)", key)
    if opened:
        return f"a colon is missing behind `{opened[1]}`", f"write `{opened[1]}: {opened[2]}: {value}`"
    return None


def cut_value(entries: list[str | None]) -> tuple[str, str] | None:
    """What is said of a value between { } that a comma has cut; `entries` are its key, itself and what follows, None where quoted."""
    key, value, *rest = entries
    if value is None or rest[0] is None:
        return None
    if re.fullmatch(r"[-+]?\d+", value) and re.fullmatch(r"\d+(e[-+]?\d+)?", rest[0]):
        return f"the comma in `{value},{rest[0]}` ends the value", f"a number has a point: write `{key}: {value}.{rest[0]}`"
    words = [piece for piece, following in zip(rest[::2], rest[1::2], strict=False) if following == "" and piece is not None]
    if words and len(words) == len(rest[::2]) and all(re.fullmatch(r"[A-Za-z_]\w*", word) for word in (value, *words)):
        held = ", ".join([value, *words])
        return f"the comma in `{held}` ends the value", f"a list stands in brackets: write `{key}: [{held}]`"
    if value.count("(") <= value.count(")"):
        return None
    for piece, following in zip(rest[::2], rest[1::2], strict=True):
        if piece is None or following:
            return None
        value = f"{value}, {piece}"
        if value.count("(") == value.count(")"):
            return "a comma ends this value, as it stands between { }", f"put quotes around it: `{key}: '{value}'`"
    return None


def cause(lines: list[str], error: Any, opened: list[Any]) -> Cause:
    """The cause of an error of the parser; `opened` are the marks of brackets that are not closed yet."""
    problem, context = error.problem or "", error.context or ""
    mark, start = error.problem_mark, error.context_mark
    line, column = (min(mark.line, len(lines) - 1), mark.column) if mark else (0, 0)
    text = lines[line]
    if text[column : column + 1] == "\t" or (column and text[:column].endswith("\t") and not text[:column].strip()):
        place = text.index("\t")
        return Cause(line, place, "a tab stands here", "indent with spaces; YAML allows no tabs there")
    for number in (line, max(0, line - 1)):
        if odd := ODD.search(lines[number]):
            return Cause(number, odd.start(), *odd_space(lines[number]))
    if "quoted scalar" in context and start is not None and "end of stream" in problem:
        quote = lines[start.line][start.column : start.column + 1]
        return Cause(
            start.line, start.column, f"the quote `{quote}` that begins here is not closed", f"write `{quote}` where the text ends"
        )
    at_end = mark is None or (mark.line, mark.column) >= (len(lines) - 1, len(lines[-1]))
    found = _bracket(lines, line, column, problem, opened, at_end) or _colon(lines, problem, start)
    return found or _place(lines, line, column, problem, start)


def _bracket(lines: list[str], line: int, column: int, problem: str, opened: list[Any], at_end: bool) -> Cause | None:
    text = lines[line]
    opened = [mark for mark in opened if lines[mark.line][mark.column : mark.column + 1] in ("{", "[")]
    if late := re.search(r"(\w+)\[\s*t\s*-\s*(\d+)\s*\]", text):
        delay = f", {late[2]}" if int(late[2]) > 1 else ""
        return Cause(line, late.end(1), "brackets stand here, which make a list", f"a value of an earlier tick is `prev({late[1]}{delay})`")
    if opened and (opened[-1].line < line or at_end):
        sign = lines[opened[-1].line][opened[-1].column]
        closing = {"{": "}", "[": "]"}[sign]
        return Cause(opened[-1].line, opened[-1].column, f"the `{sign}` that begins here is not closed", f"write `{closing}` where it ends")
    if text[column : column + 1] in ("}", "]") and not opened:
        return Cause(line, column, f"the `{text[column]}` closes nothing", "take it away, or open it before")
    if opened and "expected ','" in problem:
        help = "between { } and [ ] commas part the entries; a text that holds a comma or a bracket stands in quotes"
        return Cause(line, column, "a comma was expected here", help)
    return None


def _colon(lines: list[str], problem: str, start: Any) -> Cause | None:
    """A key without its colon, or without the space behind it."""
    if "could not find expected ':'" not in problem or start is None:
        return None
    written = lines[start.line][start.column :].split(" #")[0].rstrip()
    if glued := re.fullmatch(r"([A-Za-z_]\w*):(\S.*)", written):
        return Cause(start.line, start.column, "a space is missing behind the colon", f"write `{glued[1]}: {glued[2]}`")
    if apart := re.fullmatch(r"([A-Za-z_]\w*)\s*[=\s]\s*(\S.*)", written):
        return Cause(start.line, start.column, "a colon is missing here", f"write `{apart[1]}: {apart[2]}`")
    return Cause(start.line, start.column, "a colon is missing here", f"write `{written}:`")


def _place(lines: list[str], line: int, column: int, problem: str, start: Any) -> Cause:
    """A line that is indented otherwise than those beside it, or a sign that cannot stand where it does."""
    text = lines[line]
    sign, rest = text[column : column + 1], text[column:].split(" #")[0].rstrip()
    if "cannot start any token" in problem:
        return Cause(line, column, f"a text cannot begin with `{sign}`", f'put quotes around it: `"{rest}"`')
    if "sequence entries are not allowed" in problem:
        entries = re.sub(r"^-\s*", "", rest)
        return Cause(line, column, "a list begins on a line of its own", f"put it in brackets: `[{entries}]`")
    if "mapping values are not allowed" in problem:
        return _second_colon(lines, line, column)
    if "escape character" in problem:
        return Cause(line, column, "a backslash stands between double quotes", "use single quotes, in which it means itself")
    if "alias" in problem or "anchor" in problem or "alphabetic or numeric" in problem:
        return Cause(line, column, "a name is missing behind `*` or `&`", "a text that begins with `*` or `&` stands in quotes")
    if "incompatible" in problem:
        return Cause(line, 0, "another version of YAML than 1 is asked for", "take this line away")
    if "directive" in problem or text.startswith("%"):
        return Cause(line, 0, "a line cannot begin with `%`", "put quotes around the text")
    indent = len(text) - len(text.lstrip())
    if start is not None and column <= indent and text.strip() and start.column != indent:
        before = next((other for other in lines[line - 1 :: -1] if other.strip()), "")
        if start.column < indent < (other := len(before) - len(before.lstrip())):
            return Cause(line, column, f"this line is indented by {indent}, the line above it by {other}", f"indent it by {other}")
        above = f"the lines beside it, from line {start.line + 1} on, by {start.column}"
        return Cause(line, column, f"this line is indented by {indent} space{'s' * (indent != 1)}, {above}", f"indent it by {start.column}")
    if bracketed := re.match(r"\s*-\s*\[(?P<names>[\w\s,.]+)\]\s*(?P<rest>(->|<->).*)", text):
        names = ", ".join(name.strip() for name in bracketed["names"].split(","))
        return Cause(
            line, text.index("["), "names stand side by side with commas, without brackets", f"write `- {names} {bracketed['rest']}`"
        )
    if start is not None and "'-'" in problem:
        return Cause(line, column, "a list goes on with a dash, and this line has none", "write `- ` before it, or indent it otherwise")
    return Cause(line, column, "what stands here cannot be read as YAML")


def _second_colon(lines: list[str], line: int, column: int) -> Cause:
    text = lines[line]
    key = text[:column].strip()
    if re.fullmatch(r"(?:- )?\w+", key) and line > 0:
        indent = len(text) - len(text.lstrip())
        above = next(number for number in range(line - 1, -1, -1) if lines[number].strip() or number == 0)
        beside = len(lines[above]) - len(lines[above].lstrip())
        if indent > beside:
            message = f"this line is indented by {indent} spaces, the line above it, which holds a value already, by {beside}"
            return Cause(line, indent, message, f"indent it by {beside}")
    if opened := re.match(r"\s*(?:- )?([A-Za-z_]\w*)\s*([{\[].*)", text):
        help = f"write `{opened[1]}: {opened[2].split(' #')[0].rstrip()}`"
        return Cause(line, opened.start(1), f"a colon is missing behind `{opened[1]}`", help)
    value = re.sub(r"^\s*(?:- )?\w+:\s*", "", text).rstrip()
    return Cause(line, column, "a second colon stands in this line", f'a text that holds `: ` wants quotes around it: `"{value}"`')
