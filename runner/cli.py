"""The command `nnrun`. Every verb imports what it needs when it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nnrun.runner.signals import stoppable

if TYPE_CHECKING:
    from rich.console import Console

    from nnrun.runner.compiler.check import Checked


class Exit(IntEnum):
    """What the command's exit codes mean."""

    FINE = 0
    SPEC = 1
    USAGE = 2
    TRAINING = 3
    MISSING = 4


class Verbs(click.Group):
    """`nnrun SPEC` stands for `nnrun run SPEC`; a verb that does not exist is answered with the nearest."""

    def resolve_command(self, context: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if self.get_command(context, word) is not None:
            return super().resolve_command(context, args)
        if word == "-" or word.endswith((".yaml", ".yml")) or "/" in word or Path(word).exists():
            return super().resolve_command(context, ["run", *args])
        import difflib

        near = difflib.get_close_matches(word, self.list_commands(context), n=1)
        hint = f"the verb `{near[0]}` exists" if near else f"the verbs are {', '.join(self.list_commands(context))}"
        raise click.UsageError(f"no verb and no file is called `{word}`; {hint}", context)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        # options before the spec belong to `run`: nnrun --seed 3 spec.yaml
        if args and args[0].startswith("--") and args[0] not in ("--help", "--version"):
            args = ["run", *args]
        return super().parse_args(context, args)


settings_option = click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change the spec: train.optimizer.lr=0.01")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else there.")


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nnrun", prog_name="nnrun")
def main() -> None:
    """Run neural-network experiments written as YAML graphs.

    nnrun SPEC...  checks, trains, tests and records. See `nnrun nodes` for what a spec can name.
    """


@main.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@settings_option
@click.option("--seed", type=click.IntRange(min=0), help="Seed of start values and batches, in place of train.seed.")
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda or cuda:N, in place of train.device.")
@json_option
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
def run(specs: tuple[str, ...], settings: tuple[str, ...], seed: int | None, device: str | None, as_json: bool, quiet: bool) -> None:
    """Train SPEC... and record each as an MLflow run (`-` reads from standard input)."""
    given = (*settings, *([f"train.seed={seed}"] if seed is not None else []), *([f"train.device={device}"] if device is not None else []))
    texts = [(name, *_read(name)) for name in specs]
    checks = [_check(text, shown, given) for name, shown, text in texts]
    _refuse(checks, as_json)
    results = []
    for (name, shown, text), checked in zip(texts, checks, strict=True):
        results.append(_run_one(name if name == "-" else shown, text, given, checked, as_json, quiet))
    if as_json:
        click.echo(json.dumps(results if len(results) > 1 else results[0], indent=2))


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="SPEC|FOLDER...")
@settings_option
@json_option
@click.option("--format", "style", type=click.Choice(["text", "github"]), default="text", help="github: annotations beside the lines.")
def check(paths: tuple[str, ...], settings: tuple[str, ...], as_json: bool, style: str) -> None:
    """Find everything that is wrong with specs, without torch and without data."""
    from nnrun.runner.compiler.text.render import as_dict, render_github

    checks = [_check(text, shown, settings) for shown, text in _texts(paths)]
    if as_json:
        click.echo(
            json.dumps(
                [as_dict(finding, checked.document) for checked in checks for finding in checked.report], indent=2, ensure_ascii=False
            )
        )
    elif style == "github":
        click.echo("".join(render_github(checked.report, checked.document) for checked in checks), nl=False)
    else:
        for checked in checks:
            _print_findings(checked)
        errors = sum(finding.severity == "error" for checked in checks for finding in checked.report)
        wrong = sum(not checked.report.ok for checked in checks)
        summary = (
            f"{errors} error{'s' * (errors != 1)} in {wrong} of {len(checks)} specs"
            if errors
            else f"{len(checks)} spec{'s' * (len(checks) != 1)} fine"
        )
        click.echo(summary, err=bool(errors))
    sys.exit(Exit.FINE if all(checked.report.ok for checked in checks) else Exit.SPEC)


