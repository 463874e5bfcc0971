"""The verb that makes a spec: new."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from nnrun.runner.cli.console import Exit, failures, print_findings, say
from nnrun.runner.cli.group import main


def _gallery(context: click.Context, param: click.Parameter, start: str) -> list[str]:
    from nnrun.runner.start.gallery import gallery

    return [name for name in gallery() if name.startswith(start)]


@main.command()
@click.argument("name")
@click.option("--from", "model", metavar="GALLERY", shell_complete=_gallery, help="A spec of the gallery, such as cnn_digits.")
@click.option("--data", "file", type=click.Path(path_type=Path), help="CSV, Parquet or npz file, or a folder of pictures, to learn from.")
@click.option("--target", metavar="COLUMN", help="The column of the data that the network is to say; the last where left out.")
def new(name: str, model: str | None, file: Path | None, target: str | None) -> None:
    """Write NAME.yaml, a spec to start from.

    With --data its fields, network, loss and metrics fit the file; with --from it is one of the gallery; else a small commented one.
    """
    place = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    _refuse(place, model, file, target)
    with failures():
        text = _text(place, model, file, target)
    place.write_text(text, encoding="utf-8")
    schema = place.with_name("spec.schema.json")
    if not schema.exists():
        from nnrun.runner.compiler.language.shipped import schema_text

        schema.write_text(schema_text(), encoding="utf-8")
    from nnrun.runner.job import Job

    checked = Job.read(place).checked
    print_findings(checked, err=True)
    say(f"wrote {place}; have a look at it, and at its network: nnrun show {place}\nto train it:  nnrun {place}")
    sys.exit(Exit.FINE if checked.report.ok else Exit.SPEC)


def _refuse(place: Path, model: str | None, file: Path | None, target: str | None) -> None:
    """Raises: UsageError for what cannot be."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", place.stem):
        raise click.UsageError(f"`{place.stem}` is no name of an experiment: letters, digits, `_`, `.` and `-` are")
    if place.exists():
        raise click.UsageError(f"`{place}` is there already, and no file is written over: take another name")
    if not place.parent.is_dir():
        raise click.UsageError(f"there is no folder `{place.parent}` for `{place.name}`")
    if model is not None and file is not None:
        raise click.UsageError("either `--from` or `--data`: a spec of the gallery brings its own data")
    if target is not None and file is None:
        raise click.UsageError("`--target` names a column of the file that `--data` gives")


def _text(place: Path, model: str | None, file: Path | None, target: str | None) -> str:
    from nnrun.registry.catalog import near
    from nnrun.runner.start.gallery import blank, gallery, renamed

    if file is not None:
        from nnrun.runner.start.spec import spec_for

        return spec_for(place.stem, file, place.parent, target)
    if model is None:
        return blank(place.stem)
    known = gallery()
    stem = Path(model).stem if model.endswith(".yaml") else model
    if stem not in known:
        meant = near(stem, known)
        hint = f"`{meant}` is one" if meant else f"there are {', '.join(known)}"
        raise click.UsageError(f"no spec of the gallery is called `{stem}`; {hint}")
    return renamed(known[stem].read_text(encoding="utf-8"), place.stem)
