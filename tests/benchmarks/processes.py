"""Several processes that share a training: equal to one, how fast, and how the time of a step is made up.

    python tests/benchmarks/processes.py [--only curves|energy|cost] [--rounds 3] [--json FILE]

curves   loss curves of 2 processes beside 1, the largest difference; beside it the same of a network without kinks, and the floor: what
         rounding alone does, where one process adds up each batch in two halves (`accumulate: 2`), of a network without dropout
energy   log-likelihood of `rbm_digits` with 1 and 2 processes, and its spread over three seeds
cost     time of a step by the number of parameters with 1 and 2 processes, and what the model of runner/README.md says of it: what joining
         costs at least is taken from the smallest network, the others show whether the model holds
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

ROOT = Path(__file__).parents[2]

UNITS = (64, 256, 512, 1024, 2048)
"""Of the hidden layer of the network whose steps are timed."""

SMOOTH = (*(f"nodes.conv{number}.activation=tanh" for number in (1, 2, 3)), *(f"nodes.pool{number}.method=mean" for number in (1, 2)))
SMOOTHLY = "cnn_digits of tanh and mean pooling, 2 processes"
"""Without kinks: where a `relu` is within rounding of 0, or two pixels are alike, rounding decides where a gradient goes."""

FEATURES, EXAMPLES, STEPS = 256, 512, 60
"""Of a batch, and steps that are timed after as many others."""


def run(folder: Path, spec: str, *words: str) -> dict[str, Any]:
    """What a run of a spec of the gallery gives."""
    command = [sys.executable, "-m", "nnrun", str(ROOT / "specs" / f"{spec}.yaml"), "--json", "--quiet", *words]
    variables = {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}", "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=os.environ | variables, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def curve(folder: Path, run_id: str) -> dict[tuple[str, int], float]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    names = ("train/loss", "valid/loss")
    return {(name, point.step): point.value for name in names for point in client.get_metric_history(run_id, name)}


def curves(folder: Path, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for spec in ("cnn_digits", "lstm_by_hand_sentiment"):
        ones, twos = [], []
        for _ in range(rounds):
            ones.append(run(folder, spec))
            twos.append(run(folder, spec, "--devices", "2"))
        found |= apart(folder, f"{spec}, 2 processes", ones[0], twos[0])
        seconds = [statistics.median(made["seconds"] for made in runs) for runs in (ones, twos)]
        found[f"{spec}: speed of 2 processes / 1"] = seconds[0] / seconds[1]
    smooth = tuple(part for change in SMOOTH for part in ("--set", change))
    found |= apart(folder, SMOOTHLY, run(folder, "cnn_digits", *smooth), run(folder, "cnn_digits", *smooth, "--devices", "2"))
    still = ("cnn_digits", "--set", "nodes.drop.rate=0")  # halves would draw otherwise
    one, two = run(folder, *still), run(folder, *still, "--devices", "2")
    halves = run(folder, *still, "--set", "train.batch_size=16", "--set", "train.accumulate=2")
    for title, other in (("2 processes", two), ("two halves in 1 (floor)", halves)):
        found |= apart(folder, f"cnn_digits without dropout, {title}", one, other)
    return found


def apart(folder: Path, title: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """How far two loss curves are from each other."""
    mine, theirs = (curve(folder, made["run_id"]) for made in (one, other))
    differences = {point: abs(value - mine[point]) for point, value in theirs.items() if point in mine}
    within = sum(1 for value in differences.values() if value <= 1e-5)
    first = min((step for (_, step), value in differences.items() if value > 1e-5), default=None)
    told = f"{within} of {len(differences)}" + (f", up to step {first}" if first is not None else "")
    return {f"{title}: largest difference": max(differences.values()), f"{title}: points within 1e-5": told}


def energy(folder: Path, rounds: int) -> dict[str, Any]:
    one = [run(folder, "rbm_digits", "--seed", str(seed))["figures"]["test/loglik"] for seed in range(3)]
    two = run(folder, "rbm_digits", "--devices", "2")["figures"]["test/loglik"]
    return {"rbm_digits, 2 processes: test/loglik": two, "1 process, three seeds": f"{min(one):.4f} to {max(one):.4f}", "seed 0": one[0]}


def cost(folder: Path, rounds: int) -> dict[str, Any]:
    """Each size in turns; a process of its own measures with a partner, one without."""
    measured: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
    for _ in range(rounds):
        for size in measured:
            command = [
                sys.executable,
                "-m",
                "torch.distributed.run",
                "--nproc-per-node",
                size,
                __file__,
                "--member",
                str(folder / "said.json"),
            ]
            variables = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            subprocess.run(command, env=os.environ | variables, stderr=subprocess.DEVNULL, check=True)
            measured[size].append(json.loads((folder / "said.json").read_text()))
    one, two = ({name: statistics.median(each[name] for each in runs) for name in runs[0]} for runs in measured.values())
    rate, least = two["bytes a second"], two[f"whole {UNITS[0]}"] - two[f"half {UNITS[0]}"]
    found: dict[str, Any] = {"all-reduce: GB a second": rate / 1e9, "joining, at least, ms": 1e3 * least}
    for units in UNITS:
        parameters = _parameters(units)
        foreseen = two[f"half {units}"] + least + 4 * (parameters - _parameters(UNITS[0])) / rate
        found[f"{parameters:>9,} parameters: ms of a step, 1"] = 1e3 * one[f"whole {units}"]
        found[f"{parameters:>9,} parameters: ms of a step, 2"] = 1e3 * two[f"whole {units}"]
        found[f"{parameters:>9,} parameters: foreseen for 2"] = 1e3 * foreseen
        found[f"{parameters:>9,} parameters: measured / foreseen"] = two[f"whole {units}"] / foreseen
    return found


def member(said: Path) -> None:
    """One of the processes that are timed: steps of DDP, and the all-reduce alone."""
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.set_num_threads(1)
    found: dict[str, float] = {}
    for units in UNITS:
        found[f"whole {units}"] = _step(units, EXAMPLES // size, size)
        dist.barrier()
        found[f"half {units}"] = _step(units, EXAMPLES // 2, 1)  # with the other at work, but not waited for
    if size > 1:
        large = torch.zeros(1 << 22)
        found["bytes a second"] = 4 * large.numel() / _timed(lambda: dist.all_reduce(large), 10)
    if rank == 0:
        said.write_text(json.dumps(found))
    dist.destroy_process_group()


def _parameters(units: int) -> int:
    return units * (FEATURES + 1) + units * 10 + 10


def _step(units: int, examples: int, size: int) -> float:
    """Seconds of a step of an MLP."""
    torch.manual_seed(0)
    network: Any = torch.nn.Sequential(torch.nn.Linear(FEATURES, units), torch.nn.ReLU(), torch.nn.Linear(units, 10))
    network = torch.nn.parallel.DistributedDataParallel(network) if size > 1 else network
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    x, y = torch.randn(examples, FEATURES), torch.randint(10, (examples,))

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return _timed(step)


def _timed(action: Any, count: int = STEPS) -> float:
    """Median seconds of an action."""
    times = []
    for number in range(2 * count):
        began = time.perf_counter()
        action()
        if number >= count:
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"curves": curves, "energy": energy, "cost": cost}
    parser.add_argument("--only", choices=list(parts), action="append")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--member", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.member is not None:
        member(options.member)
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only or parts:
            for title, value in parts[name](Path(folder), options.rounds).items():
                found[title] = value
                print(f"{title:<62} {value:.3g}" if isinstance(value, float) else f"{title:<62} {value}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
