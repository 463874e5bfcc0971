"""CUDA graphs of a program, where there is no GPU: a recording of operations on fixed memory, as a graph is, stands in for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
import torch
from hypothesis import given
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nnrun.runner.compiler.loops.execution import choose, choose_for_cell
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.loops import graphed
from nnrun.runner.engine.network.network import Network
from tests.engine.loops.graphs import Case, cases, difference, results
from tests.engine.loops.test_executions import many
from tests.engine.loops.test_loops import LSTM, PEEPHOLE, batch, planned, randomised, spec

T = TypeVar("T")


@dataclass
class Recording(TorchDispatchMode):
    """The operations that were asked for within it, for doing them again."""

    steps: list[tuple[Any, Any, Any, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        made = function(*given, **(named or {}))
        self.steps.append((function, given, named or {}, made))
        return made

    @torch.inference_mode()
    def replay(self) -> None:
        for function, places, named, made in self.steps:
            aliases = [place.alias_info for place in function._schema.returns if place.alias_info is not None]
            if aliases and not any(alias.is_write for alias in aliases):
                continue  # another look at memory that is there
            again = function(*places, **named)
            if not aliases:
                for own, new in zip(*((one if isinstance(one, (list, tuple)) else [one]) for one in (made, again)), strict=True):
                    own.copy_(new)


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    """The graphs that are made, each for the first inputs of its size."""
    return recorded(monkeypatch)


def recorded(patch: pytest.MonkeyPatch) -> list[Recording]:
    found: list[Recording] = []

    def captured(work: Callable[[], T]) -> tuple[T, Callable[[], None]]:
        work()
        with Recording() as recording:
            made = work()
        found.append(recording)
        return made, recording.replay

    patch.setattr(graphed, "captured", captured)
    patch.setattr(graphed, "SEEN", 1)
    return found


@many
@given(case=cases())
def test_a_graph_equals_the_plain_loop(case: Case) -> None:
    wanted = results(case, case.plan, "ticks", torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        made = recorded(patch)
        error, where = difference(results(case, case.plan, "graphed", torch.float64), wanted)

    assert error < 1e-10, f"{where}\n{case.text}"
    assert made or any(isinstance(loop.program, str) for loop in case.plan.loops) or not case.plan.loops


@pytest.fixture
def networks() -> tuple[Network, Network]:
    """One that makes graphs and one that does not, with the same weights."""
    plan = planned(spec(PEEPHOLE, EDGES))
    return randomised(plan, "graphed"), randomised(plan, "eager")


EDGES = ["x, prev(h) -> a, b, d, g", "prev(c) -> p1, p2", "c -> p3"]


def losses(network: Network, *batches: Batch) -> list[Tensor]:
    """All forward runs before any backward run."""
    network.zero_grad()
    found = [(network(given, ("out",))["out"] ** 2).mean() for given in batches]
    for loss in reversed(found):
        loss.backward()  # type: ignore[no-untyped-call]
    return [loss.detach() for loss in found] + [leaf.grad for leaf in network.parameters() if leaf.grad is not None]


def some(seed: int, ticks: int = 7, lengths: list[int] | None = None) -> Batch:
    given = batch(ticks, lengths=lengths)
    return replace(given, values={name: value * (1 + seed) for name, value in given.values.items()})


def test_uses_at_once_have_graphs_of_their_own_and_later_ones_take_these(
    networks: tuple[Network, Network], captures: list[Recording]
) -> None:
    graphed, eager = networks

    for seeds in ((0, 1), (2, 3)):
        torch.testing.assert_close(losses(graphed, *map(some, seeds)), losses(eager, *map(some, seeds)))

    assert len(captures) == 4  # forward and backward, twice; the later uses have the same


def test_what_came_of_a_use_stays_when_the_graph_is_used_again(networks: tuple[Network, Network], captures: list[Recording]) -> None:
    graphed, eager = networks
    with torch.no_grad():
        first = graphed(some(0), ("h",))["h"]
        graphed(some(1), ("h",))
        wanted = eager(some(0), ("h",))["h"]
    gradients = losses(graphed, some(0))
    losses(graphed, some(1))

    torch.testing.assert_close(first, wanted)
    torch.testing.assert_close(gradients[0], losses(eager, some(0))[0])
    assert len(captures) == 2


def test_a_graph_made_by_a_prediction_does_for_a_training(networks: tuple[Network, Network], captures: list[Recording]) -> None:
    graphed, eager = networks
    with torch.inference_mode():
        graphed(some(0), ("h",))

    torch.testing.assert_close(losses(graphed, some(1)), losses(eager, some(1)))
    assert len(captures) == 2


def test_lengths_and_sizes(networks: tuple[Network, Network], captures: list[Recording]) -> None:
    graphed, eager = networks
    for one in (some(0, lengths=[7, 2, 5, 1]), some(1, lengths=[1, 7, 7, 3]), some(2, ticks=5), some(3, ticks=5)):
        torch.testing.assert_close(losses(graphed, one), losses(eager, one))

    assert len(captures) == 4


def test_graphs_are_made_for_sizes_that_come_again_and_not_for_all(
    networks: tuple[Network, Network], captures: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    graphed_network, eager = networks
    monkeypatch.setattr(graphed, "SEEN", 2)
    monkeypatch.setattr(graphed, "KEPT", 1)

    for expected, ticks in ((0, 7), (2, 7), (2, 5), (2, 5), (2, 7)):
        torch.testing.assert_close(losses(graphed_network, some(0, ticks)), losses(eager, some(0, ticks)))
        assert len(captures) == expected


def test_a_gpu_runs_what_torch_has_no_kernel_for_as_graphs() -> None:
    (loop,) = planned(spec(PEEPHOLE, EDGES)).loops
    (cell,) = planned(spec(LSTM, ["x, prev(h) -> i, f, g, o"])).loops

    assert choose(loop.program, "auto", "cuda").kind == "graphed"
    assert choose(loop.program, "off", "cuda").kind == "eager"
    assert choose(cell.program, "auto", "cuda").kind == "fused"
    assert choose_for_cell(loop.program, False, "auto", "cuda").kind == "graphed"
