"""The verb that compares two specs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnrun.runner.cli.console import Exit, colour, failures, one_job, print_json, refuse, say
from nnrun.runner.cli.group import json_option, main
from nnrun.runner.compiler.text.visible import in_a_line, visible

if TYPE_CHECKING:
    from nnrun.runner.job import Job

COLOURS = {"+": "green", "-": "red", "~": "yellow", "=": "cyan"}
"""Of a line, by its sign."""

DIFFERENT = Exit.SPEC
"""With `--exit-code`, as `git diff` has it."""


@main.command()
@click.argument("before", metavar="SPEC|RUN")
@click.argument("after", metavar="[SPEC|RUN]", required=False)
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change the second spec: train.optimizer.lr=0.01")
@json_option
@click.option("--graph", type=click.Choice(["svg"]), help="Both graphs in one picture, what differs marked.")
@click.option("--exit-code", is_flag=True, help="End with 1 if they differ in more than names.")
def diff(before: str, after: str | None, settings: tuple[str, ...], as_json: bool, graph: str | None, exit_code: bool) -> None:
    """Say what differs between two specs by meaning: nodes, edges, settings and sizes.

    A RUN is an id, the beginning of one, a name, or that of its experiment: what it was trained by is compared. With one SPEC and
    `--set`, what that would change. Names, comments and an order that means nothing are no difference.
    """
    from nnrun.runner.compiler.diff.difference import diff as compare
    from nnrun.runner.job import STANDARD_INPUT, Job
    from nnrun.runner.show.difference import as_dict, difference_text

    if after is None and not settings:
        raise click.UsageError("two specs are compared; with one of them, `--set PATH=VALUE` says what is to be changed")
    if graph is not None and as_json:
        raise click.UsageError("`--graph` and `--json` are two answers: ask for one of them")
    if before == after == STANDARD_INPUT:
        raise click.UsageError("only one of two specs can come from standard input")
    with failures(as_json):
        first = _job(before)
        second = Job(first.text, first.name, settings, first.path) if after is None else _job(after, settings)
    refuse([job.checked for job in (first, second) if not job.checked.report.ok], as_json)
    before_plan, after_plan = first.checked.plan, second.checked.plan
    assert before_plan is not None
    assert after_plan is not None
    found = compare(before_plan, after_plan)
    if graph is not None:
        from nnrun.runner.show.drawing import difference_svg

        same = {mark.after for mark in found.node_marks if mark.mark == "same" and mark.after is not None}
        say(difference_svg(first.checked, second.checked, found.names, same), nl=False)
    elif as_json:
        print_json({"before": first.name, "after": second.name, **as_dict(found)})
    else:
        said = " ".join([second.name, *(f"--set {setting}" for setting in settings)])
        click.echo(f"{visible(f'{first.name} -> {said}')}\n\n{difference_text(found, _paint)}", nl=False, color=colour())
    sys.exit(DIFFERENT if exit_code and not found.same else Exit.FINE)


def _job(reference: str, settings: tuple[str, ...] = ()) -> Job:
    """The spec of a file, or of a run if no file has that name. Raises: SpecNotFound, RunNotFound, StoreError, UsageError."""
    from nnrun.runner.job import STANDARD_INPUT, Job

    if reference == STANDARD_INPUT or reference.endswith((".yaml", ".yml")) or "/" in reference or Path(reference).exists():
        return one_job(reference, settings)
    from nnrun.runner.tracking.runs import find_run, kept_text
    from nnrun.runner.tracking.store import Store

    store = Store.from_environment()
    run = find_run(store, reference)
    return Job(kept_text(store, run, "spec/resolved.yaml"), f"run {run.name}", settings)


def _paint(text: str, sign: str) -> str:
    return click.style(in_a_line(text), fg=COLOURS.get(sign))
