"""The verb about what is kept to make later runs faster: cache."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnrun.runner.cli.console import console, failures, print_json, say
from nnrun.runner.cli.group import json_option, main

if TYPE_CHECKING:
    from nnrun.runner.show.cached import Cached


@main.command()
@click.argument("what", type=click.Choice(["list", "clear"]), default="list")
@json_option
def cache(what: str, as_json: bool) -> None:
    """List what is kept to make later runs faster, prepared data, compiled loops and fetched files, or clear it."""
    from nnrun.runner.show.cached import cache_table
    from nnrun.runner.show.kept import room
    from nnrun.runner.untrusted import own

    with failures(as_json):
        rows = _rows()
        for file in (file for row in rows for file in row.files) if what == "clear" else ():
            Path(file).unlink(missing_ok=True)
    if as_json:
        print_json([row._asdict() for row in rows])
    elif not rows:
        say("nothing is kept")
    elif what == "clear":
        say(f"cleared {room(sum(row.bytes for row in rows))}; the next runs make anew what they need")
    else:
        console().print(cache_table(rows, own.cache("")))


def _rows() -> list[Cached]:
    """Each entry of prepared data, what was used last first, all compiled loops together, and each file that a URL was fetched to."""
    from nnrun.runner.engine.data.cache.shelf import SUFFIX, about
    from nnrun.runner.untrusted import own

    data, loops = (sorted(own.cache(name).glob("*"), key=lambda file: -file.stat().st_mtime) for name in ("data", "loops"))
    rows = [_row(f"data of {about(file).get('file', 'an earlier version')}", [file]) for file in data if file.suffix == SUFFIX]
    fetched = sorted(file for file in own.cache("urls").glob("*/*") if file.is_file())
    return [*rows, *([_row("compiled loops", loops)] if loops else []), *(_row(f"fetched {file.name}", [file]) for file in fetched)]


def _row(what: str, files: list[Path]) -> Cached:
    from nnrun.runner.show.cached import Cached

    found = [file.stat() for file in files]
    used = datetime.fromtimestamp(max(one.st_mtime for one in found)).astimezone().strftime("%Y-%m-%d %H:%M")
    return Cached(what, used, sum(one.st_size for one in found), list(map(str, files)))
