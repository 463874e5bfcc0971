"""The command `nnrun`, and options that several verbs share."""

from __future__ import annotations

import difflib
import inspect
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from nnrun.runner.cli.complete import GIVEN, settings, specs
from nnrun.runner.compiler.text.visible import visible
from nnrun.runner.launch.place import Place

FAMILIES = {
    "specs": ("check", "explain", "nodes", "schema", "show", "smoke"),
    "runs": ("run",),
    "processes.submit": ("submit",),
    "going_on": ("clear", "resume"),
    "experiments": ("sweep",),
    "answers": ("generate", "predict"),
    "diff": ("diff",),
    "start": ("new",),
    "find_lr": ("find-lr",),
    "comparing": ("compare", "runs"),
    "store": ("serve", "sync", "ui"),
    "cache": ("cache",),
}
"""Where each verb is written."""

SHARED = ("run", "resume")
"""Verbs that several processes of one training start (`processes/shared.py`)."""

MLFLOW = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_LOGGING_LEVEL": "CRITICAL"}
"""A person waits: of a server that does not answer it would tell after four minutes, and of each trouble with a traceback."""

_SENTENCE = re.compile(r"(?<=[^.])\.(?=\s|$)")
"""The end of one, but not that of `SPEC...`."""


class Verbs(click.Group):
    """`nnrun SPEC` stands for `nnrun run SPEC`; a verb that does not exist is answered with the nearest."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(verb for verbs in FAMILIES.values() for verb in verbs)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        family = next((family for family, verbs in FAMILIES.items() if name in verbs), None)
        if family is not None:
            import_module(f"{__package__}.{family}")  # it adds its verbs to the group
        return super().get_command(context, name)

    def resolve_command(self, context: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if self.get_command(context, word) is not None:
            return super().resolve_command(context, args)
        if word == "-" or word.endswith((".yaml", ".yml")) or "/" in word or Path(word).exists():
            return super().resolve_command(context, ["run", *args])
        near = difflib.get_close_matches(word, self.list_commands(context), n=1)
        hint = f"the verb `{near[0]}` exists" if near else f"the verbs are {', '.join(self.list_commands(context))}"
        raise click.UsageError(f"no verb and no file is called `{word}`; {hint}", context)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The first sentence about each verb, whole: click would cut it."""
        verbs = {name: self.get_command(context, name) for name in self.list_commands(context)}
        rows = [(name, _SENTENCE.split(inspect.cleandoc(verb.help or ""))[0] + ".") for name, verb in verbs.items() if verb is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [] if incomplete.startswith("-") else [CompletionItem(name) for name in specs(ctx, None, incomplete)]
        return [*super().shell_complete(ctx, incomplete), *found]

    def invoke(self, context: click.Context) -> Any:
        from nnrun.runner.cli.console import failures

        try:
            with failures("--json" in context.meta[GIVEN]):
                return super().invoke(context)
        except click.NoSuchOption as error:
            meant = _setting_for(error, context.meta[GIVEN])
            if meant is None:
                raise
            raise click.UsageError(f"there is no option `{error.option_name}`; a value of the spec is set by {meant}", error.ctx) from None
        except click.UsageError as error:
            said = error.format_message()
            if visible(said) != said:
                raise click.UsageError(visible(said), error.ctx) from None
            raise

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        # options before the spec belong to `run`: nnrun --seed 3 spec.yaml
        if args and args[0].startswith("--") and args[0] not in ("--help", "--version"):
            args = ["run", *args]
        context.meta[GIVEN] = list(args)
        return super().parse_args(context, args)


def _setting_for(error: click.NoSuchOption, args: list[str]) -> str | None:
    """`--set path=value` for an option that is a key of the spec: `--epochs 3`."""
    if error.ctx is None or all(param.name != "settings" for param in error.ctx.command.params):
        return None
    from nnrun.runner.compiler.language.settings import right_setting

    place = next((number for number, arg in enumerate(args) if arg.partition("=")[0] == error.option_name), None)
    if place is None:
        return None
    value = args[place].partition("=")[2] or next(iter(args[place + 1 :]), "VALUE")
    key = error.option_name.lstrip("-").replace("-", "_")
    right = right_setting(f"{key}={value}", {})
    return f"`--set {right or f'{key}={value}'}`" if right else None


settings_option = click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE", shell_complete=settings, help="Change the spec: train.optimizer.lr=0.01"
)
untrusted_option = click.option(
    "--untrusted", is_flag=True, help="The specs are a stranger's: open nothing but them, follow no link, reach no network."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else there.")


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nnrun", prog_name="nnrun")
@click.pass_context
def main(context: click.Context) -> None:
    """Run neural-network experiments written as YAML graphs.

    nnrun SPEC...  checks, trains, tests and records. See `nnrun nodes` for what a spec can name.
    """
    place, verb = Place.here(), context.invoked_subcommand
    if not place.is_alone and verb not in SHARED:
        raise click.UsageError(f"`{verb}` cannot be shared by {place.size} processes; {' and '.join(f'`{one}`' for one in SHARED)} can")
    for name, value in MLFLOW.items():
        os.environ.setdefault(name, value)
