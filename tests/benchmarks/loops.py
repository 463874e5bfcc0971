"""Loops beside torch's own cells, loops by hand, jax and Keras: CPU time of a step, memory, and the first compilation.

    taskset -c 0 python tests/benchmarks/loops.py [--json FILE] [--rounds 15] [--only TEXT]

One thread; a step goes forward, and backward to the weights and to the input. Ours and the peer take turns, and the ratio is that
of their medians: ours / peer, smaller is better. The limits are those of the matrix products alone, which no way to run a loop can be
faster than; other peers are told for information. All of it twice, since it changes torch's own times by a third: with the
allocator as it is, and told to keep what is freed. jax and Keras are the extra `benchmark`: pip install -e ".[benchmark]".
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import Row, options, report

if TYPE_CHECKING:
    from cells import Problem, Size, Step

ROOT = Path(__file__).parents[2]

ALLOCATORS = ("default", "tuned")

LIBRARIES = ("torch", "jax", "keras")

SIZES = ((32, 100, 64, 128), (64, 50, 128, 256), (16, 400, 32, 64), (128, 28, 28, 128))
"""(B, T, I, H)."""

LARGE = (64, 400, 128, 256)
"""For memory."""


@dataclass(frozen=True)
class Work:
    """Something to compare at every size. `steps` makes ours and the peer's step."""

    name: str
    steps: Callable[[Size], tuple[Step, Step]]
    limit: float | None = None
    """None for peers: how far one is from them depends on how well their own code suits the processor."""
    same: bool = True
    """Whether both compute the same."""
    needs: str | None = None
    """A library that has to be installed."""


def works() -> list[Work]:
    import peers
    from cells import GRU, LSTM, PEEPHOLE, Problem

    def against(peer: Callable[..., Step], cell: str, execution: Any = None, problem: Callable[[Size], Problem] = Problem) -> Any:
        def steps(size: Size) -> tuple[Step, Step]:
            posed = problem(size)
            network = posed.network(cell, execution)
            return posed.ours(network), peer(posed, posed.network(LSTM) if cell == PEEPHOLE else network)

        return steps

    def floor(cell: str, gates: int) -> Any:
        def steps(size: Size) -> tuple[Step, Step]:
            posed = Problem(size)
            return posed.ours(posed.network(cell, "native")), peers.products(posed, gates)

        return steps

    ragged = Problem.ragged
    return [
        Work("LSTM, generated code / its matrix products alone, in one piece", floor(LSTM, 4), 1.15, same=False),
        Work("peephole softsign LSTM, generated code / its matrix products alone, in one piece", floor(PEEPHOLE, 4), 1.3, same=False),
        Work("GRU, generated code / its matrix products alone, in one piece", floor(GRU, 3), 1.3, same=False),
        # Where a compiler works, the first two are the same code; torch's kernel is for where none does.
        Work("LSTM, as nnrun runs it / nn.LSTM", against(peers.lstm, LSTM)),
        Work("LSTM, generated code / nn.LSTM", against(peers.lstm, LSTM, "native")),
        Work("LSTM, recognised, on torch's kernel / nn.LSTM", against(peers.lstm, LSTM, "fused")),
        Work("peephole softsign LSTM / nn.LSTM", against(peers.lstm, PEEPHOLE), same=False),
        Work("GRU / nn.GRU", against(peers.gru, GRU)),
        Work("LSTM, `compile: off`, not recognised / nn.LSTM", against(peers.lstm, LSTM, "eager")),
        Work("LSTM, on torch's kernel, variable lengths / nn.LSTM, packed", against(peers.lstm, LSTM, "fused", ragged)),
        Work("LSTM, generated code, variable lengths / nn.LSTM, packed", against(peers.lstm, LSTM, "native", ragged)),
        Work("LSTM, on torch's kernel / loop over nn.LSTMCell", against(peers.by_hand, LSTM, "fused")),
        Work("LSTM, generated code / loop over nn.LSTMCell", against(peers.by_hand, LSTM, "native")),
        Work("LSTM, generated code / jax.lax.scan", against(peers.scan, LSTM, "native"), needs="jax"),
        Work("LSTM, generated code / Keras on torch, own cell", against(peers.keras_cell, LSTM, "native"), needs="keras"),
    ]


def compare(allocator: str, rounds: int, only: str, library: str | None) -> Iterator[Row]:
    """All steps that need a library, or none of them."""
    import torch
    from cells import Size

    for work in works():
        if work.needs != library or only not in work.name:
            continue
        for size in (Size(*numbers) for numbers in SIZES):
            torch.manual_seed(0)
            ours, peer = work.steps(size)
            for _ in range(2):
                one, other = ours(), peer()
            assert not work.same or float((one - other).abs().max()) < 1e-4, work.name
            mine, theirs = alternate(ours, peer, rounds)
            yield Row(work.name, f"{size}, {allocator} allocator", mine / theirs, work.limit, f"{1e3 * mine:.1f} / {1e3 * theirs:.1f} ms")


