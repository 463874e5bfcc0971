"""The journal gives back exactly what was written, or says that it cannot."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnrun.runner.tracking.journal import Entry, Journal, read_lines

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3))


def entries(path: Path, offset: int = 0) -> list[Entry | None]:
    return [line.entry for line in read_lines(path, offset)]


def say(path: Path, *said: dict[str, Any]) -> list[int]:
    with closing(Journal(path)) as journal:
        return [journal.append("tags", **fields) for fields in said]


@given(said=st.lists(st.dictionaries(st.sampled_from(["step", "values", "path"]), values), max_size=5))
def test_a_journal_gives_back_what_was_said(said: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    say(path, *said)

    assert [entry.fields for entry in entries(path) if entry] == said


def test_entries_are_numbered_from_one(tmp_path: Path) -> None:
    assert say(tmp_path / "journal", {}, {}) == [1, 2]
    assert [entry.sequence for entry in entries(tmp_path / "journal") if entry] == [1, 2]


def test_numbers_that_are_none_survive(tmp_path: Path) -> None:
    say(tmp_path / "journal", {"values": [math.nan, math.inf, -math.inf]})
    [entry] = entries(tmp_path / "journal")

    assert entry is not None
    assert str(entry.fields["values"]) == "[nan, inf, -inf]"


def test_reading_goes_on_where_it_ended(tmp_path: Path) -> None:
    say(tmp_path / "journal", {"name": "first"})
    [line] = read_lines(tmp_path / "journal")
    say(tmp_path / "journal", {"name": "second"})

    assert [entry.fields["name"] for entry in entries(tmp_path / "journal", line.end) if entry] == ["second"]


def test_a_line_cut_off_by_a_crash_does_not_count(tmp_path: Path) -> None:
    say(tmp_path / "journal", {"name": "whole"}, {"name": "cut"})
    whole = (tmp_path / "journal").read_bytes()
    for length in range(whole.index(b"\n") + 1, len(whole)):
        (tmp_path / "journal").write_bytes(whole[:length])

        assert [entry.fields["name"] for entry in entries(tmp_path / "journal") if entry] == ["whole"]


def test_no_flipped_bit_goes_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    say(path, {"step": 7, "values": {"train/loss": 0.25}})
    whole = path.read_bytes()
    with open(path, "wb") as file:
        for bit in range(8 * len(whole)):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            file.write(damaged)

    assert all(entry is None for entry in entries(path))


def test_a_full_disk_is_not_passed_over() -> None:
    with pytest.raises(OSError, match="No space left"):
        say(Path("/dev/full"), {})
