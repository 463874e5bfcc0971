"""Servers that are away, in short."""

from __future__ import annotations

from tests.faults.servers import campaign


def test_a_server_that_is_away_loses_and_doubles_nothing() -> None:
    said: list[str] = []

    assert (campaign(2, seed=1, at_once=2, say=said.append, faults=("stopped",)), said) == (2, [])