@main.command()
@click.argument("spec")
@settings_option
@click.option("--plan", "what", flag_value="plan", help="What is computed, in order.")
@click.option("--resolved", "what", flag_value="resolved", help="The spec with all defaults filled in.")
@click.option("--graph", type=click.Choice(["dot", "svg", "text"]), help="The graph, delayed and symmetric edges drawn as such.")
def show(spec: str, settings: tuple[str, ...], what: str | None, graph: str | None) -> None:
    """Print a spec's nodes with their types and parameters."""
    shown, text = _read(spec)
    checked = _check(text, shown, settings)
    if graph is not None and checked.graph is not None:
        from nnrun.runner.show import drawing

        draw = {"dot": drawing.graph_dot, "svg": drawing.graph_svg, "text": drawing.graph_text}[graph]
        click.echo(draw(checked), nl=False)
        sys.exit(Exit.FINE if checked.report.ok else _complain(checked))
    _refuse([checked], as_json=False)
    assert checked.plan is not None
    if what == "plan":
        from nnrun.runner.show.loops import plan_text

        click.echo(plan_text(checked.plan), nl=False)
    elif what == "resolved":
        from nnrun.runner.compiler.resolved import resolved_text

        click.echo(resolved_text(checked.plan), nl=False)
    else:
        from nnrun.runner.show.tables import plan_table

        _console().print(plan_table(checked.plan))


@main.command()
@click.argument(
    "what", metavar="ID|TYPE", shell_complete=lambda context, param, start: [name for name in _explainable() if name.startswith(start)]
)
def explain(what: str) -> None:
    """Explain a finding (`shape-mismatch`) or anything a spec can name (`lstm`, `adam`)."""
    page = _pages().get(what)
    if page is not None:
        click.echo(page.read_text(encoding="utf-8"), nl=False)
        return
    from nnrun.registry.catalog import FOLDERS, find, near
    from nnrun.runner.show.tables import component_text

    found = [cls for role in FOLDERS if (cls := find(role, what)) is not None]
    if not found:
        meant = near(what, _explainable())
        raise click.UsageError(f"nothing is called `{what}`" + (f"; `{meant}` exists" if meant else "; see `nnrun nodes`"))
    click.echo("\n".join(component_text(cls) for cls in found), nl=False)


@main.command()
@click.option("--role", default=None, help="Only components of one role: node, field, source, loss, metric, optimizer, schedule, learner.")
def nodes(role: str | None) -> None:
    """List everything that a spec can name."""
    from nnrun.registry.catalog import FOLDERS, all_of
    from nnrun.runner.show.tables import components_table

    if role is not None and role not in FOLDERS:
        raise click.BadParameter(f"the roles are {', '.join(FOLDERS)}", param_hint="--role")
    for one in [role] if role else FOLDERS:
        _console().print(components_table(one, all_of(one)))


@main.command()
def schema() -> None:
    """Print the JSON Schema of the language, for editors."""
    from nnrun.runner.compiler.language.schema import schema as make

    click.echo(json.dumps(make(), indent=2, ensure_ascii=False))


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="SPEC|FOLDER...")
@settings_option
@json_option
def smoke(paths: tuple[str, ...], settings: tuple[str, ...], as_json: bool) -> None:
    """Try specs on made-up data: two steps of everything a run does, recorded in a store that is thrown away."""
    texts = _texts(paths)
    checks = [_check(text, shown, settings) for shown, text in texts]
    for checked in checks:
        if not as_json:
            _print_findings(checked)
    from nnrun.runner.smoke import smoke as try_out
    from nnrun.runner.smoke import throwaway

    rows = []
    with _failures(as_json), stoppable(), throwaway() as place:
        for checked in checks:
            name = checked.document.text.name
            failed = "the spec has errors" if checked.plan is None else try_out(checked, place)
            rows.append({"spec": name, "ok": failed is None, "error": failed})
            if not as_json:
                click.echo(f"{'fine' if failed is None else 'FAILED'}  {name}" + (f": {failed}" if failed else ""))
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    if any(checked.plan is None for checked in checks):
        sys.exit(Exit.SPEC)
    sys.exit(Exit.FINE if all(row["ok"] for row in rows) else Exit.TRAINING)


@main.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--input", "file", required=True, type=click.Path(dir_okay=False), help="CSV, Parquet or JSON with the columns that the network reads."
)
@click.option("--output", type=click.Path(dir_okay=False), help="CSV or JSON file to write; standard output otherwise.")
@json_option
def predict(run_id: str, file: str, output: str | None, as_json: bool) -> None:
    """Let the network of a finished RUN answer for the rows of a file. RUN is an id, its beginning, or an experiment's name."""
    from nnrun.runner.answers.predict import predict_file

    _check_output(output)
    with _failures(as_json), stoppable():
        text = predict_file(run_id, Path(file), as_json or (output or "").endswith(".json"))
    if output is None:
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")


