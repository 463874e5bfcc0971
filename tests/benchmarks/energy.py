"""Speed of energy networks against other programs doing the same work, on one thread.

    python tests/benchmarks/energy.py [--json FILE] [--repeats 5]

Prints a table; a ratio is our time over theirs, the best of the repeats for both, so smaller is better. Work done by both: all updates
of the weights of a restricted Boltzmann machine by persistent contrastive divergence, from the specs' own training function without
estimates and pictures; and the recall of Hopfield patterns, unit by unit, until nothing changes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits

from nnrun.registry.modules.storage import hebbian
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.columns import load_columns
from nnrun.runner.engine.data.dataset import prepare
from nnrun.runner.engine.energy.recall import asynchronous, corrupted
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.fit import fit
from nnrun.runner.engine.training.stages import learner_of
from nnrun.runner.smoke import Quiet

ROOT = Path(__file__).parents[2]
DIGITS = (ROOT / "specs" / "rbm_digits.yaml").read_text()
MNIST = DIGITS.replace("source: digits", "source: mnist_sample").replace("units: 100", "units: 500")

HOPFIELD = """\
nnrun: 1
name: recall
data: {source: random_patterns, size: 1000, fields: {pattern: {type: vector}}}
nodes:
  memory: {type: bipolar_units, bias: false}
edges: [pattern -> memory, memory <-> memory]
train: {learner: hebbian}
"""

FIT_LIMIT, LARGE_LIMIT, RECALL_LIMIT = 0.6, 1.0, 0.1


def best(ours: Callable[[], float], theirs: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Seconds of the fastest of several goes of each, in turn, so that a busy machine slows both."""
    goes = [(ours(), theirs()) for _ in range(repeats)]
    return min(mine for mine, _ in goes), min(other for _, other in goes)


def rbm(text: str, batch: int, epochs: int) -> tuple[Callable[[], float], Callable[[], float]]:
    """Ours and scikit-learn's whole fit on the same examples, with the same updates."""
    settings = [f"train.batch_size={batch}", f"train.epochs={epochs}", "data.split={valid: 0, test: 0}"]
    first = check(text, settings=settings)
    assert first.plan is not None, [finding.headline for finding in first.report]
    spec = first.plan.spec
    assert spec.data is not None
    data = prepare(spec.data, first.plan.fields, load_columns(spec.data, first.plan.fields, Path()), [])
    plan = check(text, settings=settings, facts=data.facts).plan
    assert plan is not None
    pixels = data.train.values["image"][data.train.rows].flatten(1).numpy().astype(np.float32)
    hidden = plan.values["hidden"].axes[0]

    def ours() -> float:
        torch.manual_seed(0)
        network = Network(plan)
        start = time.perf_counter()
        with learner_of(network, plan, data, torch.device("cpu"), betas=0) as learner:
            fit(learner, Quiet(), 10**9)
        return time.perf_counter() - start

    def theirs() -> float:
        model = BernoulliRBM(n_components=hidden, batch_size=batch, learning_rate=0.05, n_iter=epochs, random_state=0)
        start = time.perf_counter()
        model.fit(pixels)
        return time.perf_counter() - start

    return ours, theirs


def recall(cues: int, theirs_cues: int) -> tuple[Callable[[], float], Callable[[], float]]:
    """Seconds a cue: ours on many cues at once, numpy's one unit of one cue after the other. Both end in the same states."""
    plan = check(HOPFIELD).plan
    assert plan is not None
    machine = Network(plan).machines["memory"]
    patterns = torch.randint(0, 2, (100, 1000), generator=torch.Generator().manual_seed(0)).float() * 2 - 1
    weight = hebbian(patterns)
    machine.lateral["memory"].weight.data.copy_(weight)
    given = corrupted(patterns.repeat(cues // 100, 1), 0.1, torch.Generator().manual_seed(1))
    matrix = weight.numpy()
    slack = 1e-5 * float(np.abs(matrix).max())
    ends: dict[str, Any] = {}

    def ours() -> float:
        start = time.perf_counter()
        ends["ours"] = asynchronous(machine, {"memory": given}).states["memory"]
        return (time.perf_counter() - start) / cues

    def theirs() -> float:
        start = time.perf_counter()
        ends["theirs"] = np.stack([one_by_one(matrix, cue, slack) for cue in given[:theirs_cues].numpy()])
        spent = (time.perf_counter() - start) / theirs_cues
        assert np.array_equal(ends["ours"][:theirs_cues].numpy(), ends["theirs"]), "both must recall the same"
        return spent

    return ours, theirs


def one_by_one(weight: np.ndarray, cue: np.ndarray, slack: float) -> np.ndarray:
    state = cue.copy()
    while True:
        before = state.copy()
        for unit in range(len(state)):
            field = weight[unit] @ state
            if abs(field) > slack:
                state[unit] = 1 if field > 0 else -1
        if np.array_equal(before, state):
            return state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    works = [
        ("fit of rbm_digits, batch 10", "64x100, 10 epochs", FIT_LIMIT, rbm(DIGITS, 10, 10)),
        ("fit of rbm_digits, batch 100", "64x100, 10 epochs", FIT_LIMIT, rbm(DIGITS, 100, 10)),
        ("fit of a machine on MNIST, batch 100", "784x500, 2 epochs", LARGE_LIMIT, rbm(MNIST, 100, 2)),
        ("asynchronous Hopfield recall", "N=1000, 500 cues", RECALL_LIMIT, recall(500, 20)),
    ]
    rows = []
    print("| work | size | ours, s | theirs, s | ratio | limit |\n|---|---|---|---|---|---|")
    with threadpool_limits(1):
        for work, size, limit, (ours, theirs) in works:
            mine, other = best(ours, theirs, arguments.repeats)
            rows.append({"work": work, "size": size, "ratio": round(mine / other, 4), "limit": limit})
            print(f"| {work} | {size} | {mine:.4g} | {other:.4g} | **{mine / other:.3f}** | {limit} |", flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
