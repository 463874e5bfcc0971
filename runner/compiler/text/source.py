"""YAML text -> plain values, and the span of every key and value. The only file that knows PyYAML.

PyYAML gives events only; values are made here, by the YAML 1.2 core schema (`1e-3` is a number, `on` a text), without tags,
merge keys or duplicate keys, and within bounds that no honest spec meets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import yaml

from nnrun.runner.compiler.text.diagnostic import Path, Place, Report, Stop
from nnrun.runner.compiler.text.document import Document, Span, Text
from nnrun.runner.compiler.text.visible import visible

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_DIGITS = 400

_Loader = getattr(yaml, "CLoader", yaml.Loader)  # only its parser is used; it makes no values

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not allow: control characters and halves of surrogate pairs."""

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)")
_NAN = re.compile(r"\.nan|\.NaN|\.NAN")


def load_document(text: str, name: str, report: Report) -> Document:
    """Read one YAML document. Where that cannot be done, the report says why, and the document holds nothing."""
    source = Text(name, text.removeprefix("\ufeff"))
    builder = _Builder(source, report)
    try:
        return builder.document()
    except _Unreadable as error:
        report.add("yaml-syntax", error.message, at=(), help=error.help)
        return Document(None, source, {((), "value"): _one_character(source, error.mark)})
    except Stop:
        return Document(None, source, builder.spans)


def dump(value: Any) -> str:
    """Plain values as YAML text that `load_document` reads back."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=140)
    return text


def plain(text: str) -> Any:
    """The value of a plain scalar by the YAML 1.2 core schema."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    if _NAN.fullmatch(text):
        return math.nan
    return text


class _Mark(NamedTuple):
    """A place as PyYAML counts, from 0."""

    line: int
    column: int


