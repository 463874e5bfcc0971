"""Every spec of the gallery: honest header, checks, works on made-up data, is written in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.smoke import smoke
from tests.tracking.support import ROOT, skip_without_packages

SPECS = sorted((ROOT / "specs").glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_header_says_idea_source_result_and_baseline(path: Path) -> None:
    words = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("# ") and line[2].isupper()]

    assert [word for word in words if word in ("Idea", "Source", "Expected", "Baseline")] == ["Idea", "Source", "Expected", "Baseline"]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_name_of_the_experiment_is_that_of_the_file(path: Path) -> None:
    checked = check(path.read_text(), path.name)

    assert checked.report.ids == []
    assert checked.spec is not None
    assert checked.spec.name == path.stem


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_two_steps_on_made_up_data_work(path: Path) -> None:
    skip_without_packages(path)

    assert smoke(check(path.read_text(), path.name)) is None


def test_the_readme_lists_the_gallery() -> None:
    listed = [
        line.split("`")[1] for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `") and "nnrun" not in line
    ]

    assert set(listed) == {path.stem for path in SPECS}


def test_the_readmes_spec_is_right() -> None:
    text = (ROOT / "README.md").read_text().split("```yaml\n")[1].split("```")[0]

    assert check(text, "README.md").report.ids == []
