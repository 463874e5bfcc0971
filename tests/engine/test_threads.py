"""`threads: auto` takes what plan and cores say, and never more."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.work import largest_product
from nnrun.runner.engine import threads
from nnrun.runner.engine.threads import cores_here, shared_by, threads_of

CPU = torch.device("cpu")

DENSE = """\
nnrun: 1
name: t
data: {source: {source: csv, file: t.csv}, fields: {x: {type: vector, size: 100}, y: {type: vector, size: 10}}}
nodes: {hidden: {type: linear, units: 200}, out: {type: linear, units: 10}}
edges: [x -> hidden -> out]
train: {loss: {type: mse, input: out, target: y}, batch_size: 1000, threads: auto}
"""

PICTURES = """\
nnrun: 1
name: t
data: {source: {source: csv, file: t.csv}, fields: {x: {type: image, size: [8, 6], channels: 3}, y: {type: vector, size: 10}}}
nodes:
  conv: {type: conv, filters: 16, kernel: 5, padding: same}
  pool: {type: global_pool, method: mean}
  out: {type: linear, units: 10}
edges: [x -> conv -> pool -> out]
train: {loss: {type: mse, input: out, target: y}, batch_size: 10, threads: auto}
"""

SEQUENCES = """\
nnrun: 1
name: t
data: {source: {source: csv, file: t.csv}, fields: {x: {type: text}, y: {type: vector, size: 10}}}
nodes:
  embed: {type: embedding, units: 30}
  wide: {type: linear, units: 40}
  cell: {type: lstm, units: 20}
  end: {type: last}
  out: {type: linear, units: 10}
edges: [x -> embed -> wide -> cell -> end -> out]
train: {loss: {type: mse, input: out, target: y}, batch_size: 10, threads: auto}
"""

DRAWN = """\
nnrun: 1
name: t
data: {source: {source: csv, file: t.csv}, fields: {x: {type: series, columns: [a, b]}, y: {type: vector, size: 10}}}
nodes: {h: {type: linear, units: 50, activation: tanh}, end: {type: last}, out: {type: linear, units: 10}}
edges: ["x, prev(h) -> h", h -> end -> out]
train: {loss: {type: mse, input: out, target: y}, batch_size: 10, threads: auto}
"""

MACHINE = """\
nnrun: 1
name: t
data: {source: {source: csv, file: t.csv}, fields: {x: {type: vector, size: 60}}}
nodes: {visible: {type: binary_units, units: 60}, hidden: {type: binary_units, units: 90}}
edges: [x -> visible, visible <-> hidden]
train: {learner: {type: contrastive_divergence}, batch_size: 10}
"""


def planned(text: str, *settings: str) -> Plan:
    checked = check(text, settings=settings)
    assert checked.plan is not None, checked.report
    return checked.plan


@pytest.mark.parametrize(
    ("text", "ticks", "product"),
    [
        (DENSE, {}, 1000 * 100 * 200),
        (PICTURES, {}, 10 * 3 * 16 * 5 * 5 * 8 * 6),
        (SEQUENCES, {}, 10 * (40 + 20) * 80),
        (SEQUENCES, {"x": 50}, 10 * 50 * 30 * 40),
        (DRAWN, {"x": 50}, 10 * (2 * 50 + 50 * 50)),
        (MACHINE, {}, 10 * 60 * 90),
    ],
)
def test_the_largest_product_of_a_step_is_counted_by_hand(text: str, ticks: dict[str, int], product: int) -> None:
    assert largest_product(planned(text), ticks) == product


@pytest.mark.parametrize(
    ("batch", "cores", "taken"), [(3199, 8, 1), (3200, 8, 2), (6400, 8, 4), (6400, 2, 2), (100_000, 8, 8), (100_000, 1, 1), (1, 8, 1)]
)
def test_a_thread_is_taken_for_each_32_million(monkeypatch: pytest.MonkeyPatch, batch: int, cores: int, taken: int) -> None:
    monkeypatch.setattr(threads, "cores_here", lambda: cores)
    plan = planned(DENSE, f"train.batch_size={batch}")

    count, why = threads_of(plan, CPU)

    assert count == taken
    assert why is not None
    assert why.startswith(f"threads: {taken} of {cores} core")


def test_processes_that_compute_side_by_side_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cores_here", lambda: 8)
    monkeypatch.setattr(threads, "_sharers", 1)
    plan = planned(DENSE, "train.batch_size=100000")
    shared_by(4)
    assert threads_of(plan, CPU)[0] == 2
    shared_by(100)
    assert threads_of(plan, CPU)[0] == 1


def test_on_a_gpu_one_thread_gives_it_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cores_here", lambda: 8)

    assert threads_of(planned(DENSE, "train.batch_size=100000"), torch.device("cuda"))[0] == 1


def test_a_number_is_taken_as_it_is_written() -> None:
    assert threads_of(planned(DENSE, "train.threads=3"), CPU) == (3, None)
    assert threads_of(planned(MACHINE), CPU) == (1, None)


@pytest.mark.parametrize("value", [0, 1025, 1.5, "many", True, [2]])
def test_what_is_no_number_of_threads_is_refused(value: Any) -> None:
    report = check(DENSE, settings=[f"train.threads={value}"]).report

    (finding,) = report
    assert finding.id == ("out-of-range" if value in (0, 1025) else "wrong-type")
    assert "from 1 to 1024, or `auto`" in finding.headline


def test_there_is_a_core() -> None:
    assert cores_here() >= 1
