"""Verbs that ask a recorded network: predict, generate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnrun.runner.cli.console import failures, hand_over, say, warn
from nnrun.runner.cli.group import json_option, main
from nnrun.runner.signals import stoppable

if TYPE_CHECKING:
    from nnrun.runner.answers.written import Format

MOST_SAID = 10
"""Rows without an answer that are told of one by one."""


@main.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--input",
    "file",
    required=True,
    type=click.Path(),
    help="CSV, Parquet, npz or JSON with the columns that the network reads, or a folder of pictures.",
)
@click.option(
    "--what",
    "words",
    metavar="WHAT",
    multiple=True,
    help="`answers`, `probabilities` or `logits` of all classes, or any value of the network by its name: NODE. Several if repeated; the "
    "answers where left out.",
)
@click.option("--best", type=click.IntRange(min=1), default=1, help="So many answers for a row: the likeliest classes, or the best texts.")
@click.option(
    "--id", "labels", metavar="COLUMN", multiple=True, help="Column of the file that names each row in the answers; its number otherwise."
)
@click.option("--output", type=click.Path(dir_okay=False), help="A .csv, .json or .parquet file to write; standard output otherwise.")
@json_option
def predict(
    run_id: str, file: str, words: tuple[str, ...], best: int, labels: tuple[str, ...], output: str | None, as_json: bool
) -> None:  # fmt: skip
    """Let the network of a finished RUN answer for the rows of a file. RUN is an id, its beginning, or an experiment's name.

    A window is named by the last row that it reads; rows with which none ends are told of. Rows that are wrong have no answer, and
    the column `error` says why. A large table is read, answered and written in pieces.
    """
    from nnrun.runner.answers.predict import predict_file
    from nnrun.runner.answers.written import Pieces, text_of, write

    check_output(output)
    ending = Path(output).suffix if output is not None else ""
    form: Format = "parquet" if ending == ".parquet" else "json" if as_json or ending == ".json" else "csv"
    with failures(as_json), stoppable(), Pieces() as pieces:
        said = predict_file(run_id, Path(file), pieces, form != "csv", labels, words, best, MOST_SAID)
        for line in said.refused:
            warn(line)
        if said.more:
            warn(f"{said.more:,} more rows have no answer: the column `error` says why")
        for line in [*([said.between] if said.between is not None else []), *said.strange]:
            say(f"note: {line}", err=True)
        if output is not None:
            write(pieces, Path(output), form)
            return
        for text in text_of(pieces, "json" if as_json else "csv"):
            hand_over(text)


@main.command()
@click.argument("run_id", metavar="RUN")
@click.option("--prompt", help="What each sequence begins with.")
@click.option(
    "--input", "file", type=click.Path(), help="CSV, Parquet, npz or JSON with the columns that the network reads, or a folder of pictures."
)
@click.option(
    "--n", "count", type=click.IntRange(min=1), help="How many: sequences for each row, samples of an energy network, ticks of a series."
)
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change a value under `decode`, such as decode.word.width=4.")
@click.option("--given", type=click.Path(dir_okay=False), help="Energy networks: JSON rows, null where a value is to be found.")
@click.option("--sweeps", type=click.IntRange(min=1), help="Energy networks: sweeps of Gibbs sampling; 1000 where left out.")
@click.option("--temperature", type=click.FloatRange(0), help="Energy networks: 0 runs downhill, as a memory does; 1 for others.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    help="File to write: of an energy network a .png of pictures or a .json, of a series a .csv or a .json.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of what is drawn by chance.")
@json_option
def generate(
    run_id: str, prompt: str | None, file: str | None, count: int | None, settings: tuple[str, ...], given: str | None,
    sweeps: int | None, temperature: float | None, output: str | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Let the network of a finished RUN write, draw samples, complete patterns, or go on with a series. RUN is an id, its beginning, or an
    experiment's name.

    A series goes on behind the last row with a measurement: what the network foresees is what it reads next.
    """
    from nnrun.runner.answers.generate import kind_of
    from nnrun.runner.answers.generating.wanted import Wanted

    path, known, target = (Path(name) if name is not None else None for name in (file, given, output))
    check_output(output)
    wanted = Wanted(prompt, path, count, settings, known, sweeps, temperature, target, seed, as_json)
    with failures(as_json), stoppable():
        kind = kind_of(run_id)
        if (option := wanted.unused(kind.USES)) is not None:
            listed = ", ".join(f"`--{name}`" for name in kind.USES)
            raise click.UsageError(f"the network of this run {kind.WHAT}, and has no use for `{option}`: it takes {listed}")
        text = kind.made(run_id, wanted)
    hand_over(text)


def check_output(output: str | None) -> None:
    """Raises: UsageError if a file cannot be written there, before any work is done for it."""
    if output is not None and not Path(output).parent.is_dir():
        raise click.UsageError(f"there is no folder `{Path(output).parent}` for `{Path(output).name}`")
