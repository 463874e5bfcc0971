"""The sections of `check.py`, each a process: `python tests/device/sections.py NAME DEVICE`.

It prints a line of JSON for what it is about to do, and one for each item that it has done. What an item raises is its `failed`; the next
ones go on.
"""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.prepare import prepared
from nnrun.runner.engine.training.backprop import Backprop
from nnrun.runner.engine.training.contrast import Contrasting
from nnrun.runner.engine.training.learner import Learner
from nnrun.runner.engine.training.stages import learner_of, train_stages
from nnrun.runner.job import Job
from nnrun.runner.reading import read
from nnrun.runner.smoke import BETAS, Quiet, made_up, smoke
from nnrun.runner.tracking.store import Store

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))

GALLERY = {path.stem: path for path in sorted((ROOT / "specs").glob("*.yaml"))}
FEW = ("cnn_digits", "lstm_by_hand_sentiment", "rbm_digits", "hopfield_letters")
"""Those that are looked at in small."""

LOSS, GRADIENT = 1e-4, 2e-3
"""How far losses and gradients of 32 bits may be from those of the processor, of the largest."""

VALUES = 1e-2
"""How far values of a loop may be from those of torch's cell, whose products may have 19 bits on a GPU."""

SLIVER = ("data.split.train=0.05", "data.split.valid=0.02", "data.split.test=0.02")
"""Of the data, in small."""

WARM = 6
"""The step that is looked at."""

WHOLE = ("inception_digits", "rbm_digits", "char_lm")

Row = dict[str, Any]
Items = dict[str, Callable[[], Row]]


class Silent:
    """A display that shows nothing."""

    def say(self, text: str, style: str | None = None) -> None: ...

    def start(self, title: str, steps: int, objective: str) -> None: ...

    def stop(self) -> None: ...


