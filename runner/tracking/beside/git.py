"""The state of the source: which commit a spec belongs to, and whether it was changed since."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git_tags(source: Path) -> dict[str, str]:
    """MLflow's tags for the commit of the file `source`; none where there is no git or no commit."""
    commit = _git(source, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changed = _git(source, "status", "--porcelain", "--untracked-files=no")
    unknown = _git(source, "ls-files", "--error-unmatch", "--", source.name) is None
    return {"mlflow.source.git.commit": commit, "mlflow.source.git.dirty": str(bool(changed) or unknown).lower()}


def _git(source: Path, *arguments: str) -> str | None:
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # only look: a lock would disturb the user's own git
    try:
        answer = subprocess.run(
            ["git", "-C", str(source.parent), *arguments], capture_output=True, text=True, timeout=10, env=environment, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):  # no git here, or a folder too large to wait for
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
