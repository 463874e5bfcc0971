"""The commit of a spec, and whether the spec is what the commit holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nnrun.runner.tracking.beside.git import git_tags

ME = ("-c", "user.name=me", "-c", "user.email=me@example.org")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    """A committed spec and its data, in a new repository of their own."""
    folder.mkdir(exist_ok=True)
    spec = folder / "spec.yaml"
    spec.write_text("nnrun: 1")
    (folder / "data.csv").write_text("a,b")
    for command in (("init", "-q", "-b", "main"), ("add", "."), (*ME, "commit", "-q", "-m", "Add a spec")):
        git(folder, *command)
    return spec


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


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


def test_a_file_that_was_only_touched_does_not_make_a_spec_dirty(spec: Path) -> None:
    os.utime(spec, (1, 1))

    assert not is_dirty(spec)


def test_a_change_that_is_staged_makes_a_spec_dirty(spec: Path) -> None:
    (spec.parent / "other.yaml").write_text("nnrun: 1")
    git(spec.parent, "add", "other.yaml")

    assert is_dirty(spec)


def test_a_spec_in_a_second_work_tree_has_the_commit_of_that(spec: Path, tmp_path: Path) -> None:
    git(spec.parent, "worktree", "add", "-q", "-b", "other", str(tmp_path / "second"))
    git(tmp_path / "second", *ME, "commit", "-q", "--allow-empty", "-m", "Do nothing")
    git(spec.parent, "pack-refs", "--all")

    assert git_tags(tmp_path / "second" / "spec.yaml") == {
        "mlflow.source.git.commit": git(tmp_path / "second", "rev-parse", "HEAD"),
        "mlflow.source.git.dirty": "false",
    }
    assert git_tags(spec)["mlflow.source.git.commit"] == git(spec.parent, "rev-parse", "HEAD")


def test_a_spec_in_a_submodule_has_the_commit_of_that(spec: Path, tmp_path: Path) -> None:
    outer = repository(tmp_path / "outer")
    git(outer.parent, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(spec.parent), "inner")

    assert git_tags(outer.parent / "inner" / "spec.yaml") == git_tags(spec)


def test_no_word_is_said_on_changes_of_a_file_that_a_filter_is_for(spec: Path) -> None:
    (spec.parent / ".gitattributes").write_text("*.bin filter=large\n")
    (spec.parent / "data.bin").write_text("some")
    git(spec.parent, "add", ".")
    git(spec.parent, *ME, "commit", "-q", "-m", "Add data")
    (spec.parent / "data.bin").write_text("another")

    assert list(git_tags(spec)) == ["mlflow.source.git.commit"]


def test_an_index_that_cannot_be_read_leaves_the_commit(spec: Path) -> None:
    (spec.parent / ".git" / "index").write_bytes(b"no index")

    assert list(git_tags(spec)) == ["mlflow.source.git.commit"]


PLANTED = {
    "fsmonitor": "[core]\nfsmonitor = {run}",
    "hooks": "[core]\nhooksPath = {folder}",
    "pager": "[core]\npager = {run}\n[pager]\nstatus = {run}\ndiff = {run}",
    "ssh": '[core]\nsshCommand = {run}\n[remote "origin"]\nurl = ssh://nowhere/x\npromisor = true\n[extensions]\npartialClone = origin',
    "clean": '[filter "evil"]\nclean = {run}\nsmudge = {run}\nrequired = true',
    "process": '[filter "evil"]\nprocess = {run}\nrequired = true',
    "diff": '[diff]\nexternal = {run}\n[diff "evil"]\ncommand = {run}\ntextconv = {run}',
    "include": "[include]\npath = {folder}/included",
    "include if": '[includeIf "gitdir:/"]\npath = {folder}/included',
    "worktree config": "[extensions]\nworktreeConfig = true",
    "alias": "[alias]\ndiff = !{run}\nls-files = !{run}\ncheck-attr = !{run}",
    "gpg": "[gpg]\nprogram = {run}\n[log]\nshowSignature = true",
    "alternates": "[core]\nalternateRefsCommand = {run}\n[credential]\nhelper = !{run}\n[core]\naskPass = {run}\neditor = {run}",
    "merge": '[merge "evil"]\ndriver = {run}\n[core]\nattributesFile = {folder}/attributes',
}
"""Ways for a folder to name a program, by its configuration."""


@pytest.mark.parametrize("how", PLANTED)
@pytest.mark.parametrize("where", ["repository", "submodule", "linked"])
def test_no_program_that_a_folder_names_is_run(tmp_path: Path, how: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    evil, ran = tmp_path / "evil", tmp_path / "ran"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    evil.chmod(0o755)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(evil))  # even the user's own are none of ours
    spec = repository(tmp_path / "stranger")
    home = git_folder = spec.parent / ".git"
    if where == "submodule":
        inner = repository(tmp_path / "inner")
        git(spec.parent, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.parent), "inner")
        home = git_folder / "modules" / "inner"
        (spec.parent / "inner" / "spec.yaml").write_text("changed")
    if where == "linked":
        git(spec.parent, "worktree", "add", "-q", str(tmp_path / "second"))
        spec = tmp_path / "second" / "spec.yaml"
    (home / "config").write_text((home / "config").read_text() + PLANTED[how].format(run=evil, folder=home))
    (home / "included").write_text(f'[core]\nfsmonitor = {evil}\n[filter "evil"]\nclean = {evil}\n')
    (home / "config.worktree").write_text((home / "included").read_text())
    (home / "attributes").write_text("* filter=evil diff=evil merge=evil\n")
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc", "reference-transaction", "post-checkout"):
        for folder in (home, home / "hooks"):
            shutil.copy(evil, folder / hook)
    (spec.parent / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (spec.parent / "data.csv").write_text("another, longer than it was")
    os.utime(spec, (1, 1))

    assert len(git_tags(spec)["mlflow.source.git.commit"]) == 40
    assert not ran.exists()


@pytest.mark.parametrize("file", ["HEAD", "index", "packed-refs", "refs/heads/main", "commondir"])
def test_a_pipe_in_place_of_a_file_of_git_holds_nobody_up(spec: Path, file: str) -> None:
    planted = spec.parent / ".git" / file
    planted.unlink(missing_ok=True)
    os.mkfifo(planted)

    git_tags(spec)  # comes back


@pytest.mark.parametrize(
    "link", ["gitdir: /", "gitdir: " + "x" * 100_000, "gitdir: \0", "gitdir: .git", "", "gitdir: ../../../../etc", "\xff"]
)
def test_a_link_to_no_repository_is_passed_over(tmp_path: Path, link: str) -> None:
    (tmp_path / "spec.yaml").touch()
    (tmp_path / ".git").write_text(link)

    assert git_tags(tmp_path / "spec.yaml") == {}


@pytest.mark.parametrize("head", ["ref: ../../../etc/passwd", "ref: refs/../../secret", "ref: HEAD", "ref: refs/heads/" + "x" * 5000, "no"])
def test_a_head_that_names_no_reference_has_no_commit(spec: Path, head: str) -> None:
    (spec.parent / ".git" / "HEAD").write_text(head)

    assert git_tags(spec) == {}
