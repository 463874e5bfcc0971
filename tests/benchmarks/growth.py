"""How time grows with the work: ticks of a sequence, nodes in a loop, examples, epochs; ours beside torch.

    taskset -c 0 python tests/benchmarks/growth.py [--json FILE] [--plot FILE] [--only TEXT]

CPU seconds, one thread, medians of turns. The ratio is that of the slopes of straight lines through the points: ours / torch. How far the
points lie off their line is told beside it, as a share of the longest time: growth is linear where that is small.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import peers
import torch
from cells import LSTM, Problem, Size, Step
from loops import alternate
from report import options
from torch import Tensor, nn

from nnrun.runner.engine.pictures.paper import in_rows, png
from nnrun.runner.engine.pictures.plot import Curve, plot

WHOLE = Path(__file__).parent / "whole"
sys.path.insert(0, str(WHOLE))
import made  # noqa: E402

OFF = 0.08
"""How far off a straight line times may lie that grow linearly: they vary by some percent."""


class Growth(NamedTuple):
    """Seconds of both for each size."""

    work: str
    sizes: Sequence[float]
    ours: Sequence[float]
    torch: Sequence[float]


def ticks(rounds: int) -> Growth:
    """An LSTM drawn by its edges beside nn.LSTM."""

    def pair(ticks: int) -> tuple[Step, Step]:
        posed = Problem(Size(32, ticks, 32, 64))
        network = posed.network(LSTM)
        return posed.ours(network), peers.lstm(posed, network)

    return _stepwise("ticks of an LSTM", (50, 100, 200, 400, 800), pair, rounds)


def nodes(rounds: int) -> Growth:
    """A chain of nodes that is a loop, beside the same written as a loop in torch."""

    def pair(count: int) -> tuple[Step, Step]:
        posed = Problem(Size(32, 50, 32, 32))
        names = [*(f"n{number}" for number in range(count - 1)), "h"]
        cell = "\n".join(f"  {name}: {{{{type: linear, units: {{units}}, activation: tanh}}}}" for name in names)
        edges = f"edges:\n  - x, prev(h) -> {' -> '.join(names)}"
        return posed.ours(posed.network(f"{cell}\n{edges}")), _chain(posed, count)

    return _stepwise("nodes in a loop", (2, 4, 8, 16, 32), pair, rounds)


def _chain(posed: Problem, count: int) -> Step:
    units = posed.size.units
    first = nn.Linear(posed.size.inputs + units, units)
    others = nn.ModuleList(nn.Linear(units, units) for _ in range(count - 1))

    def loop() -> Tensor:
        h = posed.x.new_zeros(posed.size.batch, units)
        values = []
        for x in posed.x.unbind():
            h = torch.tanh(first(torch.cat([x, h], dim=1)))
            for other in others:
                h = torch.tanh(other(h))
            values.append(h)
        return torch.stack(values)

    return posed.step(loop, [*first.parameters(), *others.parameters()])


def _stepwise(work: str, sizes: Sequence[int], pair: Callable[[int], tuple[Step, Step]], rounds: int) -> Growth:
    times = []
    for size in sizes:
        ours, theirs = pair(size)
        for _ in range(2):
            ours(), theirs()
        times.append(alternate(ours, theirs, rounds))
    return Growth(work, sizes, *zip(*times, strict=True))


def examples(rounds: int) -> Growth:
    """The loop of the multilayer perceptron, data in memory."""

    def pair(scale: float, folder: Path) -> tuple[float, float]:
        made.write(folder, scale)
        return _loop("nnrun_loop.py", "mlp", folder), _loop("torch_script.py", "mlp", folder)

    scales = (0.25, 0.5, 1.0, 2.0)
    return _runs("examples of a perceptron, 2 epochs", [80_000 * scale for scale in scales], scales, pair, rounds)


def epochs(rounds: int) -> Growth:
    """The loop of the convolutional network."""

    def pair(count: float, folder: Path) -> tuple[float, float]:
        if not (folder / "pictures.npz").exists():
            made.write(folder)
        more = f"{count:.0f}"
        return _loop("nnrun_loop.py", "cnn", folder, f"train.epochs={more}"), _loop("torch_script.py", "cnn", folder, more)

    counts = (5, 10, 20, 40)
    return _runs("epochs of a convolutional network", counts, counts, pair, rounds)


def _runs(
    work: str, sizes: Sequence[float], given: Sequence[float], pair: Callable[[float, Path], tuple[float, float]], rounds: int
) -> Growth:
    times = []
    with tempfile.TemporaryDirectory(prefix="nnrun-growth-") as place:
        folder = Path(place)
        for spec in WHOLE.glob("*.yaml"):
            shutil.copy(spec, folder)
        for one in given:
            taken = [pair(one, folder) for _ in range(max(1, rounds // 5))]
            times.append(tuple(statistics.median(column) for column in zip(*taken, strict=True)))
    return Growth(work, sizes, *zip(*times, strict=True))


def _loop(script: str, work: str, folder: Path, *more: str) -> float:
    """CPU seconds of a training loop in a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, WHOLE / script, work, folder, *more]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return float(json.loads(done.stdout)["loop"])


def line(growth: Growth, times: Sequence[float]) -> tuple[float, float]:
    """The slope of a straight line through the points, and how far they lie off it at most, as a share of the longest time."""
    slope, start = np.polyfit(growth.sizes, times, 1)
    return float(slope), float(np.abs(np.polyval((slope, start), growth.sizes) - times).max() / max(times))


def grown(rounds: int, only: str) -> Iterator[Growth]:
    for measure in (ticks, nodes, examples, epochs):
        if only in measure.__name__:
            yield measure(rounds)


def main() -> None:
    parser = options(__doc__, 15, "a part of ticks, nodes, examples or epochs")
    parser.add_argument("--plot", type=Path, help="a PNG file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows, fields = [], []
    print("| work | sizes | ours, s | torch, s | slopes, ours / torch | off a line, ours and torch | |\n|---|---|---|---|---|---|---|")
    for growth in grown(arguments.rounds, arguments.only):
        (mine, off), (theirs, other) = line(growth, growth.ours), line(growth, growth.torch)
        ours, peer = (" ".join(f"{seconds:.3f}" for seconds in times) for times in (growth.ours, growth.torch))
        said = "" if off <= OFF else "**not linear**"
        sizes = " ".join(f"{size:g}" for size in growth.sizes)
        print(f"| {growth.work} | {sizes} | {ours} | {peer} | {mine / theirs:.2f} | {off:.1%}, {other:.1%} | {said} |", flush=True)
        rows.append({"work": f"slope over {growth.work}", "size": sizes, "ratio": mine / theirs, "limit": 1.0})
        rows.append({"work": f"off a straight line, over {growth.work}", "size": sizes, "ratio": off, "limit": OFF})
        both = (("ours", "#d1603d", growth.ours), ("torch", "#8aa4c8", growth.torch))
        curves = [Curve(list(zip(growth.sizes, times, strict=True)), colour, name, dot=2.5) for name, colour, times in both]
        fields.append(plot(curves, across=growth.work, down="CPU seconds"))
    if arguments.plot is not None and fields:
        arguments.plot.write_bytes(png(in_rows(fields)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
