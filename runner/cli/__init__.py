"""The command `nnrun`: verbs by family. Each imports what it needs when it runs."""

from nnrun.runner.cli import answers, runs, specs, store  # noqa: F401  (each adds its verbs to the group)
from nnrun.runner.cli.group import main

__all__ = ["main"]
