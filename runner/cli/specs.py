"""Verbs about specs: check, show, explain, nodes and schema, which need no torch; and smoke, which tries specs out."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import click

from nnrun.runner.cli import complete
from nnrun.runner.cli.console import Exit, as_dicts, console, failures, jobs, one_job, print_findings, print_json, refuse, say
from nnrun.runner.cli.group import json_option, main, settings_option, untrusted_option
from nnrun.runner.signals import stoppable


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="SPEC|FOLDER...", shell_complete=complete.specs)
@settings_option
@json_option
@untrusted_option
@click.option("--format", "style", type=click.Choice(["text", "github"]), default="text", help="github: annotations beside the lines.")
def check(paths: tuple[str, ...], settings: tuple[str, ...], as_json: bool, untrusted: bool, style: str) -> None:
    """Find everything that is wrong with specs, without torch and without data."""
    from nnrun.runner.compiler.text.render import render_github

    with failures(as_json):
        checks = [job.checked for job in jobs(paths, settings, not untrusted)]
    if as_json:
        print_json(as_dicts(checks))
    elif style == "github":
        say("".join(render_github(checked.report, checked.document) for checked in checks), nl=False)
    else:
        for checked in checks:
            print_findings(checked)
        errors = sum(finding.severity == "error" for checked in checks for finding in checked.report)
        wrong = sum(not checked.report.ok for checked in checks)
        summary = (
            f"{errors} error{'s' * (errors != 1)} in {wrong} of {len(checks)} specs"
            if errors
            else f"{len(checks)} spec{'s' * (len(checks) != 1)} fine"
        )
        say(summary, err=bool(errors))
    sys.exit(Exit.FINE if all(checked.report.ok for checked in checks) else Exit.SPEC)


@main.command()
@click.argument("spec", shell_complete=complete.specs)
@settings_option
@click.option("--plan", "what", flag_value="plan", help="What is computed, in order.")
@click.option("--resolved", "what", flag_value="resolved", help="The spec with all defaults filled in.")
@click.option("--graph", type=click.Choice(["dot", "svg", "text"]), help="The graph, delayed and symmetric edges drawn as such.")
def show(spec: str, settings: tuple[str, ...], what: str | None, graph: str | None) -> None:
    """Print a spec's nodes with their types and parameters."""
    with failures():
        job = one_job(spec, settings)
    checked = job.checked
    if graph is not None and checked.graph is not None:
        from nnrun.runner.show import drawing

        if graph == "text":
            say(drawing.graph_text(checked, console().width, sys.stdout.encoding), nl=False)
        else:
            say({"dot": drawing.graph_dot, "svg": drawing.graph_svg}[graph](checked), nl=False)
        if not checked.report.ok:
            print_findings(checked, err=True)
        sys.exit(Exit.FINE if checked.report.ok else Exit.SPEC)
    refuse([checked], as_json=False)
    assert checked.plan is not None
    if what == "plan":
        from nnrun.runner.show.loops import plan_text

        say(plan_text(checked.plan), nl=False)
    elif what == "resolved":
        from nnrun.runner.compiler.resolved import resolved_text

        say(resolved_text(checked.plan), nl=False)
    else:
        from nnrun.runner.show.tables import plan_table

        console().print(plan_table(checked.plan))


def _explainable(context: click.Context, param: click.Parameter, start: str) -> list[str]:
    from nnrun.runner.show.pages import explainable

    return [name for name in explainable() if name.startswith(start)]


@main.command(context_settings={"ignore_unknown_options": True})  # `->` is none
@click.argument("words", nargs=-1, required=True, metavar="ID|KEY|TYPE|WORD|LIBRARY", shell_complete=_explainable)
def explain(words: tuple[str, ...]) -> None:
    """Explain a finding, a key, a type or a word of a spec: `shape-mismatch`, `window`, `lstm`, `relu`, `a <-> b`.

    Of a library, `keras`, `pytorch` or `ludwig`, its words beside those of a spec, and networks in both.
    """
    from nnrun.registry.catalog import near
    from nnrun.runner.show.pages import explainable, explanation

    what = " ".join(words)
    text = explanation(what)
    if text is None:
        meant = near(what, explainable())
        raise click.UsageError(f"nothing is called `{what}`" + (f"; `{meant}` exists" if meant else "; see `nnrun nodes`"))
    say(text, nl=False)


@main.command()
@click.option("--role", default=None, help="Only components of one role: node, field, source, loss, metric, optimizer, schedule, learner.")
def nodes(role: str | None) -> None:
    """List everything that a spec can name."""
    from nnrun.registry.catalog import FOLDERS, all_of
    from nnrun.runner.show.tables import components_table

    if role is not None and role not in FOLDERS:
        raise click.BadParameter(f"the roles are {', '.join(FOLDERS)}", param_hint="--role")
    for one in [role] if role else FOLDERS:
        console().print(components_table(one, all_of(one)))


@main.command()
def schema() -> None:
    """Print the JSON Schema of the language, for editors."""
    from nnrun.runner.compiler.language.shipped import schema_text

    say(schema_text(), nl=False)


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="SPEC|FOLDER...", shell_complete=complete.specs)
@settings_option
@json_option
@untrusted_option
def smoke(paths: tuple[str, ...], settings: tuple[str, ...], as_json: bool, untrusted: bool) -> None:
    """Try specs on made-up data: two steps of everything a run does, recorded in a store that is thrown away."""
    with failures(as_json):
        given = jobs(paths, settings, not untrusted)
    checks = [job.checked for job in given]
    for checked in checks if not as_json else ():
        print_findings(checked)
    from nnrun.runner.apart import smoke_apart
    from nnrun.runner.smoke import smoke as try_out
    from nnrun.runner.smoke import throwaway

    rows = []
    with failures(as_json), stoppable(), nullcontext() if untrusted else throwaway() as place:
        for job in given:
            tried = "the spec has errors" if job.checked.plan is None else None
            failed = tried or (smoke_apart(job) if untrusted else try_out(job.checked, place))
            rows.append({"spec": job.name, "ok": failed is None, "error": failed})
            if not as_json:
                say(f"{'fine' if failed is None else 'FAILED'}  {job.name}" + (f": {failed}" if failed else ""))
    if as_json:
        print_json(rows)
    if any(checked.plan is None for checked in checks):
        sys.exit(Exit.SPEC)
    sys.exit(Exit.FINE if all(row["ok"] for row in rows) else Exit.TRAINING)
