"""Beam search: a batch beside one sentence at a time, and beside a search written by hand in torch on the same weights.

    taskset -c 0 python tests/benchmarks/decoding.py [--json FILE] [--sentences 1000] [--alone 100]

One thread, medians of CPU time in turns. The network is that of `specs/translate_numbers.yaml`, trained for a moment so that sentences
end; a speed-up is turned over: ours / peer, smaller is better. One at a time is measured on fewer sentences and compared by sentence.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from nnrun.registry.data.tokens import BEGIN, END, PADDING
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.data.columns import load_columns
from nnrun.runner.engine.data.dataset import prepare
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.backprop import Backprop
from nnrun.runner.engine.training.fit import fit
from nnrun.runner.smoke import Quiet

ROOT = Path(__file__).parents[2]
ROUNDS = 5


def trained(steps: int) -> tuple[Network, Batch]:
    """A network of the gallery, and all sentences of its test part."""
    path = ROOT / "specs" / "translate_numbers.yaml"
    settings = [f"train.steps={steps}", "train.epochs=null"]
    first = check(path.read_text(), str(path), settings=settings)
    assert first.plan is not None
    assert first.plan.spec.data is not None
    data = prepare(first.plan.spec.data, first.plan.fields, load_columns(first.plan.spec.data, first.plan.fields, path.parent), ["french"])
    plan = check(path.read_text(), str(path), settings=settings, facts=data.facts).plan
    assert plan is not None
    assert plan.spec.train is not None
    torch.manual_seed(0)
    network, cpu = Network(plan), torch.device("cpu")
    quick = replace(plan, spec=plan.spec.at_stage(plan.spec.train.model_copy(update={"evaluate_every": steps})))
    assert data.test is not None
    fit(Backprop(network, quick, replace(data, valid=None, test=None), cpu), Quiet(), steps)
    return network.eval(), data.test.batch(data.test.rows)


@torch.inference_mode()
def by_hand(network: Network, batch: Batch, width: int, longest: int, penalty: float) -> list[list[int]]:
    """A batched beam search as people write it, on the modules of the network."""
    run = network.runs
    source, lengths = batch.values["english"], batch.lengths["english"]
    count = source.shape[1]
    memory, state = run["encoder"](run["read"](source), lengths=lengths)
    memory, spread = memory.repeat_interleave(width, 1), lengths.repeat_interleave(width)
    state = state.repeat_interleave(width, 0)
    symbols = torch.full((count * width,), BEGIN)
    total = torch.full((count, width), float("-inf"))
    total[:, 0] = 0
    written = torch.empty(count, width, 0, dtype=torch.long)
    ended = torch.zeros(count, width, dtype=torch.bool)
    taken = torch.ones(count, width)
    for _ in range(longest):
        y, state = run["decoder"](run["write"](symbols).unsqueeze(0), initial=state)
        looked = run["look"](query=y, memory=memory, memory_lengths=spread)
        scores = run["scores"](run["drop"](run["both"](y, looked)))[0].view(count, width, -1)
        scores[..., [PADDING, BEGIN]] = float("-inf")
        log_p = F.log_softmax(scores, -1)
        only_end = torch.full_like(log_p, float("-inf"))
        only_end[..., PADDING] = 0
        log_p = torch.where(ended.unsqueeze(2), only_end, log_p)
        length = torch.where(ended, taken, taken + 1).unsqueeze(2)
        ranked = (total.unsqueeze(2) + log_p) / ((5 + length) / 6) ** penalty
        _, best = ranked.view(count, -1).topk(width)
        parents, chosen = best // log_p.shape[2], best % log_p.shape[2]
        total = (total.unsqueeze(2) + log_p).view(count, -1).gather(1, best)
        written = torch.cat([written.gather(1, parents.unsqueeze(2).expand(-1, -1, written.shape[2])), chosen.unsqueeze(2)], 2)
        taken = torch.where(ended, taken, taken + 1).gather(1, parents)
        ended = ended.gather(1, parents) | (chosen == END)
        rows = (torch.arange(count).unsqueeze(1) * width + parents).flatten()
        state, symbols = state[rows], chosen.flatten()
        if bool(ended.all()):
            break
    return [[symbol for symbol in row if symbol not in (END, PADDING)] for row in written[:, 0].tolist()]


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def some(batch: Batch, rows: Tensor) -> Batch:
    lengths = {axis: length[rows] for axis, length in batch.lengths.items()}
    return Batch({name: value[: int(lengths[name].max()), rows] for name, value in batch.values.items()}, lengths, len(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--alone", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    network, whole = trained(300)
    batch = some(whole, torch.arange(options.sentences) % whole.count)
    ones = [some(batch, torch.tensor([row])) for row in range(options.alone)]
    settings = Decode(search="beam", width=8, length_penalty=0.6, max_length=20)
    mine = [list(hypotheses[0].symbols) for hypotheses in generate(network, batch, settings)]
    theirs = by_hand(network, batch, 8, 20, 0.6)
    agree = sum(a == b for a, b in zip(mine, theirs, strict=True)) / len(mine)
    works: dict[str, tuple[Callable[[], object], float]] = {
        "ours": (lambda: generate(network, batch, settings), len(mine)),
        "one at a time": (lambda: [generate(network, one, settings) for one in ones], len(ones)),
        "by hand": (lambda: by_hand(network, batch, 8, 20, 0.6), len(mine)),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, (work, count) in works.items():
            times[name].append(seconds(work) / count)
    each = {name: statistics.median(found) for name, found in times.items()}
    size = f"{options.sentences} sentences, width 8"
    rows = [
        {"work": "batched beam / one sentence at a time", "size": size, "ratio": each["ours"] / each["one at a time"], "limit": 1 / 20},
        {"work": "batched beam / beam search by hand in torch", "size": size, "ratio": each["ours"] / each["by hand"], "limit": 1.0},
    ]
    for name, time_each in each.items():
        print(f"{name:<15} {time_each * 1e3:8.3f} ms a sentence")
    for row in rows:
        print(f"{row['work']:<45} {row['ratio']:.4f}   at most {row['limit']:.4f}")
    print(f"the same sentence as by hand: {agree:.3f}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