class _Unreadable(Exception):
    """The text is no spec at all, from this place on."""

    def __init__(self, message: str, mark: Any = None, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help
        self.mark: _Mark = mark or _Mark(0, 0)


def _one_character(text: Text, mark: _Mark) -> Span:
    line = min(mark.line, len(text.lines) - 1)
    column = min(mark.column, len(text.lines[line]))
    return Span(text, line + 1, column + 1, line + 1, column + 2)


@dataclass(frozen=True, slots=True)
class _Node:
    """A parsed value before aliases are followed."""

    event: Any
    end: Any
    children: tuple[Any, ...] = ()
    alias: Any = None
    """Where it stands as `*name`."""


class _Builder:
    def __init__(self, text: Text, report: Report) -> None:
        self.text = text
        self.report = report
        self.anchors: dict[str, _Node] = {}
        self.spans: dict[tuple[Path, str], Span] = {}
        self.open: list[Any] = []
        """Where the brackets and braces begin that are not closed yet."""
        self.count = 0

    def document(self) -> Document:
        self.check_characters()
        events = self.events()
        next(events)  # the stream's start
        if isinstance(next(events), yaml.StreamEndEvent):
            raise _Unreadable("the spec is empty", help="a spec starts with `nnrun: 1`")
        tree = self.tree(next(events), events, 0)
        next(events)  # the document's end
        more = next(events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise _Unreadable("a file holds one spec, here a second document starts", more.start_mark, "give it a file of its own")
        return Document(self.value(tree, ()), self.text, self.spans)

    def check_characters(self) -> None:
        text = self.text.text
        size = len(text.encode(errors="surrogatepass"))
        if size > MAX_BYTES:
            raise _Unreadable(f"a spec has at most {MAX_BYTES} bytes, and this one has more")
        wrong = _FORBIDDEN.search(text)
        if wrong:
            lines, code = f"{text[: wrong.start()]}x".splitlines(), ord(wrong.group())
            what = f"the byte {code - 0xDC00:#x} is not UTF-8" if 0xDC80 <= code < 0xDD00 else f"the character U+{code:04X} stands here"
            raise _Unreadable(f"this is not YAML: {what}", _Mark(len(lines) - 1, len(lines[-1]) - 1))

    def events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self.text.text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            from nnrun.runner.compiler.text.syntax import cause

            found = cause(self.text.lines, error, self.open)
            raise _Unreadable(f"this is not YAML: {found.message}", _Mark(found.line, found.column), found.help) from None

    def tree(self, event: Any, events: Iterator[Any], depth: int) -> _Node:
        self.bounded(event.start_mark, depth)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise _Unreadable(f"no value is anchored as `&{event.anchor}` above this alias", event.start_mark)
            return replace(self.anchors[event.anchor], alias=event)
        if event.tag is not None and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!"):
            raise _Unreadable(f"a spec has no tags, got `{event.tag}`", event.start_mark, "leave the tag away")
        if isinstance(event, yaml.ScalarEvent):
            node = _Node(event, event.end_mark)
        else:
            closing = yaml.MappingEndEvent if isinstance(event, yaml.MappingStartEvent) else yaml.SequenceEndEvent
            children = []
            self.open += [event.start_mark] if event.flow_style else []
            while not isinstance(inner := next(events), closing):
                children.append(self.tree(inner, events, depth + 1))
            del self.open[len(self.open) - bool(event.flow_style) :]
            node = _Node(event, inner.end_mark, tuple(children))
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def value(self, node: _Node, path: Path) -> Any:
        self.bounded(node.event.start_mark, len(path))
        self.spans[path, "value"] = self.span(node)
        if node.alias is not None:
            self.spans[path, "alias"] = self.span(_Node(node.alias, node.alias.end_mark))
        if isinstance(node.event, yaml.ScalarEvent):
            return self.scalar(node.event)
        if isinstance(node.event, yaml.SequenceStartEvent):
            return [self.value(child, (*path, index)) for index, child in enumerate(node.children)]
        mapping: dict[str, Any] = {}
        for place, (key_node, child) in enumerate(zip(node.children[::2], node.children[1::2], strict=True)):
            if not isinstance(key_node.event, yaml.ScalarEvent):
                raise _Unreadable("a key is a name, not a list or a mapping", key_node.event.start_mark)
            key = self.text_of(key_node.event)
            inner = (*path, key)
            if key == "<<" and not key_node.event.style:
                self.merge(child, path, mapping, {self.text_of(other.event) for other in node.children[::2]})
                continue
            if key in mapping:
                self.duplicate(key, inner, (*inner, -place), self.span(key_node))
                continue
            self.check_glued(key, child, key_node.event)
            self.check_cut(node, place)
            self.spans[inner, "key"] = self.span(key_node)
            mapping[key] = self.value(child, inner)
        return mapping

    def merge(self, child: _Node, path: Path, mapping: dict[str, Any], own: set[str]) -> None:
        """Take in the keys of another mapping, or of several, as `<<: *name` asks for; those written beside it go before."""
        parts = list(child.children) if isinstance(child.event, yaml.SequenceStartEvent) else [child]
        for part in parts:
            if not isinstance(part.event, yaml.MappingStartEvent):
                raise _Unreadable("`<<` takes in a mapping that is anchored above", child.event.start_mark, "write `<<: *name`")
            for key_node, value in zip(part.children[::2], part.children[1::2], strict=True):
                key = self.text_of(key_node.event)
                if key not in own and key not in mapping:
                    self.spans[(*path, key), "key"] = self.span(key_node)
                    mapping[key] = self.value(value, (*path, key))

    def check_glued(self, key: str, child: _Node, event: Any) -> None:
        """A colon without a space behind it between { }, or none in front of them, makes one long key of both."""
        if event.style or not isinstance(child.event, yaml.ScalarEvent) or not re.search(r":\S|[{\[]", key):
            return
        from nnrun.runner.compiler.text.syntax import glued_key

        found = glued_key(key, child.event.value)
        if found is not None:
            raise _Unreadable(found[0], event.start_mark, found[1])

    def check_cut(self, mapping: _Node, place: int) -> None:
        """A comma between { } parts entries, also where it was meant as part of a number or a formula."""
        cut = mapping.children[2 * place + 1]
        if not place or not isinstance(cut.event, yaml.ScalarEvent) or cut.event.value or cut.event.style:
            return
        from nnrun.runner.compiler.text.syntax import cut_value

        events = [child.event for child in mapping.children[2 * place - 2 :]]
        found = cut_value([event.value if isinstance(event, yaml.ScalarEvent) and not event.style else None for event in events])
        if found is not None:
            raise _Unreadable(found[0], mapping.children[2 * place - 1].event.start_mark, found[1])

    def duplicate(self, key: str, first: Path, again: Path, span: Span) -> None:
        self.spans[again, "key"] = span
        self.report.add(
            "duplicate-key",
            f"the key `{key}` stands twice in one mapping, first in line {self.spans[first, 'key'].line}",
            at=Place(again, "key"),
            notes=[(Place(first, "key"), "first here")],
            help="keep one of the two",
        )

    def scalar(self, event: Any) -> Any:
        text = self.text_of(event)
        if event.style or event.tag or not event.implicit[0]:
            return text
        if len(text) > MAX_DIGITS and re.fullmatch(r"[-+.0-9a-fA-Fxoe_]+", text):
            raise _Unreadable(f"a number has at most {MAX_DIGITS} digits", event.start_mark)
        return plain(text)

    def text_of(self, event: Any) -> str:
        text: str = event.value
        if text.isascii():
            return text
        if re.search("[\ud800-\udfff]", text):
            raise _Unreadable("a text holds whole characters, here is half of a surrogate pair", event.start_mark)
        if not event.style:
            self.check_spaces(text, event)
        return text

    def check_spaces(self, text: str, event: Any) -> None:
        """A space that YAML takes for a letter is no mistake between words, but in a name or a number it is."""
        from nnrun.runner.compiler.text.syntax import ODD, odd_space

        found = ODD.search(text)
        if found and (" " not in text.strip() or found.start() == 0 or found.end() == len(text)):
            mark = event.start_mark
            raise _Unreadable(f"this is not YAML: {odd_space(text)[0]}", _Mark(mark.line, mark.column + found.start()), odd_space(text)[1])

    def span(self, node: _Node) -> Span:
        start, end = node.event.start_mark, node.end
        if start.line >= len(self.text.lines):
            return _one_character(self.text, start)  # nothing is written there
        first, last = start.line + 1, end.line + 1
        if isinstance(node.event, yaml.CollectionStartEvent) and not node.event.flow_style:
            # the end of a block is where the next begins: its first line stands for it
            return Span(self.text, first, start.column + 1, first, max(len(self.text.lines[start.line]), start.column + 1) + 1)
        column = end.column + 1
        if last > len(self.text.lines):
            last, column = len(self.text.lines), len(self.text.lines[-1]) + 1
        return Span(self.text, first, start.column + 1, last, max(column, start.column + 2) if first == last else column)

    def bounded(self, mark: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _Unreadable(f"values are nested at most {MAX_DEPTH} deep", mark)
        self.count += 1
        if self.count > 2 * MAX_VALUES:
            raise _Unreadable(f"a spec has at most {MAX_VALUES} values, aliases counted each time", mark)


_TAGS = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str"}


class _Dumper(yaml.SafeDumper):
    """Writes by the core schema of YAML 1.2, as `plain` reads: texts that could be something else in quotes, no tags."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return f"tag:yaml.org,2002:{_TAGS[type(plain(value))]}"
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]


def _write_text(dumper: _Dumper, text: str) -> yaml.Node:
    bare = isinstance(plain(text), str) and re.fullmatch(r"[A-Za-z_./][\w ./()-]*", text) is not None
    is_block = "\n" in text and visible(text) == text
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if bare else "|" if is_block else '"')


def _write_number(dumper: _Dumper, number: float) -> yaml.Node:
    text = repr(number) if math.isfinite(number) else ".nan" if math.isnan(number) else ".inf" if number > 0 else "-.inf"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(float, _write_number)
