"""What is wanted of a network that generates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Wanted:
    """The options of `nnrun generate`; None, or nothing, where one is left out."""

    prompt: str | None = None
    input: Path | None = None
    n: int | None = None
    set: Sequence[str] = ()
    given: Path | None = None
    sweeps: int | None = None
    temperature: float | None = None
    output: Path | None = None
    seed: int = 0
    as_json: bool = False

    def unused(self, used: Sequence[str]) -> str | None:
        """The first option that is given and not `used`, as it is written; every kind of network takes a seed, and gives JSON."""
        names = (field.name for field in fields(self) if field.name not in (*used, "seed", "as_json"))
        return next((f"--{name}" for name in names if getattr(self, name) not in (None, ())), None)