class Reads(TorchDispatchMode):
    """Counts the numbers that Python reads out of tensors."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def machine(device: torch.device) -> Items:
    """What there is."""

    def told() -> Row:
        row = {"torch": torch.__version__, "python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()}
        if device.type == "cuda":
            properties = torch.cuda.get_device_properties(device)
            row |= {"gpu": properties.name, "gib": properties.total_memory / 2**30, "capability": f"{properties.major}.{properties.minor}"}
            row |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "driver": driver()}
        return row

    return {"machine": told}


def driver() -> str:
    """The version of the GPU's driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return "not told: there is no nvidia-smi"
    asked = [command, "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout.split()[0]


def smoking(device: torch.device) -> Items:
    """Two steps of everything on made-up data."""

    def one(path: Path) -> Row:
        return {"failed": smoke(check(path.read_text(), path.name), device=str(device))}

    return {name: partial(one, path) for name, path in looked_at(device).items()}


def agreement(device: torch.device) -> Items:
    """The first steps from equal weights on an equal batch, here and on the processor. Dropout is 0: its draws differ between devices.

    Of a machine, whose steps are draws, the energy of its data; of a memory the weights that it stores.
    """

    def one(path: Path) -> Row:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        checked, data = made_up(Job.read(path, without_dropout(path)).checked)
        here, there = (first_steps(checked, data, where) for where in (torch.device("cpu"), device))
        row: Row = {f"{what}_difference": apart(here[what], there[what]) for what in here}
        row["failed"] = "; ".join(
            f"{what} differs by {row[f'{what}_difference']:.2g}"
            for what in here
            if not row[f"{what}_difference"] <= (GRADIENT if what == "gradients" else LOSS)
        )
        return row

    return {name: partial(one, path) for name, path in looked_at(device).items()}


def first_steps(checked: Checked, data: Dataset, device: torch.device) -> dict[str, list[Tensor]]:
    """What the stages of a training find, by its name."""
    assert checked.plan is not None
    found: dict[str, list[Tensor]] = defaultdict(list)
    torch.manual_seed(0)
    network = Network(checked.plan).to(device)
    for stage in (*checked.plan.stages, checked.plan):
        with learner_of(network, brief(stage, data), data, device, 0) as learner:
            batches = endless(learner)
            if isinstance(learner, Contrasting):
                states = next(batches).states
                whole = {**learner.machine.empty(len(next(iter(states.values())))), **states}
                found["energy"].append(learner.machine.energy(whole).detach().cpu())
                continue
            for number in (1, 2, 3):
                loss = learner.step(number, next(batches), due=True)
                if isinstance(learner, Backprop):
                    found["loss"].append(torch.tensor(loss))
                if isinstance(learner, Backprop) and number == 1:
                    found["gradients"] += [one.grad.detach().cpu().clone() for one in network.parameters() if one.grad is not None]
            if not isinstance(learner, Backprop):
                found["weights"] += [one.detach().cpu() for one in network.state_dict().values()]
    return {what: tensors for what, tensors in found.items() if tensors}


def apart(ones: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """The largest difference, of the largest number."""
    assert len(ones) == len(others) > 0
    largest = max(float(one.abs().max()) for one in ones)
    return max(float((one - other).abs().max()) for one, other in zip(ones, others, strict=True)) / max(largest, 1e-12)


def reads(device: torch.device) -> Items:
    """A step between two logs: where the processor waits for the GPU. On a processor, how many numbers are read, which costs nothing."""

    def one(path: Path) -> Row:
        checked, data = made_up(Job.read(path).checked)
        assert checked.plan is not None
        with learner_of(Network(checked.plan).to(device), brief(checked.plan, data), data, device, 0) as learner:
            batches = endless(learner)
            for number in range(1, WARM):  # graphs of loops are made meanwhile, which waits
                learner.step(number, next(batches), due=False)
            batch = next(batches)
            if device.type == "cpu":
                with Reads() as counted:
                    learner.step(WARM, batch, due=False)
                return {"waits": counted.count, "steps_of": type(learner).__name__}
            places = waits(partial(learner.step, WARM, batch, due=False))
        failed = f"waits at {', '.join(places)}" if places else None
        return {"waits": len(places), "steps_of": type(learner).__name__, "failed": failed}

    return {name: partial(one, path) for name, path in looked_at(device).items()}


def waits(step: Callable[[], object]) -> list[str]:
    """Where a step waits for the GPU."""
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return [f"{Path(one.filename).name}:{one.lineno}" for one in caught if "synchroniz" in str(one.message)]


def cells(device: torch.device) -> Items:
    """Loops that are drawn, forward and backward, beside torch's own cells: cuDNN's, on a GPU."""
    import peers
    from cells import GRU, LSTM, PEEPHOLE, Problem, Size

    sizes = [Size(4, 5, 6, 7)] if device.type == "cpu" else [Size(32, 100, 64, 128), Size(64, 50, 128, 256), Size(128, 28, 28, 128)]
    drawn = {
        "LSTM / nn.LSTM": (LSTM, None, peers.lstm),
        "LSTM, not recognised / nn.LSTM": (LSTM, "eager", peers.lstm),
        "GRU / nn.GRU": (GRU, None, peers.gru),
        "peephole LSTM / nn.LSTM": (PEEPHOLE, None, peers.lstm),
    }

    def one(cell: str, execution: Any, peer: Any, size: Any) -> Row:
        torch.manual_seed(0)
        problem = Problem(size, device=device)
        network = problem.network(cell, execution)
        ours, theirs = problem.ours(network), peer(problem, problem.network(LSTM) if cell == PEEPHOLE else network)
        failed = None
        if cell != PEEPHOLE and not (difference := apart([ours()], [theirs()])) <= VALUES:
            failed = f"the values differ by {difference:.2g}"
        mine, his = timed(ours, device), timed(theirs, device)
        (loop,) = network.loops.values()
        return {"ms": mine, "torch_ms": his, "ratio": mine / his, "runs_as": loop.execution(device.type).kind, "failed": failed}

    def films(count: int) -> Row:
        text = GALLERY["convlstm_digit_films"]
        checked, data = made_up(Job.read(text).checked)
        assert checked.plan is not None
        rows = data.train.rows[torch.arange(count) % len(data.train)]
        batch = data.train.batch(rows).to(device)
        network = Network(checked.plan).to(device)
        (loop,) = network.loops.values()

        def step() -> Tensor:
            scores = network(batch, ("scores",))["scores"]
            scores.sum().backward()
            for parameter in network.parameters():
                parameter.grad = None
            return scores

        return {"ms": timed(step, device), "runs_as": loop.execution(device.type).kind}

    items: Items = {f"{name}, {size}": partial(one, *how, size) for size in sizes for name, how in drawn.items()}
    counts = [4] if device.type == "cpu" else [50, 400]
    return items | {f"convolutional LSTM of films, B={count}": partial(films, count) for count in counts}


def timed(step: Callable[[], object], device: torch.device) -> float:
    """Milliseconds, the median."""
    for _ in range(3):
        step()
    if device.type == "cpu":
        return statistics.median(clocked(step) for _ in range(3))
    spent = []
    for _ in range(20):
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        first.record()
        step()
        last.record()
        last.synchronize()
        spent.append(first.elapsed_time(last))
    return statistics.median(spent)


def clocked(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return 1e3 * (time.perf_counter() - start)


def precision(device: torch.device) -> Items:
    """A CNN and an LSTM with each number format: a step, and where the loss has come to."""
    steps = 6 if device.type == "cpu" else 300

    def one(name: str, format: str) -> Row:
        batch = 4 if device.type == "cpu" else 256
        train = {"precision": format, "steps": steps, "epochs": "null", "batch_size": batch, "device": device}
        settings = tuple(f"train.{key}={value}" for key, value in train.items())
        checked, data, _ = read(Job.read(GALLERY[name], settings), Silent())  # type: ignore[arg-type]
        assert checked.plan is not None
        network, _ = prepared(checked.plan, Store("sqlite:///none"))
        with learner_of(network, checked.plan, data, device) as learner:
            batches = endless(learner)
            start = steps // 3
            for number in range(1, steps + 1):
                if number == start + 1:
                    learner.since()  # reads, so the GPU has done all of it
                    began = time.perf_counter()
                learner.step(number, next(batches), due=number == steps)
            loss = learner.since()["train/loss"]
            spent = time.perf_counter() - began
        failed = None if math.isfinite(loss) else f"the loss is {loss}"
        return {"ms_a_step": 1e3 * spent / (steps - start), "loss": loss, "batch": batch, "failed": failed}

    return {f"{name}, {format}": partial(one, name, format) for name in ("cnn_digits", "char_lm") for format in ("fp32", "bf16", "fp16")}


def whole(device: torch.device) -> Items:
    """Whole trainings on data that comes with Python's packages, without their record; on a GPU first there, then on the processor."""
    small = () if device.type == "cuda" else ("train.steps=4", "train.epochs=null", "train.evaluate_every=4", *SLIVER)

    def one(name: str, place: torch.device) -> Row:
        checked, data, _ = read(Job.read(GALLERY[name], (f"train.device={place}", *small)), Silent())  # type: ignore[arg-type]
        assert checked.plan is not None
        network, _ = prepared(checked.plan, Store("sqlite:///none"), data.ticks)
        began = time.perf_counter()
        outcome = train_stages(network, checked.plan, data, place, Quiet(), Silent(), *([BETAS] if small else []))
        figures = {key: figure for key, figure in outcome.figures.items() if key.startswith(("test/", "loglik/", "valid/best"))}
        return {"seconds": time.perf_counter() - began, "steps": outcome.steps, "figures": figures}

    places = dict.fromkeys((device, torch.device("cpu")))
    return {f"{name} on {place}": partial(one, name, place) for place in places for name in WHOLE}


def looked_at(device: torch.device) -> Mapping[str, Path]:
    return GALLERY if device.type == "cuda" else {name: GALLERY[name] for name in FEW}


def without_dropout(path: Path) -> tuple[str, ...]:
    checked = check(path.read_text(), path.name)
    assert checked.plan is not None
    names = [op.name for op in checked.plan.ops if op.config.type == "dropout"]
    return tuple(f"nodes.{name}.rate=0.0" for name in names)


def brief(plan: Plan, data: Dataset) -> Plan:
    """The last stage of a plan, with batches that made-up data can fill."""
    assert plan.spec.train is not None
    train = plan.spec.train.model_copy(update={"batch_size": min(8, len(data.train)), "early_stopping": None})
    return replace(plan, spec=plan.spec.at_stage(train))


def endless(learner: Learner[Any]) -> Iterator[Any]:
    """Batches, epoch after epoch."""
    epoch = 0
    while True:
        epoch += 1
        yield from learner.batches(epoch)


SECTIONS = {
    "machine": machine,
    "smoke": smoking,
    "agreement": agreement,
    "reads": reads,
    "cells": cells,
    "precision": precision,
    "whole": whole,
}


def main() -> None:
    name, device = sys.argv[1], torch.device(sys.argv[2])
    torch.set_num_threads(1)  # as a run of nnrun has, if its spec says nothing else
    items = SECTIONS[name](device)
    print(json.dumps({"items": list(items)}), flush=True)
    for item, do in items.items():
        began = time.perf_counter()
        try:
            row = do()
        except Exception as error:  # it is told, and the next items are tried
            row = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps({"item": item, **row, "took": round(time.perf_counter() - began, 2)}), flush=True)


if __name__ == "__main__":
    main()
