"""The pages of runner/errors: each shows exactly what nnrun says, and its repair is right."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.compiler.memory import machine
from nnrun.runner.compiler.text.render import render_text

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "runner" / "errors").glob("*.md"))
RUN_PAGES = sorted((ROOT / "runner" / "errors" / "run").glob("*.md"))
HEADINGS = ["## A failing spec", "## What nnrun says", "## Repair"]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine of the pages has 16 GiB, whichever runs the tests."""
    monkeypatch.setattr(machine, "installed", lambda: 16 << 30)


each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_page_has_the_layout_of_all_pages(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert text.startswith(f"# {page.stem}\n\n")
    assert list(dict.fromkeys(re.findall("^## .*$", text, re.MULTILINE))) == HEADINGS
    assert len(text.partition(HEADINGS[0])[0].split()) > 20


@each_page
def test_failing_spec_gives_exactly_the_output_of_its_page(page: Path, update: bool) -> None:
    text = page.read_text(encoding="utf-8")
    said = [render_text(checked.report, checked.document) for checked in checks(text.partition(HEADINGS[2])[0])]
    if update:
        outputs = iter(said)
        text = re.sub(r"```text\n.*?```", lambda match: f"```text\n{next(outputs)}```", text, flags=re.DOTALL)
        page.write_text(text, encoding="utf-8")

    assert [body for kind, body in BLOCK.findall(text) if kind == "text"] == said


@each_page
def test_failing_spec_is_found_wrong_in_this_way_only(page: Path) -> None:
    for checked in checks(page.read_text(encoding="utf-8").partition(HEADINGS[2])[0]):
        assert set(checked.report.ids) == {page.stem}


@each_page
def test_repaired_spec_is_right(page: Path) -> None:
    repaired = list(checks(page.read_text(encoding="utf-8").partition(HEADINGS[2])[2]))

    assert len(repaired) == 1
    assert repaired[0].report.ids == []


def test_every_id_in_the_code_has_a_page() -> None:
    assert sorted(ids()) == [page.stem for page in PAGES]


def checks(part: str) -> Iterator[Checked]:
    """The specs of a part of a page, checked as the `sh` block behind them says, if there is one."""
    blocks = [(kind, body) for kind, body in BLOCK.findall(part) if kind != "text"]
    for (kind, body), (after, command) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        words = shlex.split(command) if after == "sh" else []
        if kind == "yaml":
            settings = [setting for flag, setting in pairwise(words) if flag == "--set"]
            beside = ROOT / "specs" if "file: no_such" in body else None  # files are looked at beside a spec that is one
            yield check(body, "spec.yaml", settings=settings, folder=beside)


def ids() -> set[str]:
    """All texts of the compiler that look like an id, and the ids of shape errors."""
    found = set()
    for file in [*(ROOT / "runner" / "compiler").rglob("*.py"), *(ROOT / "registry").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "compiler" in file.parts:
                found |= {node.value} if re.fullmatch("[a-z]+(-[a-z]+)+", node.value) else set()
            elif isinstance(node, ast.keyword) and node.arg == "id" and isinstance(node.value, ast.Constant):
                found.add(node.value.value)
    return found


def test_every_fault_has_a_page() -> None:
    for module in ("source", "field", "data.tables"):
        import_module(f"nnrun.registry.{module}")
    experiments = ("experiments.find_lr", "experiments.figures", "experiments.sweep.sweep")
    for module in (
        "job",
        "cli.world",
        "tracking.runs",
        "tracking.again.kept",
        "engine.prepare",
        "engine.checkpoint.sealed",
        "engine.training.diverged",
        "engine.shortage",
        "engine.chance",
        "engine.data.cache.proof",
        "follow",
        "launch.slurm",
        *experiments,
    ):
        import_module(f"nnrun.runner.{module}")
    todo, found = [Fault], set()
    while todo:
        todo += (subclasses := todo.pop().__subclasses__())
        found |= {cls.id for cls in subclasses if cls.__module__.startswith("nnrun.")}

    assert sorted(found) == [page.stem for page in RUN_PAGES]


@pytest.mark.parametrize("page", RUN_PAGES, ids=lambda page: page.stem)
def test_the_page_of_a_fault_says_what_it_means_how_it_looks_and_how_to_mend_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert text.startswith(f"# {page.stem}\n\n")
    assert re.findall("^## .*$", text, re.MULTILINE) == HEADINGS[1:]
    assert f"error[{page.stem}]: " in text
