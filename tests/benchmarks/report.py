"""What a benchmark found: a table for people, and JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """A result. `detail` is what was divided, for people."""

    work: str
    size: str
    ratio: float
    limit: float | None
    detail: str

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.ratio > self.limit


def options(about: str | None, rounds: int, only: str) -> argparse.ArgumentParser:
    """What the command of a benchmark takes: `--json`, `--rounds`, and `--only`, whose help is given."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--only", default="", help=only)
    return parser


def report(found: Iterable[Row], needed: Sequence[str], file: Path | None) -> None:
    """Print rows as they are found, and which libraries were `needed` and are not installed; write the rows to a file."""
    rows = []
    print("| work | size | ours / peer | ratio | at most | |\n|---|---|---|---|---|---|")
    for row in found:
        rows.append(row)
        limit, over = "" if row.limit is None else f"{row.limit:.2f}", "**over**" if row.is_over else ""
        print(f"| {row.work} | {row.size} | {row.detail} | {row.ratio:.2f} | {limit} | {over} |", flush=True)
    print("".join(f"\n{library} is not installed: its rows are left out." for library in needed if not find_spec(library)))
    limited = [row for row in rows if row.limit is not None]
    print(f"{sum(row.is_over for row in limited)} of {len(limited)} are over their limit.")
    if file is not None:
        kept = [{key: row._asdict()[key] for key in ("work", "size", "ratio", "limit")} for row in rows]
        file.write_text(json.dumps(kept, indent=1))
