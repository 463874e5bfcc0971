"""Mutated specs through check, show, diff and explain: `python -m tests.faults.mutations [--count N] [--seed S] [--workers W]`.

Each goes through the commands themselves, in processes that watch what they do: no traceback, no command over five seconds or a
gigabyte, no code run, no file opened but the spec and those it names; of every second one, which is checked with `--untrusted`, none but
the spec.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tests.faults.heavy import heavy
from tests.faults.tried import Tried, work

TOLD = 5_000
"""Mutants after which it says how far it is."""

PATIENCE = 120.0
"""Seconds after which a worker that says nothing is given up."""


@dataclass
class Work:
    """A worker, and what it is at."""

    numbers: range
    process: BaseProcess
    number: int | None = None
    since: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> range:
        """What is to be tried after this."""
        return self.numbers if self.number is None else self.numbers[self.numbers.index(self.number) + 1 :]


def hold(count: int, seed: int, workers: int, first: int = 0) -> Iterator[str]:
    """Lines about mutants that did not hold, one about the slowest, and a last one: how many held."""
    todo = [range(first + start, first + count, workers) for start in range(workers)]
    running: dict[Connection, Work] = {}
    slowest, most, bad, done = Tried(-1), 0, 0, 0
    while todo or running:
        running |= dict(_start(numbers, seed) for numbers in todo if len(numbers))
        todo = []
        ready = wait(list(running), timeout=1.0)
        for pipe, one in list(running.items()):
            if pipe not in ready and time.monotonic() - one.since < PATIENCE:
                continue
            said = _said(pipe, one) if pipe in ready else "says nothing"
            if isinstance(said, Tried):
                one.number, one.since = said.number, time.monotonic()
                done += said.over
                bad += bool(said.wrong)
                if said.over and done % TOLD == 0:
                    yield f"{done} done"
                slowest, most = max(slowest, said, key=lambda tried: tried.seconds), max(most, said.megabytes)
                if said.wrong:
                    yield f"{said.number}: {said.wrong}"
                continue
            one.process.kill()
            one.process.join()
            del running[pipe]
            if said is not None:
                done, bad = done + 1, bad + 1
                todo.append(one.left)
                yield f"{one.number}: the worker {said}"
    yield f"the slowest command took {slowest.seconds:.2f} s (mutant {slowest.number}), the largest process {most} MiB"
    yield f"{done - bad} of {count} held"


def _start(numbers: range, seed: int) -> tuple[Connection, Work]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(numbers, seed, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, Work(numbers, process)


def _said(pipe: Connection, one: Work) -> Tried | str | None:
    try:
        found: Tried | None = pipe.recv()
    except EOFError:
        one.process.join()
        return f"ended with {one.process.exitcode}"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=-sum(1 for _ in heavy()), help="number of the first mutant; the heavy ones end at -1")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    line = ""
    for line in hold(options.count, options.seed, options.workers, options.first):
        print(line, flush=True)
    sys.exit(not line.startswith(f"{options.count} of "))


if __name__ == "__main__":
    main()
