"""The commit of a spec, and whether the spec is what the commit holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nnrun.runner.tracking.beside.git import git_tags


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A committed spec in a repository of its own."""
    spec = tmp_path / "spec.yaml"
    spec.write_text("nnrun: 1")
    me = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    for command in (["init", "-q"], ["add", "spec.yaml"], [*me, "commit", "-q", "-m", "Add a spec"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    return spec


def is_dirty(spec: Path) -> bool:
    tags = git_tags(spec)
    assert len(tags["mlflow.source.git.commit"]) == 40
    return tags["mlflow.source.git.dirty"] == "true"


def test_a_committed_spec_is_clean(spec: Path) -> None:
    assert not is_dirty(spec)


def test_a_changed_spec_is_dirty(spec: Path) -> None:
    spec.write_text("nnrun: 1  # changed")

    assert is_dirty(spec)


def test_a_spec_that_git_does_not_know_is_dirty(spec: Path) -> None:
    (spec.parent / "other.yaml").write_text("nnrun: 1")

    assert is_dirty(spec.parent / "other.yaml")


def test_what_runs_leave_beside_a_spec_does_not_make_it_dirty(spec: Path) -> None:
    (spec.parent / "mlflow.db").touch()

    assert not is_dirty(spec)


def test_a_spec_outside_of_git_has_no_commit(tmp_path: Path) -> None:
    assert git_tags(tmp_path / "spec.yaml") == {}
