"""The columns of a table as fields of a spec, and which of them the network is to say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nnrun.registry.catalog import near
from nnrun.registry.field import DataError
from nnrun.runner.start.guess import Guess, as_target, guess, is_even
from nnrun.runner.start.tables import Table

SERIES = 40
"""Rows from which on a series is cut into windows."""


@dataclass(frozen=True)
class Fields:
    """What a spec reads of a table, and what the network is to say."""

    lines: Mapping[str, tuple[Mapping[str, Any], str]]
    """By field its mapping and a word about it."""
    reads: Mapping[str, Guess]
    target: str
    answer: Guess
    left: Mapping[str, str]
    """Columns that are left out, and why."""
    axis: str | None = None
    """The field whose ticks the rows are, if they are a series."""
    time: str | None = None
    window: int = 0


def find_target(table: Table, guesses: Mapping[str, Guess], wanted: str | None) -> str:
    """The column that the network is to say. Raises: DataError if it cannot."""
    if wanted is not None and wanted not in guesses:
        close = near(wanted, guesses)
        listed = ", ".join(f"`{column}`" for column in guesses)
        raise DataError(f"`{table.title}` has no column `{wanted}`", f"a column `{close}` exists" if close else f"its columns are {listed}")
    usable = [column for column, found in guesses.items() if found.kind in ("number", "category", "count")]
    if wanted is None:
        if not usable:
            told = "; ".join(f"`{column}`: {found.why}" for column, found in guesses.items())
            raise DataError(f"`{table.title}` has no column that a network could learn to say", told)
        return usable[-1]
    if wanted not in usable:
        found = guesses[wanted]
        help = "`nnrun new NAME --from translate_numbers` starts with a network that writes" if found.kind == "text" else None
        raise DataError(f"`{wanted}` cannot be what the network says: {found.why}", help or "a target holds numbers, or a few names")
    return wanted


def fields_of(table: Table, guesses: Mapping[str, Guess], target: str) -> Fields:
    """What a network reads to say a column. Raises: DataError if nothing is left to read."""
    return _series(table, guesses, target) or _rows(table, guesses, target)


def _rows(table: Table, guesses: Mapping[str, Guess], target: str) -> Fields:
    """Fields of a table whose rows know nothing of each other. Raises: DataError if nothing is left to read."""
    others = {column: found for column, found in guesses.items() if column != target}
    reads = {column: found for column, found in others.items() if found.kind not in ("out", "time", "count")}
    if not reads:  # better a column that counts than none
        reads = {column: found for column, found in others.items() if found.kind in ("count", "time") and _numeric(table.columns[column])}
    if not reads:
        told = "; ".join(f"`{column}`: {found.why}" for column, found in others.items()) or "it has one column"
        raise DataError(f"`{table.title}` has no column beside `{target}` that a network could read", told)
    names = Names()
    lines: dict[str, tuple[Mapping[str, Any], str]] = {}
    given: dict[str, Guess] = {}
    numbers = [column for column, found in reads.items() if found.kind in ("number", "count", "time")]
    if len(numbers) > 1:
        field = names.of("measures")
        lines[field] = {"type": "vector", "columns": numbers, "normalize": "standard"}, "numbers, scaled to mean 0 and deviation 1"
        given[field] = Guess("vector")
    for column, found in reads.items():
        if len(numbers) > 1 and column in numbers:
            continue
        kind = "number" if column in numbers else found.kind
        options = {"normalize": "standard"} if kind == "number" else found.options
        field = names.of(column)
        lines[field] = {"type": kind, **names.column(field, column), **options}, found.why
        given[field] = replace(found, kind=kind)
    field, answer = names.of(target), as_target(guesses[target], table.columns[target])
    lines[field] = _said(field, target, names, answer), f"what the network is to say: {answer.why}"
    left = {column: _why_left(found) for column, found in others.items() if column not in reads}
    return Fields(lines, given, field, answer, left)


def _series(table: Table, guesses: Mapping[str, Guess], target: str) -> Fields | None:
    """Fields of a table whose rows follow each other in time; None where they do not."""
    time = next((column for column, found in guesses.items() if found.kind == "time" and is_even(table.columns[column])), None)
    numbers = [column for column, found in guesses.items() if found.kind in ("number", "count")]
    if time is None or table.rows < SERIES or not numbers or guesses[target].kind not in ("number", "category", "count"):
        return None
    names, answer = Names(), as_target(guesses[target], table.columns[target])
    numbers = [column for column in numbers if column != target or answer.kind != "category"]
    if not numbers:
        return None
    lines: dict[str, tuple[Mapping[str, Any], str]] = {}
    alone = numbers == [target]
    axis = names.of(target if alone else "history")
    mapping = {"type": "series", **(names.column(axis, target) if alone else {"columns": numbers}), "normalize": "standard"}
    lines[axis] = mapping, "measured at each tick" if not alone else "what is measured, and to be foretold"
    reads = {axis: Guess("number")}
    for column, found in guesses.items():
        if found.kind == "category" and column != target:
            field = names.of(column)
            lines[field] = (
                {"type": "category", **names.column(field, column), **found.options, "along": axis},
                f"{found.why}, one at each tick",
            )
            reads[field] = found
    field = f"{axis}.next"
    if not (alone and answer.kind == "number"):
        field = names.of(target)
        lines[field] = _said(field, target, names, answer), f"what the network is to say, of the tick after the window: {answer.why}"
    used = {*numbers, target, time, *(column for column, found in guesses.items() if found.kind == "category")}
    left = {column: _why_left(found) for column, found in guesses.items() if column not in used}
    return Fields(lines, reads, field, answer, left, axis, time, max(2, min(24, table.rows // 10)))


def _said(field: str, column: str, names: Names, answer: Guess) -> Mapping[str, Any]:
    return {
        "type": answer.kind,
        **names.column(field, column),
        **({"normalize": "standard"} if answer.kind == "number" else answer.options),
    }


def _numeric(values: Sequence[Any]) -> bool:
    return guess("x", values).kind in ("number", "count")


def _why_left(found: Guess) -> str:
    return {"time": "a time; the rows are not one series with even steps"}.get(found.kind, found.why)


class Names:
    """Names of fields, each once, for columns of any name."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def of(self, column: str) -> str:
        """A name that a spec may have: small letters, digits and `_`."""
        letters = unicodedata.normalize("NFKD", column.casefold()).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^a-z0-9]+", "_", letters).strip("_") or "column"
        plain = plain if plain[0].isalpha() else f"x_{plain}"
        name = next(one for one in (plain, *(f"{plain}_{number}" for number in range(2, 10**6))) if one not in self.taken)
        self.taken.add(name)
        return name

    @staticmethod
    def column(field: str, column: str) -> Mapping[str, str]:
        """The option that says which column a field reads, where that has another name."""
        return {} if field == column else {"column": column}