@main.command()
@click.argument("run_id", metavar="RUN")
@click.option("--prompt", help="What each sequence begins with.")
@click.option("--input", "file", type=click.Path(dir_okay=False), help="CSV, Parquet or JSON with the columns that the network reads.")
@click.option("--n", "count", type=click.IntRange(min=1), help="How many sequences for each row, or samples of an energy network.")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change a value under `decode`, such as decode.word.width=4.")
@click.option("--given", type=click.Path(dir_okay=False), help="Energy networks: JSON rows, null where a value is to be found.")
@click.option("--sweeps", type=click.IntRange(min=1), help="Energy networks: sweeps of Gibbs sampling; 1000 where left out.")
@click.option("--temperature", type=click.FloatRange(0), help="Energy networks: 0 runs downhill, as a memory does; 1 for others.")
@click.option("--output", type=click.Path(dir_okay=False), help="Energy networks: a .png of pictures, or a .json, to write.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of what is drawn by chance.")
@json_option
def generate(
    run_id: str, prompt: str | None, file: str | None, count: int | None, settings: tuple[str, ...], given: str | None,
    sweeps: int | None, temperature: float | None, output: str | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Let the network of a finished RUN write, draw samples, or complete patterns. RUN is an id, its beginning, or an experiment's name."""
    from nnrun.runner.answers.draw import draws, generate_samples
    from nnrun.runner.answers.generate import generate_texts

    path, known, target = (Path(name) if name is not None else None for name in (file, given, output))
    _check_output(output)
    with _failures(as_json), stoppable():
        if draws(run_id):
            refused: dict[str, Any] = {"--prompt": prompt, "--input": file, "--set": settings}
            _refuse_options(refused, "an energy network has no use for {}: `--given` says what is known")
            text = generate_samples(run_id, count or 16, known, sweeps or 1000, temperature, seed, target)
        else:
            refused = {"--given": given, "--sweeps": sweeps, "--temperature": temperature, "--output": output}
            _refuse_options(refused, "{} is for energy networks, and the network of this run is none")
            text = generate_texts(run_id, prompt=prompt, file=path, count=count, settings=settings, seed=seed, as_json=as_json)
    click.echo(text, nl=False)


@main.command()
@click.argument("spec", required=False)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Where to listen; the next free port where this one is taken.")
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
def ui(spec: str | None, port: int, no_browser: bool) -> None:
    """Show the recorded runs in MLflow's pages, opened at the charts of SPEC."""
    from nnrun.runner.tracking.store import Store
    from nnrun.runner.tracking.ui import show as show_pages

    experiment = None
    if spec is not None:
        shown, text = _read(spec)
        checked = _check(text, shown, ())
        experiment = checked.spec.name if checked.spec else None
    with _failures(as_json=False):
        show_pages(Store.from_environment(), experiment, click.echo, browser=not no_browser, port=port)


@main.command()
def sync() -> None:
    """Deliver the records that MLflow could not take when their runs ended."""
    from nnrun.runner.tracking.outbox import waiting
    from nnrun.runner.tracking.sync import sync as deliver

    folders = waiting()
    late = 0
    for delivered in deliver(folders):
        late += delivered.missing
        click.echo(delivered.message or f"delivered: run {delivered.run_id} of `{delivered.experiment}`")
    if not folders:
        click.echo("nothing waits: MLflow has everything")
    sys.exit(Exit.MISSING if late else Exit.FINE)


class _failures:
    """Turns what a user can mend into one line and an exit code; anything else is a fault of ours and keeps its traceback."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        from nnrun.registry.field import DataError
        from nnrun.registry.source import SourceError
        from nnrun.runner.compiler.check import SpecErrors
        from nnrun.runner.signals import Stopped
        from nnrun.runner.tracking.store import StoreError

        match error:
            case Stopped():
                sys.exit(error.exit_code)
            case SpecErrors():
                _refuse([error.checked], self.as_json)
            case DataError():
                self.fail("data", error, Exit.SPEC)
            case SourceError() | StoreError():
                self.fail("missing", error, Exit.MISSING)
        if type(error).__name__ in ("Diverged", "DeviceError", "NotCompiled", "BrokenCheckpoint", "RunNotFound"):
            self.fail("failed", error, Exit.TRAINING if type(error).__name__ == "Diverged" else Exit.MISSING)

    def fail(self, kind: str, error: BaseException, code: Exit) -> NoReturn:
        message, help = getattr(error, "message", str(error)), getattr(error, "help", None)
        if self.as_json:
            click.echo(json.dumps({"error": kind, "message": message, "help": help}, indent=2))
        else:
            click.echo(f"{click.style('error', fg='red', bold=True)}: {message}" + (f"\n  = help: {help}" if help else ""), err=True)
        sys.exit(code)


def _run_one(name: str, text: str, settings: tuple[str, ...], checked: Checked, as_json: bool, quiet: bool) -> dict[str, Any]:
    from nnrun.runner.display import Display
    from nnrun.runner.job import Job
    from nnrun.runner.job import run as run_job
    from nnrun.runner.show.tables import result_table
    from nnrun.runner.tracking.store import Store

    with _failures(as_json):
        store = Store.from_environment()
        result = run_job(Job(text, name, settings, checked), store, Display(_console(stderr=True), quiet=quiet))
    delivered = result.delivered
    assert delivered is not None
    if not as_json:
        console = _console()
        console.print(result_table(result))
        if delivered.links is not None:
            click.echo(f"run         {delivered.links.run}")
            click.echo(f"charts      {delivered.links.charts}")
            if delivered.links.comparison is not None:
                click.echo(f"comparison  {delivered.links.comparison}")
            if not store.is_server:
                click.echo("`nnrun ui` in this folder opens them.")
        if delivered.message is not None:
            click.echo(f"{click.style('warning', fg='yellow', bold=True)}: {delivered.message}", err=True)
    return {
        "spec": name,
        "experiment": result.spec,
        "run_id": delivered.run_id,
        "figures": dict(result.figures),
        "baseline": result.baseline,
        "steps": result.steps,
        "seconds": round(result.seconds, 3),
        "parameters": result.parameters,
        "link": delivered.links.run if delivered.links else None,
    }


def _check_output(output: str | None) -> None:
    """Raises: UsageError if a file cannot be written there, before any work is done for it."""
    if output is not None and not Path(output).parent.is_dir():
        raise click.UsageError(f"there is no folder `{Path(output).parent}` for `{Path(output).name}`")


def _refuse_options(given: Mapping[str, Any], message: str) -> None:
    """Raises: UsageError if an option is given that has no effect."""
    for option, value in given.items():
        if value not in (None, ()):
            raise click.UsageError(message.format(f"`{option}`"))


def _read(name: str) -> tuple[str, str]:
    """How a spec is called in messages, and its text."""
    if name == "-":
        return "standard input", sys.stdin.read()
    path = Path(name)
    if not path.is_file():
        import difflib

        folder = path.parent if path.parent.is_dir() else Path()
        near = difflib.get_close_matches(path.name, [file.name for file in folder.glob("*.y*ml")], n=1)
        hint = f"\n  = help: `{folder / near[0]}` exists" if near else ""
        click.echo(f"{click.style('error', fg='red', bold=True)}: there is no file `{name}`{hint}", err=True)
        sys.exit(Exit.MISSING)
    return str(path), path.read_bytes().decode("utf-8", errors="surrogateescape").replace("\r\n", "\n").removeprefix("\ufeff")


def _texts(paths: Iterable[str]) -> list[tuple[str, str]]:
    files = [str(file) for path in paths for file in (sorted(Path(path).rglob("*.yaml")) if Path(path).is_dir() else [path])]
    if not files:
        raise click.UsageError(f"no *.yaml file lies in {', '.join(paths)}")
    return [_read(file) for file in files]


def _check(text: str, name: str, settings: Iterable[str]) -> Checked:
    from nnrun.runner.compiler.check import check as check_text

    return check_text(text, name, settings=tuple(settings))


def _refuse(checks: list[Checked], as_json: bool) -> None:
    """Print all findings; end the command if one is an error."""
    if as_json and not all(checked.report.ok for checked in checks):
        from nnrun.runner.compiler.text.render import as_dict

        click.echo(
            json.dumps(
                [as_dict(finding, checked.document) for checked in checks for finding in checked.report], indent=2, ensure_ascii=False
            )
        )
        sys.exit(Exit.SPEC)
    for checked in checks:
        _print_findings(checked, err=True)
    if not all(checked.report.ok for checked in checks):
        sys.exit(Exit.SPEC)


def _complain(checked: Checked) -> int:
    _print_findings(checked, err=True)
    return Exit.SPEC


def _print_findings(checked: Checked, err: bool = False) -> None:
    from nnrun.runner.compiler.text.render import render_text

    colours = {
        "error": {"fg": "red", "bold": True},
        "warning": {"fg": "yellow", "bold": True},
        "note": {"fg": "blue"},
        "help": {"fg": "green"},
        "line": {"dim": True},
    }
    if len(checked.report):
        import os

        plain = "NO_COLOR" in os.environ
        text = render_text(checked.report, checked.document, lambda part, role: part if plain else click.style(part, **colours[role]))  # type: ignore[arg-type]
        click.echo(text, err=err)


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 120, highlight=False)


def _pages() -> dict[str, Path]:
    return {page.stem: page for page in sorted((Path(__file__).parent / "errors").glob("*.md"))}


def _explainable() -> list[str]:
    from nnrun.registry.catalog import FOLDERS, all_of

    return [*_pages(), *(name for role in FOLDERS for name in all_of(role))]
