"""The command `nnrun`, also as `python -m nnrun`."""

import os
import sys


def command() -> None:
    """Run the command, and end the process. From the first line on, Ctrl-C and SIGTERM end it with the code that a shell expects."""
    from nnrun.runner.signals import end_at_once

    end_at_once()
    from nnrun.runner.cli import main

    code: object = 0
    try:
        main(prog_name="nnrun")
    except SystemExit as end:
        code = end.code
    if isinstance(code, int | None):
        leave(code or 0)
    sys.exit(str(code))


def leave(code: int) -> None:
    """End at once: all is written, and to give back what torch and MLflow hold, piece by piece, takes seconds on a busy machine."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads what was printed, or there is no room for it: Python says so
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    command()
