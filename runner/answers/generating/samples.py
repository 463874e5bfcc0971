"""`nnrun generate` of an energy network: it draws samples, or completes what a file gives in part."""

from __future__ import annotations

import json
from os.path import exists
from pathlib import Path
from typing import Any

from nnrun.registry.data.reading import read_json
from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError
from nnrun.runner.answers.generating.wanted import Wanted
from nnrun.runner.compiler.plan import Plan

WHAT = "draws samples of its units, or completes what `--given` says in part"
USES = ("n", "given", "sweeps", "temperature", "output")
COUNT, SWEEPS = 16, 1000
"""Of samples, where nothing is said."""


def fits(plan: Plan) -> bool:
    """Whether it is an energy network that the data clamps."""
    return any(net.fed for net in plan.nets)


def made(run: str, wanted: Wanted) -> str:
    """What to print: rows as JSON, or where the file went. Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound."""
    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.engine.checkpoint.model import load
    from nnrun.runner.engine.inference.draw import Generator

    saved, output = load(model_at(run)), wanted.output
    generator = Generator(saved.network, saved.plan, saved.facts)
    given = _columns(wanted.given) if wanted.given else {}
    drawn = generator.draw(wanted.n or COUNT, given, wanted.sweeps or SWEEPS, wanted.temperature, wanted.seed)
    if output is not None and output.suffix == ".png":
        output.write_bytes(generator.picture(drawn))
        return f"{output}\n"
    text = json.dumps(generator.rows(drawn), ensure_ascii=False) + "\n"
    if output is None:
        return text
    output.write_text(text, encoding="utf-8")
    return f"{output}\n"


def _columns(file: Path) -> dict[str, list[Any]]:
    """Columns of a JSON file of rows. Raises: SourceError, DataError."""
    if not exists(file):
        raise SourceError(f"there is no file `{file}`", "look at its name, and at the folder you are in")
    rows = read_json(file)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(
            f"`{file}` holds no list of rows", 'a row is written {"image": [[0, 1, null, …], …]}, with null where it is to be found'
        )
    names = dict.fromkeys(name for row in rows for name in row)
    missing = next(((index, name) for index, row in enumerate(rows) for name in names if name not in row), None)
    if missing is not None:
        raise DataError("is missing", "write null, or a list of them, for what is to be found", missing[0]).of(missing[1])
    return {name: [row[name] for row in rows] for name in names}
