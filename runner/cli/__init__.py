"""The command `nnrun`: verbs by family. A family is imported when one of its verbs is asked for, and imports what it needs when it runs."""

from nnrun.runner.cli.group import main

__all__ = ["main"]