def alternate(one: Step, other: Step, rounds: int) -> tuple[float, float]:
    """Median CPU seconds of each."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        for step, spent in zip((one, other), times, strict=True):
            start = time.process_time()
            step()
            spent.append(time.process_time() - start)
    gc.enable()
    return statistics.median(times[0]), statistics.median(times[1])


def peak(kind: str) -> int:
    """Bytes by which a step lets this process grow, with its results."""
    import peers
    from cells import LSTM, PEEPHOLE, Problem, Size

    def step(size: Size) -> Step:
        problem = Problem(size)
        network = problem.network(PEEPHOLE if kind == "peephole" else LSTM, "native")
        found = peers.lstm(problem, network) if kind == "nn.LSTM" else problem.ours(network)
        assert len(problem.x) == len(problem.arriving)  # they are there
        return found

    step(Size(2, 3, 4, 5))()
    large = step(Size(*LARGE))
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is counted anew
    before = resident("VmRSS")
    large()
    return resident("VmHWM") - before


def resident(name: str) -> int:
    """Bytes of memory of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def first_step() -> float:
    """CPU seconds by which the first step of a loop is longer than the next ones, compiler and all."""
    from cells import LSTM, Problem, Size

    problem = Problem(Size(*SIZES[0]))
    for _ in range(2):
        problem.ours(problem.network(LSTM, "eager"))()  # wakes torch
    step = problem.ours(problem.network(LSTM, "native"))
    spent = []
    for _ in range(6):
        start = with_children()
        step()
        spent.append(with_children() - start)
    return spent[0] - statistics.median(spent[1:])


def with_children() -> float:
    """CPU seconds of this process and of those that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def memory(allocator: str, only: str) -> Iterator[Row]:
    for kind, work in (("LSTM", "memory of LSTM, generated code / nn.LSTM"), ("peephole", "memory of peephole softsign LSTM / nn.LSTM")):
        if only in work:
            ours, theirs = (statistics.median(apart("peak", allocator, kind) for _ in range(3)) for kind in (kind, "nn.LSTM"))
            size = "B={} T={} I={} H={}".format(*LARGE)
            yield Row(work, f"{size}, {allocator} allocator", ours / theirs, 0.8, f"{ours / 2**20:.0f} / {theirs / 2**20:.0f} MiB")


def compilation(only: str) -> Iterator[Row]:
    """Ratios and limits are seconds."""
    new, kept = "first compilation of a loop, seconds", "first step with a loop from the cache, seconds"
    if only not in new and only not in kept:
        return
    seconds: dict[str, list[float]] = {new: [], kept: []}
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="nnrun-loops-") as folder:
            for work in (new, kept):
                seconds[work].append(apart("first", "default", XDG_CACHE_HOME=folder))
    for work, limit in ((new, 1.0), (kept, 0.05)):
        if only in work:
            median = statistics.median(seconds[work])
            yield Row(work, "any", median, limit, f"{median:.3f} s")


def apart(what: str, allocator: str, *more: str, **environment: str) -> Any:
    """The answer of a process of its own, with one thread."""
    fixed = {
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "torch",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, __file__, f"--apart={what}", f"--allocator={allocator}", *more]
    done = subprocess.run(command, env=os.environ | fixed | environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def answer(arguments: argparse.Namespace) -> Any:
    """What a process of its own was asked for."""
    if arguments.allocator == "tuned":
        keep_freed_memory()
    import torch

    torch.set_num_threads(1)
    match arguments.apart:
        case "peak":
            return peak(arguments.kind)
        case "first":
            return first_step()
        case library:
            return list(compare(arguments.allocator, arguments.rounds, arguments.only, None if library == "torch" else library))


def keep_freed_memory() -> None:
    """Tell glibc to. Else large tensors go back to the system, and every step takes their page faults again."""
    glibc = ctypes.CDLL(None)
    mmap_max, trim_threshold, top_pad = -4, -1, -2
    for setting, value in ((mmap_max, 0), (trim_threshold, 2**31 - 1), (top_pad, 2**26)):
        if not glibc.mallopt(setting, value):
            raise OSError(f"glibc refused mallopt({setting}, {value})")


def measure(rounds: int, only: str) -> Iterator[Row]:
    for library in LIBRARIES:
        if not find_spec(library):
            continue
        for allocator in ALLOCATORS:
            rows = apart(library, allocator, f"--rounds={rounds}", f"--only={only}")
            yield from (Row(*row) for row in rows)
    for allocator in ALLOCATORS:
        yield from memory(allocator, only)
    yield from compilation(only)


def main() -> None:
    parser = options(__doc__, 15, "a part of the name of the work")
    parser.add_argument("--apart", help=argparse.SUPPRESS)
    parser.add_argument("--allocator", default="default", help=argparse.SUPPRESS)
    parser.add_argument("kind", nargs="?", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.apart:
        print(json.dumps(answer(arguments)))
        return
    report(measure(arguments.rounds, arguments.only), LIBRARIES, arguments.json)


if __name__ == "__main__":
    main()
