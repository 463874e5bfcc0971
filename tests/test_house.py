"""The plan of the house: imports go one way, no circle at any depth, and every room says what it is for."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.tracking.support import ROOT

TOPS = ("registry", "runner")
FOLDERS = sorted({file.parent.relative_to(ROOT) for top in TOPS for file in (ROOT / top).rglob("*.py")})
CATALOGS = {Path("registry", name) for name in ("nodes", "modules", "sources", "metrics", "fields")}
"""Where a file is one thing of many that can be named, and nothing else knows of it."""

MOST = 16
"""Files of a room."""

Arrow = tuple[Path, Path]


@cache
def arrows() -> tuple[Arrow, ...]:
    """(file that imports, file that is imported), wherever in a file the import stands."""
    return tuple((file, target) for top in TOPS for file in sorted((ROOT / top).rglob("*.py")) for target in imported(file))


def imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            place = ROOT.joinpath(*name.removeprefix("nnrun.").split("."))
            if name.startswith("nnrun.") and place.with_suffix(".py").is_file():
                yield place.with_suffix(".py")


def within(folder: Path) -> dict[str, set[str]]:
    """For each file and room of a folder the others of it that it imports, and that what lies in it imports."""
    found: dict[str, set[str]] = defaultdict(set)
    for source, target in arrows():
        if source.is_relative_to(ROOT / folder) and target.is_relative_to(ROOT / folder):
            one, other = (path.relative_to(ROOT / folder).parts[0] for path in (source, target))
            if one != other:
                found[one].add(other)
    return found


def rooms() -> Iterator[tuple[Path, list[list[str]]]]:
    """The orders that the README draws: `runner/: compiler < tracking, engine < …`."""
    text = (ROOT / "runner" / "README.md").read_text(encoding="utf-8")
    for folder, order in re.findall(r"^(\S+)/: +(.+ < .+)$", text, re.MULTILINE):
        yield Path(folder), [[name.strip() for name in names.split(",")] for names in order.split("<")]


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_imports_within_a_room_make_no_circle(folder: Path) -> None:
    try:
        tuple(TopologicalSorter(within(folder)).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(("folder", "order"), list(rooms()), ids=lambda value: str(value) if isinstance(value, Path) else "")
def test_no_import_goes_back_in_the_order_of_the_readme(folder: Path, order: list[list[str]]) -> None:
    rank = {name: place for place, names in enumerate(order) for name in names}
    back = [(one, other) for one, others in within(folder).items() for other in others if rank.get(other, -1) > rank.get(one, len(rank))]

    assert [name for name in rank if not (ROOT / folder / name).exists() and not (ROOT / folder / f"{name}.py").exists()] == []
    assert back == []


def test_the_readme_orders_every_room_that_holds_rooms() -> None:
    holding = {folder for folder in FOLDERS if len([one for one in FOLDERS if one.parent == folder]) > 1}

    assert holding - {folder for folder, _ in rooms()} == set()


def test_registry_never_imports_runner() -> None:
    assert [(one, other) for one, other in arrows() if ROOT / "registry" in one.parents and ROOT / "runner" in other.parents] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_room_says_in_a_line_what_it_is_for(folder: Path) -> None:
    text = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8")))

    assert text


@pytest.mark.parametrize("folder", sorted(set(FOLDERS) - CATALOGS), ids=str)
def test_a_room_can_be_taken_in_at_a_look(folder: Path) -> None:
    assert len([file for file in (ROOT / folder).glob("*.py") if file.name != "__init__.py"]) <= MOST
