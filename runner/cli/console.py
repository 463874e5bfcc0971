"""What verbs print, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.text.visible import as_json_text, visible
from nnrun.runner.signals import Stopped

if TYPE_CHECKING:
    from rich.console import Console

    from nnrun.runner.compiler.check import Checked
    from nnrun.runner.job import Job
    from nnrun.runner.tracking.delivered import Delivered
    from nnrun.runner.tracking.store import Store

COLOURS: dict[str, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "note": {"fg": "blue"},
    "help": {"fg": "green"},
    "line": {"dim": True},
}
"""Of the parts of a finding, by role."""


class Exit(IntEnum):
    """What the command's exit codes mean."""

    FINE = 0
    SPEC = 1
    USAGE = 2
    TRAINING = 3
    MISSING = 4
    UNDELIVERED = 5


CODES = {"data": Exit.SPEC, "missing": Exit.MISSING, "failed": Exit.TRAINING}
"""The exit code of each kind of fault."""


@contextmanager
def failures(as_json: bool = False, tell: Callable[[object], None] | None = None) -> Iterator[None]:
    """Turns what a user can mend into a line, or JSON that is told, and an exit code; anything else is a fault of ours and keeps its
    traceback."""
    from nnrun.runner.compiler.check import SpecErrors
    from nnrun.runner.engine.shortage import explained

    try:
        with explained(lambda: None):
            yield
    except Stopped as stop:
        sys.exit(stop.exit_code)
    except SpecErrors as error:
        refuse([error.checked], as_json, tell or print_json)
    except Fault as fault:
        _fail(fault, as_json, tell or print_json)
    except Exception as error:
        from nnrun.runner.cli.world import told

        known = told(error)
        if known is None:
            raise
        _fail(known, as_json, tell or print_json)


def tell_of_waiting(store: Store) -> None:
    """Say that records of earlier runs are not in the store: their trainer and its recording both died, or the store was away."""
    from nnrun.runner.tracking.outbox import waiting

    count = len(waiting(store=store))
    if count:
        what = "1 earlier run is" if count == 1 else f"{count} earlier runs are"
        warn(f"{what} not yet in MLflow at `{store.public}`: `nnrun sync` delivers {'it' if count == 1 else 'them'}")


def end_recorded(delivered: Delivered) -> None:
    """End the command with a code of its own if MLflow has not got all of a run."""
    if not delivered.is_complete:
        sys.exit(Exit.UNDELIVERED)


def colour() -> bool | None:
    """Whether colours are wanted; None: where a terminal shows them. https://no-color.org, https://force-color.org."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text without colours, of which others may have written a part."""
    click.echo(visible(text), err=err, nl=nl)


def hand_over(text: str) -> None:
    """Print what another program may read to the byte; a terminal gets it as `say` would print it."""
    click.echo(visible(text) if sys.stdout.isatty() else text, nl=False)


def print_json(value: object) -> None:
    click.echo(as_json_text(value))


def warn(text: str) -> None:
    click.echo(f"{click.style('warning', fg='yellow', bold=True)}: {visible(text)}", err=True, color=colour())


def refuse(checks: Sequence[Checked], as_json: bool, tell: Callable[[object], None] = print_json) -> None:
    """Print all findings; end the command if one is an error."""
    fine = all(checked.report.ok for checked in checks)
    if as_json and not fine:
        tell(as_dicts(checks))
    else:
        for checked in checks:
            print_findings(checked, err=True)
    if not fine:
        sys.exit(Exit.SPEC)


def as_dicts(checks: Sequence[Checked]) -> list[dict[str, Any]]:
    """All findings of some specs, as JSON has them."""
    from nnrun.runner.compiler.text.render import as_dict

    return [as_dict(finding, checked.document) for checked in checks for finding in checked.report]


def print_findings(checked: Checked, err: bool = False) -> None:
    from nnrun.runner.compiler.text.render import WIDEST, render_text

    if len(checked.report):
        width = get_terminal_size().columns if (sys.stderr if err else sys.stdout).isatty() else WIDEST
        text = render_text(checked.report, checked.document, _paint, min(width, WIDEST))
        pages = ", ".join(f"`nnrun explain {id}`" for id in dict.fromkeys(checked.report.ids))
        click.echo(f"{text}\nmore: {pages}\n", err=err, color=colour())


def console(stderr: bool = False) -> Console:
    from rich.console import Console

    from nnrun.runner.show.seen import Visible

    stream = sys.stderr if stderr else sys.stdout
    made = Console(stderr=stderr, width=None if stream.isatty() else 120, highlight=False)
    made.push_render_hook(Visible())
    return made


def jobs(paths: Sequence[str], settings: Sequence[str] = (), is_trusted: bool = True) -> list[Job]:
    """The specs of files and folders. Raises: SpecNotFound, UsageError."""
    from nnrun.runner.job import Job

    found = [job for path in paths for job in Job.of(path, settings, is_trusted)]
    if not found:
        names = ", ".join(f"`{path}`" for path in paths)
        raise click.UsageError(f"no *.yaml file lies in {names}, which {'is a folder' if len(paths) == 1 else 'are folders'}")
    return found


def one_job(path: str, settings: Sequence[str] = ()) -> Job:
    """The spec of a file. Raises: SpecNotFound; UsageError for a folder of several."""
    found = jobs([path], settings)
    if len(found) > 1:
        raise click.UsageError(f"`{path}` is a folder of {len(found)} specs, and one is wanted, such as `{found[0].name}`")
    return found[0]


def _fail(fault: Fault, as_json: bool, tell: Callable[[object], None]) -> NoReturn:
    """Print a fault as a finding, at its place in the spec if it has one."""
    from nnrun.runner.compiler.text.diagnostic import Diagnostic, Place
    from nnrun.runner.compiler.text.document import Document
    from nnrun.runner.compiler.text.render import as_dict, render_text

    finding = Diagnostic(fault.id, fault.message, Place(fault.path or (), "key"), help=fault.help or "")
    placed = fault.document if isinstance(fault.document, Document) and fault.path is not None else None
    if as_json:
        place = {key: value for key, value in as_dict(finding, placed).items() if key in ("file", "line", "column")} if placed else {}
        tell({"error": fault.kind, "id": fault.id, "message": fault.message, "help": fault.help, **place})
    elif placed is not None:
        click.echo(f"{render_text([finding], placed, _paint)}\nmore: `nnrun explain {fault.id}`\n", err=True, nl=False, color=colour())
    else:
        help = f"\n  = help: {fault.help}" if fault.help else ""
        head = click.style(f"error[{fault.id}]", fg="red", bold=True)
        click.echo(f"{head}: {visible(fault.message + help)}", err=True, color=colour())
    sys.exit(CODES[fault.kind])


def _paint(part: str, role: str) -> str:
    return click.style(part, **COLOURS[role])
