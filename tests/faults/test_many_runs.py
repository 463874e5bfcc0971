"""Many runs at once, in short."""

from __future__ import annotations

from tests.faults.many_runs import campaign, recorded


def test_runs_at_once_make_and_share_one_store() -> None:
    said: list[str] = []

    assert (campaign(6, recorded, sizes=(4, 2), say=said.append), said) == (6, [])
