"""The state of the source: which commit a spec belongs to, and whether it was changed since.

A folder that came from somebody else brings a configuration that names programs (`core.fsmonitor`, filters, hooks). So the commit is
read from the files of the repository, and git compares under a configuration of our own, beside which it never sees the folder's.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nnrun.registry.data.reading import read_bytes
from nnrun.registry.source import SourceError

PATIENCE = 4.0
"""Seconds for all that git is asked; where they are not enough it is not known whether the source was changed."""

LARGEST = 1 << 24
"""Bytes of a file of references that is read."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REFERENCE = re.compile(r"refs/(?!.*\.\.)[^\x00-\x20]+")

_PLAINLY = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all")
"""How files are compared: by no program, and by no repository within this one, which has a configuration of its own."""

_OWN = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,  # a filter of the user's own, started by a stranger's attributes, would run too
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",  # only look: a lock would disturb the user's own git
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
"""Variables of the environment; all others of git are left out."""


@dataclass(frozen=True)
class Repository:
    """Where the parts of a repository lie."""

    work_tree: Path
    own: Path
    """What belongs to this work tree alone: HEAD and the index."""
    common: Path
    """What it shares with others: references and objects."""

    @staticmethod
    def around(file: Path) -> Repository | None:
        """The repository of a file, if it lies in one."""
        for folder in file.resolve().parents:
            found = folder / ".git"
            if (link := _text(found)) is not None:  # of a submodule, or a second work tree
                found = folder / link.removeprefix("gitdir:").strip()
            if os.path.isfile(found / "HEAD"):
                common = _text(found / "commondir")
                return Repository(folder, found, found if common is None else found / common.strip())
        return None

    def commit(self) -> str | None:
        """The commit that HEAD stands for."""
        head = (_text(self.own / "HEAD") or "").strip()
        for _ in range(5):  # a reference may name another
            if _COMMIT.fullmatch(head):
                return head
            name = head.removeprefix("ref:").strip()
            if not _REFERENCE.fullmatch(name):
                return None
            loose = (_text(folder / name) for folder in (self.own, self.common))
            head = next((text.strip() for text in loose if text is not None), None) or self._packed(name)
        return None

    def _packed(self, name: str) -> str:
        for line in (_text(self.common / "packed-refs") or "").splitlines():
            commit, _, packed = line.partition(" ")
            if packed == name:
                return commit
        return ""


def git_tags(source: Path) -> dict[str, str]:
    """MLflow's tags for the commit of the file `source`; none where there is no commit, and no word on changes where they are not known."""
    repository = Repository.around(source)
    commit = repository.commit() if repository is not None else None
    if repository is None or commit is None:
        return {}
    dirty = _is_dirty(repository, commit, source.resolve().relative_to(repository.work_tree))
    return {"mlflow.source.git.commit": commit} | ({} if dirty is None else {"mlflow.source.git.dirty": str(dirty).lower()})


def _is_dirty(repository: Repository, commit: str, file: Path) -> bool | None:
    """Whether the file is not in the index, or any that is differs from the commit; None where it cannot be known."""
    index = repository.own / "index"
    if not os.path.isfile(index):
        return None
    with TemporaryDirectory() as place:
        private = Path(place)
        (private / "refs").mkdir()
        (private / "HEAD").write_text(f"{commit}\n")
        version, extension = ("1", "\n[extensions]\nobjectFormat = sha256") if len(commit) == 64 else ("0", "")
        (private / "config").write_text(f"[core]\nrepositoryFormatVersion = {version}\nfileMode = false{extension}\n")
        git = _Git(repository, private, time.monotonic() + PATIENCE)
        if (known := git.ask("ls-files", "-z", "--", str(file))) is None:
            return None
        staged = git.ends("diff", "--cached", "--quiet", *_PLAINLY, commit, "--")
        if not known or staged == 1:
            return True
        changed = git.ask("diff", "--name-only", "-z", *_PLAINLY, "--")
        if staged != 0 or not changed:
            return None if staged != 0 or changed is None else False
        # What a filter makes of these files is not known without running it.
        filtered = git.ask("check-attr", "-z", "--stdin", "filter", given=changed)
        return None if filtered is None or "unspecified" not in filtered.split("\0")[2::3] else True


@dataclass(frozen=True)
class _Git:
    """git, with a folder of its own for a configuration."""

    repository: Repository
    private: Path
    until: float

    def ask(self, *arguments: str, given: str = "") -> str | None:
        """What it says; None where it fails, or time is up."""
        answer = self._run(arguments, given)
        return answer.stdout.decode(errors="surrogateescape") if answer is not None and answer.returncode == 0 else None

    def ends(self, *arguments: str) -> int | None:
        """With which code it ends; None where time is up."""
        answer = self._run(arguments, "")
        return None if answer is None else answer.returncode

    def _run(self, arguments: Sequence[str], given: str) -> subprocess.CompletedProcess[bytes] | None:
        places = {
            "GIT_DIR": self.private,
            "GIT_WORK_TREE": self.repository.work_tree,
            "GIT_INDEX_FILE": self.repository.own / "index",
            "GIT_OBJECT_DIRECTORY": self.repository.common / "objects",
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment = others | _OWN | {name: str(place.absolute()) for name, place in places.items()}
        try:
            return subprocess.run(
                ["git", "-C", str(self.repository.work_tree), *arguments],
                input=given.encode(errors="surrogateescape"),
                capture_output=True,
                timeout=max(0.0, self.until - time.monotonic()),
                env=environment,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):  # no git here, or a folder too large to wait for
            return None


def _text(file: Path) -> str | None:
    """The text of a plain file that is not too large; None of anything else."""
    try:
        return read_bytes(file, LARGEST).decode(errors="surrogateescape")
    except SourceError:
        return None
