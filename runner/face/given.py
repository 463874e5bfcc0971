"""A spec and its changes as Python gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnrun.runner.job import Job


def job_of(spec: str | Path, set: Mapping[str, Any] | None = None) -> Job:
    """A path, or a text of more than one line. `set` are new values by dotted path: `{"train.optimizer.lr": 0.01}`.

    Raises: SpecNotFound.
    """
    settings = tuple(f"{path}={json.dumps(value)}" for path, value in (set or {}).items())
    if isinstance(spec, str) and "\n" in spec:
        return Job(spec, settings=settings)
    return Job.read(Path(spec), settings)
