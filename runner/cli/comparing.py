"""Verbs about many runs: runs, compare."""

from __future__ import annotations

import csv
import io

import click
from click.shell_completion import CompletionItem

from nnrun.runner.cli.console import console, failures, hand_over, one_job, print_json, say, tell_of_waiting, warn
from nnrun.runner.cli.group import json_option, main

SHOWN = 30
"""Most runs that a terminal is given unasked."""


def spec_name(path: str) -> str:
    """The name of the spec in a file. Raises: SpecErrors."""
    from nnrun.runner.compiler.check import SpecErrors

    job = one_job(path)
    if job.checked.spec is None:
        raise SpecErrors(job.checked)
    return job.checked.spec.name


def complete(context: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Experiments by their names, read from the database itself: MLflow would take two seconds. Then spec files."""
    from nnrun.runner.tracking.asked.glance import experiments
    from nnrun.runner.tracking.store import Store

    names = experiments(Store.from_environment())
    return [CompletionItem(name) for name in names if name.startswith(incomplete)] or [CompletionItem(incomplete, type="file")]


@main.command()
@click.argument("which", required=False, metavar="[SPEC|EXPERIMENT|FILTER]", shell_complete=complete)
@click.option("--all", "every", is_flag=True, help="All params, tags and figures, not only what differs.")
@click.option("--limit", type=click.IntRange(min=1), help=f"Most runs to show; {SHOWN} in the terminal where nothing is said.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV on standard output.")
def runs(which: str | None, every: bool, limit: int | None, as_json: bool, as_csv: bool) -> None:
    """List recorded runs: what differs between them and their figures, the best first.

    FILTER is MLflow's own language: "metrics.`test/accuracy` > 0.9 AND params.`train.seed` = '1'".
    """
    if as_json and as_csv:
        raise click.UsageError("`--json` and `--csv` exclude each other")
    from nnrun.runner.experiments.groups import found_runs
    from nnrun.runner.experiments.runs import table
    from nnrun.runner.tracking.asked.listed import list_runs
    from nnrun.runner.tracking.store import Store

    with failures(as_json):
        store = Store.from_environment()
        tell_of_waiting(store)
        found = list_runs(store) if which is None else found_runs(store, which, spec_name)
    shown = table(found, every, limit or (None if as_json or as_csv else SHOWN))
    if as_json:
        print_json(shown.records())
    elif as_csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(shown.rows())
        hand_over(text.getvalue())
    elif not found:
        say("no runs")
    else:
        from nnrun.runner.experiments.tables import runs_table

        console().print(runs_table(shown))
        if len(found) > len(shown.runs):
            say(f"{len(shown.runs)} of {len(found):,} runs: `--limit` shows more")
        if shown.hidden and not shown.is_mixed:
            say(f"{shown.hidden} more params and tags differ: `--all` shows them")


@main.command()
@click.argument("references", nargs=-1, required=True, metavar="RUN|SPEC|EXPERIMENT|FILTER...", shell_complete=complete)
@click.option("--metric", metavar="NAME", help="The figure that decides, such as f1; that of the best weights where nothing is said.")
@click.option("--part", type=click.Choice(["test", "valid", "train"]), help="Whose figures are compared; the test part's if all have them.")
@json_option
def compare(references: tuple[str, ...], metric: str | None, part: str | None, as_json: bool) -> None:
    """Show runs side by side, and say whether a difference is more than chance.

    Runs that differ only in their seed are one group, with its mean and 95 % interval. A spec file stands for its latest group, an
    experiment or a filter for all groups of its runs.
    """
    from nnrun.runner.experiments.answers import KEPT, Answers
    from nnrun.runner.experiments.compare import as_json as as_dict
    from nnrun.runner.experiments.compare import compare as compare_groups
    from nnrun.runner.experiments.groups import groups_of
    from nnrun.runner.experiments.verdict import verdict
    from nnrun.runner.tracking.asked.listed import Listed, kept_file
    from nnrun.runner.tracking.store import Store

    def fetch(run: Listed) -> Answers | None:
        file = kept_file(store, run, KEPT)
        return None if file is None else Answers.read(file)

    with failures(as_json):
        store = Store.from_environment()
        tell_of_waiting(store)
        found = compare_groups(groups_of(store, references, spec_name), fetch, metric, part)
    if as_json:
        print_json(as_dict(found, verdict(found)))
        return
    from nnrun.runner.experiments.tables import comparison_table

    say(verdict(found))
    console().print(comparison_table(found))
    if len(found.pairs) > 1:
        corrected = f" Holm's correction for {found.tests} comparisons is in each p and verdict." if found.tests > 1 else ""
        say(f"The best beside each of the others.{corrected}")
        from nnrun.runner.experiments.verdict import pair_verdict

        for pair in found.pairs:
            say(f"  {pair_verdict(pair, found.measure)}")
    for note in found.notes:
        warn(note)
