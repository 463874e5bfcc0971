"""The plan of memory: whole numbers, from above, before anything is allocated."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.memory import machine
from nnrun.runner.compiler.memory.machine import Allowed, group_limits
from nnrun.runner.compiler.memory.needs import ELSE, Memory, least, needed
from nnrun.runner.engine.shortage import NoRoom, OutOfMemory, explained, is_shortage, refuse
from tests.compiler.support import spec

GALLERY = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))

SMALL = {"hidden": "{type: linear, units: 100}"}
EDGES = ("image -> flat -> hidden -> scores",)
DIGITS = "{source: digits, fields: {image: {type: image, size: 10, channels: 1}, digit: {type: category, classes: [a, b]}}}"


def memory(*settings: str, nodes: dict[str, str] | None = None, **known: int) -> Memory:
    plan = check(spec(nodes or SMALL, EDGES, data=DIGITS), settings=settings).plan
    assert plan is not None
    return needed(plan, **known)


def test_a_small_network_takes_what_a_hand_calculation_says() -> None:
    found = memory("train.batch_size=16", rows=50, examples=40)

    weights = 4 * ((100 * 100 + 100) + (2 * 100 + 2))  # two affine maps, numbers of four bytes
    assert (found.weights, found.gradients, found.optimizer, found.kept) == (weights, weights, 2 * weights, weights)  # adam: two means
    values = 4 * (100 + 100 + 2)  # `flat`, `hidden` and `scores` of an example
    scores = 3 * 4 * 2 * 16
    assert found.values == max(4 * 16, 2 * 40) * values + scores  # an evaluation sees all 40 at once
    assert found.data == 50 * (100 * (4 + 8) + 1 * (8 + 8))
    assert found.total == 5 * weights + found.values + found.data + ELSE


@pytest.mark.parametrize(
    ("settings", "times"),
    [("sgd", 0), ("{type: sgd, momentum: 0.9}", 1), ("rmsprop", 1), ("adamw", 2), ("{type: adam, amsgrad: true}", 3)],
)
def test_an_optimizer_takes_what_it_remembers(settings: str, times: int) -> None:
    found = memory(f"train.optimizer={settings}")

    assert found.optimizer == times * found.weights


def test_an_average_is_as_large_as_what_it_follows() -> None:
    found, without = memory("train.average={}"), memory()

    assert (found.average, without.average) == (found.weights, 0)
    assert found.total == without.total + found.average


def test_what_is_frozen_has_no_gradient() -> None:
    found = memory(nodes={"hidden": "{type: linear, units: 100, freeze: true}"})

    assert found.gradients == 4 * (2 * 100 + 2)


def test_a_batch_is_no_larger_than_there_are_examples() -> None:
    assert memory("train.batch_size=1000000", examples=40).batch == 40


@pytest.mark.parametrize(("size", "wanted"), [(7, 7), ("label", 1), ("128*label", 128), ("label+5", 6), ("3*label*text+2*label+5", 10)])
def test_a_size_that_only_the_data_knows_counts_what_is_certain(size: int | str, wanted: int) -> None:
    assert least(size) == wanted


@pytest.mark.parametrize("file", GALLERY, ids=lambda file: file.stem)
def test_no_spec_of_the_gallery_is_refused_on_a_machine_of_four_gibibytes(file: Path) -> None:
    plan = check(file.read_text(encoding="utf-8"), str(file)).plan
    assert plan is not None
    assert plan.spec.data is not None
    rows = 1 if plan.spec.data.keep == "disk" else 10_000

    refuse(needed(plan, rows, ticks=dict.fromkeys(plan.fields, 60)), Allowed(4 << 30, "this machine has", 4 << 30))


def test_what_does_not_fit_is_refused_with_both_numbers_and_what_to_reduce() -> None:
    with pytest.raises(OutOfMemory) as caught:
        refuse(memory("nodes.hidden.units=10000000"), Allowed(2 << 30, "this machine has", 2 << 30))

    weights = 4 * (10**7 * 101 + 2 * 10**7 + 2)
    values = 4 * 32 * 4 * (100 + 10**7 + 2)
    planned = 5 * weights + values + ELSE
    assert f"about {planned / 2**30:.1f} GiB" in caught.value.message
    assert "2.0 GiB are left of the 2.0 GiB that this machine has" in caught.value.message
    assert caught.value.path == ("nodes", "hidden")
    assert "make `hidden` smaller" in str(caught.value.help)


def test_a_large_batch_is_what_is_to_be_reduced() -> None:
    with pytest.raises(OutOfMemory) as caught:
        refuse(memory("train.batch_size=10000000"), Allowed(1 << 30, "this machine has", 1 << 30))

    assert "a `batch_size` below 10,000,000" in str(caught.value.help)


def test_pictures_of_a_hundred_thousand_pixels_a_side_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "installed", lambda: 16 << 30)
    report = check(spec(data=DIGITS), settings=["data.fields.image.size=100000"]).report

    assert report.ids == ["much-memory"]
    assert report.ok
    assert "a smaller `image`" in report[0].help


def test_a_thousand_million_threads_are_refused() -> None:
    assert check(spec(), settings=["train.threads=1000000000"]).report.ids == ["out-of-range"]


def test_the_limits_of_all_control_groups_above_are_known(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("4:cpu,memory:/a/b\n0::/box/inner\n")
    for place, text in (("memory/a/memory.limit_in_bytes", "3000"), ("box/memory.max", "2000"), ("box/inner/memory.max", "max")):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f"{text}\n")

    assert sorted(group_limits(tmp_path, own)) == [2000, 3000]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 400 bytes."),
        RuntimeError("can't start new thread"),
        ImportError("libx.so: failed to map segment from shared object"),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate 2.00 GiB"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_memory_that_ran_out_is_known_however_it_is_said(error: Exception) -> None:
    assert is_shortage(error)


def test_a_mistake_of_ours_is_not_taken_for_a_shortage() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"), explained(lambda: None):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_memory_that_ran_out_on_the_way_names_the_node_and_the_plan() -> None:
    plan = check(spec(SMALL, EDGES, data=DIGITS)).plan
    assert plan is not None
    op = next(op for op in plan.ops if op.name == "hidden")
    with pytest.raises(OutOfMemory) as caught, explained(lambda: needed(plan)):
        raise NoRoom(op, "you tried to allocate 400 bytes")

    assert caught.value.message.startswith("memory ran out in `hidden`: about 0.25 GiB were planned beyond the imports, and ")
    assert caught.value.path == ("nodes", "hidden")
    assert "`" in str(caught.value.help)
