"""What must be the same on every machine that works for one command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Surroundings:
    """Those of the process that gave the command."""

    folder: str
    """The current one, where relative paths of a spec start."""
    version: str
    environment: Mapping[str, str]
    """What the user asks of MLflow."""

    @classmethod
    def here(cls) -> Surroundings:
        mlflow = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}
        return cls(os.getcwd(), version("nnrun"), mlflow)

    def missing(self) -> str | None:
        """What the machine that we are on lacks."""
        if version("nnrun") != self.version:
            return f"has nnrun {version('nnrun')}, and {self.version} is wanted"
        return None if os.path.isdir(self.folder) else f"has no folder `{self.folder}`"

    def enter(self) -> None:
        """Have them here, too."""
        os.environ.update(self.environment)
        os.chdir(self.folder)
