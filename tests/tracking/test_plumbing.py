"""What nnrun itself must know of a run."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.plumbing import Plumbing

HERE = Plumbing(Owner.of(os.getpid()), "/a/journal", "2026-11-29T20:00:00+00:00")


def test_it_survives_as_one_tag() -> None:
    assert list(HERE.tags) == ["nnrun"]
    assert Plumbing.of(HERE.tags | {"mlflow.user": "me"}) == HERE


def test_a_run_of_somebody_else_has_none() -> None:
    assert Plumbing.of({"mlflow.user": "me"}) is None


def test_before_the_first_sign_of_life_the_beginning_counts() -> None:
    assert HERE.last_sign(5000) == datetime(2026, 11, 29, 20, tzinfo=UTC).timestamp()
    assert Plumbing(HERE.owner, "/a").last_sign(5000) == 5.0
