"""When several processes divide the weights among them, and which nodes are units then."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.memory.machine import Allowed
from nnrun.runner.compiler.memory.needs import needed
from nnrun.runner.engine.training import divided
from nnrun.runner.engine.training.divided import divides, units, why
from nnrun.runner.engine.world.world import ALONE, World
from nnrun.runner.job import Job
from tests.engine.support import CPU
from tests.engine.test_recompute import built
from tests.tracking.support import ROOT


class Others(World):
    """Processes that find what this one finds."""

    def any(self, *flags: bool) -> tuple[bool, ...]:
        return flags


@pytest.mark.parametrize(("parallel", "room", "expected"), [("auto", 1, True), ("auto", 0, False), ("ddp", 1, False), ("fsdp", 0, True)])
def test_weights_are_divided_where_they_do_not_fit(parallel: str, room: int, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = built("lstm", f"train.parallel={parallel}").plan
    size = needed(plan).lasting - room
    monkeypatch.setattr(divided, "allowed", lambda: Allowed(size, "a test allows", size))

    assert divides(plan, Others(0, 2), CPU) is expected
    assert not divides(plan, ALONE, CPU)


def test_it_is_said_where_nobody_asked_for_it() -> None:
    told = why(built("lstm").plan, World(0, 2))

    assert told is not None
    assert "so each of 2 processes holds a share (`parallel: fsdp`)" in told
    assert why(built("lstm", "train.parallel=fsdp").plan, World(0, 2)) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cnn_digits", {"conv1", "conv2", "conv3", "scores"}),
        ("lstm_by_hand_sentiment", {"embed", "sentiment"}),  # all else stands in the loop, which reads the weights of its nodes
    ],
)
def test_units_are_nodes_whose_weights_nobody_else_reads(name: str, expected: set[str]) -> None:
    plan = Job.read(ROOT / "specs" / f"{name}.yaml").checked.plan
    assert plan is not None

    assert set(units(plan)) == expected
