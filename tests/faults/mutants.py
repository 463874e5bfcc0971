"""Specs that went wrong: mutants of the gallery, and YAML that means nothing. The same number is always the same mutant."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from nnrun.registry.catalog import FOLDERS, all_of
from nnrun.runner.compiler.text.diagnostic import Path, Report
from nnrun.runner.compiler.text.source import dump, load_document
from nnrun.runner.start.gallery import gallery
from tests.faults.drawn import drawn
from tests.faults.heavy import heavy

ROOT = FilePath(__file__).parents[2]

CANARY = "canary"
"""A file that payloads would make, where one of them ran."""

PAYLOADS = (
    f"__import__('os').system('touch {CANARY}')",
    f"!!python/object/apply:os.system ['touch {CANARY}']",
    f"$(touch {CANARY})",
    "${HOME}",
    "torch.nn.Linear",
    "os.system",
    "http://localhost:9/x.csv",
    "run:0123456789abcdef/node",
)
FILES = ("table.csv", "arrays.npz", "mask.npy", "tokens.json", "link.csv", "pipe", "missing.csv", "inside", "spec.yaml")
"""Lie in the spec's folder, but for the missing one; the link leads out of it, the pipe never answers."""
PATHS = (*FILES, "/etc/passwd", "../outside.csv", "~/x.csv", "~nosuchuser/x.csv", "/dev/zero", "a\0b.csv", "inside/../../outside.csv")
NUMBERS = (0, 1, 2, 3, -1, 7, 64, 65, 10**4, 10**7, 2**31 - 1, 2**31, 10**18, -(10**18), 10**30, 0.0, 0.5, -0.5, 1.0, 1e-300, 1e300)
TEXTS = ("", " ", "a", "A b", "é", "\u202eabc", "\x1b[31m", "a\nb", "$size", "$", "*", "&", "text", "x" * 500, "0x10", "1e3", "..", "a.b.c")
ARROWS = ("a -> b", "a <-> a", "a ->", "-> b", "prev(a) -> a", "prev(a, 9999999) -> b", "a, b -> c, d", "prev(prev(a)) -> b", "a.b -> c.d")
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [3],
    ["a"],
    [[]],
    [None],
    {"type": "linear"},
    {"type": 3},
    {"type": None},
    {"a": {"b": 1}},
)
INFINITE = (float("nan"), float("inf"), float("-inf"))


@dataclass(frozen=True)
class Mutant:
    """A text that might be a spec, and what is set on it."""

    number: int
    text: str
    settings: tuple[str, ...] = ()
    what: str = ""


