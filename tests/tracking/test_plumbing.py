"""What nnrun itself must know of a run."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import pytest

from nnrun.runner.tracking.owner import Owner
from nnrun.runner.tracking.plumbing import Plumbing

HERE = Plumbing(Owner.of(os.getpid()), "/a/journal", "2026-11-29T20:00:00+00:00")


def test_it_survives_as_one_tag() -> None:
    assert list(HERE.tags) == ["nnrun"]
    assert Plumbing.of(HERE.tags | {"mlflow.user": "me"}) == HERE


def test_a_run_of_somebody_else_has_none() -> None:
    assert Plumbing.of({"mlflow.user": "me"}) is None


FIELDS = json.loads(HERE.tags["nnrun"])
OWNER = FIELDS["owner"]


@pytest.mark.parametrize(
    "tag",
    [
        "", "1.0", "[]", "{", "null", "{}", "[" * 5000, json.dumps(FIELDS | {"owner": 1}), json.dumps(FIELDS | {"heartbeat": "noon"}),
        json.dumps(FIELDS | {"heartbeat": None}), json.dumps(FIELDS | {"journal": 3}), json.dumps(FIELDS | {"owner": OWNER | {"pid": "1"}}),
        json.dumps(FIELDS | {"owner": OWNER | {"more": 1}}), json.dumps(FIELDS | {"heartbeat": 7}),
    ],
)  # fmt: skip
def test_one_that_somebody_else_has_written_over_is_passed_over(tag: str) -> None:
    assert Plumbing.of({"nnrun": tag}) is None


def test_before_the_first_sign_of_life_the_beginning_counts() -> None:
    assert HERE.last_sign(5000) == datetime(2026, 11, 29, 20, tzinfo=UTC).timestamp()
    assert Plumbing(HERE.owner, "/a").last_sign(5000) == 5.0