@cache
def specs() -> dict[str, Any]:
    """The gallery as plain values."""
    texts = {name: (ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8") for name in gallery()}
    return {name: load_document(text, name, Report()).value for name, text in texts.items()}


@cache
def places() -> tuple[tuple[str, Path], ...]:
    """Every value of every spec of the gallery, so mixed that the first few are of many specs."""
    found = [(name, path) for name, value in specs().items() for path in _paths(value)]
    random.Random(0).shuffle(found)
    return tuple(found)


@cache
def _heavy() -> tuple[tuple[str, str], ...]:
    return tuple(heavy())


@cache
def _types() -> tuple[str, ...]:
    return tuple(name for role in FOLDERS for name in all_of(role))


def mutant(number: int, seed: int = 0) -> Mutant:
    """Mutant number so and so. Half of them put something else in the place of one value, going through all values by turns.

    Numbers below zero are not drawn: they are the heavy specs.
    """
    if number < 0:
        what, text = _heavy()[-1 - number]
        return Mutant(number, text, what=what)
    rng = random.Random(f"{seed} {number}")
    if number % 2 == 0:
        name, path = places()[number // 2 % len(places())]
        value = _other(rng, specs()[name])
        return Mutant(number, dump(_put(specs()[name], path, value)), what=f"{name}: {'.'.join(map(str, path))} = {value!r:.80}")
    return WAYS[number // 2 % len(WAYS)](number, rng)


def _restructured(number: int, rng: random.Random) -> Mutant:
    """Entries are left out, moved, renamed, wrapped, doubled, or taken from other specs."""
    name = rng.choice(list(specs()))
    value, said = specs()[name], []
    for _ in range(rng.randint(1, 4)):
        paths = list(_paths(value))
        if not paths:
            break
        path, other = rng.choice(paths), rng.choice(paths)
        stranger, its_path = rng.choice(places())
        kind = rng.randrange(7)
        said.append(f"{kind} {'.'.join(map(str, path))}")
        match kind:
            case 0:
                value = _left_out(value, path)
            case 1:
                value = _put(_put(value, path, _at(value, other)), other, _at(value, path)) if not _nested(path, other) else value
            case 2:
                value = _put(value, path, [_at(value, path)])
            case 3:
                value = _put(value, path, {rng.choice(_words(value)): _at(value, path)})
            case 4:
                value = _put(value, path, _at(specs()[stranger], its_path))
            case 5:
                value = _renamed(value, path, rng.choice(_words(value)))
            case 6:
                value = _put(value, path, _other(rng, value))
    return Mutant(number, dump(value), what=f"{name}: {', '.join(said)}")


def _miswritten(number: int, rng: random.Random) -> Mutant:
    """Characters and lines of the text are lost, doubled, swapped or indented."""
    name = rng.choice(list(specs()))
    text = (ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8")
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        lines = text.split("\n")
        line, at = rng.randrange(len(lines)), rng.randrange(len(text) + 1)
        match rng.randrange(6):
            case 0:
                text = text[:at] + text[at + rng.choice((1, 1, 3, 40)) :]
            case 1:
                text = text[:at] + rng.choice("{}[]:,-#&*!|>'\"%@`?\n\t <$.~\\é\u202e\u00a0\u3000") + text[at:]
            case 2:
                lines.insert(line, lines[rng.randrange(len(lines))])
                text = "\n".join(lines)
            case 3:
                del lines[line]
                text = "\n".join(lines)
            case 4:
                lines[line] = " " * rng.randint(1, 4) + lines[line] if rng.random() < 0.5 else lines[line].lstrip(" ")
                text = "\n".join(lines)
            case 5:
                text = text[:at] + rng.choice((*PAYLOADS, *ARROWS, *(text for text in TEXTS if text.isprintable()))) + text[at:]
    return Mutant(number, text, what=name)


def _set(number: int, rng: random.Random) -> Mutant:
    """A spec that is right, with settings that may not be."""
    name, path = rng.choice(places())
    settings = []
    for _ in range(rng.randint(1, 3)):
        value = dump([_other(rng, specs()[name])]).strip().removeprefix("-").strip() if rng.random() < 0.7 else rng.choice(PAYLOADS)
        steps = [*map(str, path)] if rng.random() < 0.7 else [rng.choice(_words(specs()[name])) for _ in range(rng.randint(1, 4))]
        settings.append(f"{'.'.join(steps)}={value}")
    return Mutant(number, dump(specs()[name]), tuple(settings), f"{name} --set {settings}")


def _filed(number: int, rng: random.Random) -> Mutant:
    """Data, tokens and masks come from files, some of which are none of the spec's business."""
    file = rng.choice(PATHS)
    name = rng.choice(list(specs()))
    value = specs()[name]
    source = rng.choice(("csv", "npz", "parquet", "text", "image_folder"))
    fields = {"x": {"type": rng.choice(("number", "vector", "text", "image", "category"))}, "y": {"type": "category"}}
    if rng.random() < 0.5:
        fields["x"] = {"type": "text", "tokens": rng.choice(PATHS)}
    key = "folder" if source == "image_folder" else "file"
    value = _put(value, ("data",), {"source": source, key: file, "fields": fields})
    if rng.random() < 0.3:
        mask = {"type": "file", "file": rng.choice(PATHS)}
        value = _put(value, ("edges",), [{"edge": "v <-> h", "mask": mask}, *([] if rng.random() < 0.5 else ["x -> v"])])
        value = _put(value, ("nodes",), {"v": {"type": "units", "units": 4}, "h": {"type": "units", "units": 4}})
    return Mutant(number, dump(value), what=f"{name}, {source} {file!r}")


def _random(number: int, rng: random.Random) -> Mutant:
    """YAML of the words of the language, in no order."""
    return Mutant(number, dump(_anything(rng, 0)), what="random")


def _drawn(number: int, rng: random.Random) -> Mutant:
    """Parts that are right, put together at random."""
    return Mutant(number, dump(drawn(rng)), what="drawn")


WAYS = (_drawn, _restructured, _miswritten, _drawn, _set, _filed, _random, _restructured)


def _anything(rng: random.Random, depth: int) -> Any:
    words = _words(rng.choice(list(specs().values())))
    kind = rng.randrange(6) if depth < 6 else 0
    if depth == 0:
        return {rng.choice((*SECTIONS, rng.choice(words))): _anything(rng, 1) for _ in range(rng.randint(1, 9))}
    if kind <= 2:
        return _other(rng, {})
    if kind == 3:
        return [_anything(rng, depth + 1) for _ in range(rng.randint(0, 5))]
    return {rng.choice(words): _anything(rng, depth + 1) for _ in range(rng.randint(0, 6))}


SECTIONS = ("nnrun", "name", "data", "nodes", "edges", "train", "metrics", "blocks", "decode", "track", "sweep")


def _other(rng: random.Random, value: Any) -> Any:
    """Something that might stand in the place of a value."""
    match rng.randrange(10):
        case 0 | 1:
            return rng.choice(NUMBERS)
        case 2:
            return rng.choice(TEXTS)
        case 3:
            return rng.choice(ODD)
        case 4:
            return rng.choice(_types())
        case 5:
            return rng.choice(_words(value) or ("a",))
        case 6:
            name, path = rng.choice(places())
            return _at(specs()[name], path)
        case 7:
            return rng.choice((*PAYLOADS, *PATHS, *INFINITE))
        case 8:
            one, other = (rng.choice(_words(value) or ("a",)) for _ in range(2))
            forms = (f"{one} -> {other}", f"prev({one}) -> {other}", f"{one} <-> {other}", f"{one} * prev({other})", f"{one}.{other}")
            return rng.choice((*ARROWS, *forms))
        case _:
            return "".join(rng.choice(string.printable[:95] + "é\u00a0") for _ in range(rng.randint(0, 30)))


def _words(value: Any) -> list[str]:
    """The keys and short texts of a value."""
    found = [str(step) for path in _paths(value) for step in path[-1:]]
    return found + [text for path in _paths(value) if isinstance(text := _at(value, path), str) and len(text) < 40]


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in entries:
        yield (*path, step)
        yield from _paths(inner, (*path, step))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _put(value: Any, path: Path, new: Any) -> Any:
    """A copy with another value at a path."""
    if not path:
        return new
    step, *rest = path
    if isinstance(value, dict):
        return {**value, step: _put(value.get(step), tuple(rest), new)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _put(value[step], tuple(rest), new), *value[step + 1 :]]
    return value


def _left_out(value: Any, path: Path) -> Any:
    step, holder = path[-1], _at(value, path[:-1])
    entries = holder.items() if isinstance(holder, dict) else enumerate(holder)
    kept: Any = {key: inner for key, inner in entries if key != step}
    return _put(value, path[:-1], kept if isinstance(holder, dict) else list(kept.values()))


def _renamed(value: Any, path: Path, name: str) -> Any:
    holder = _at(value, path[:-1])
    if not isinstance(holder, dict):
        return value
    return _put(value, path[:-1], {name if key == path[-1] else key: inner for key, inner in holder.items()})


def _nested(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
