"""What no way to train a workload can do without: `python floor.py WORK FOLDER`.

The kernels of its steps alone: forward, backward and torch's fused optimizer on one batch, channels last where there are any, and the
validation of each epoch. Of an LSTM only its matrix products, those of all ticks of a batch in one piece, by the faster library.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import networks
import torch
from given import BATCH, EPOCHS, RATE, READ, Texts
from torch import nn
from torch.utils.data import TensorDataset

from nnrun.registry.modules.optimizers import lean
from nnrun.registry.modules.products import linear, transposed_product
from nnrun.runner.allocator import keep_memory


def products(rows: int) -> None:
    """Those of an LSTM of 64 inputs and 128 units on so many ticks of all examples: forward, to the inputs, and to the weights."""
    gradient = torch.ones(rows, 512)
    for read, weight in ((torch.ones(rows, 64), torch.ones(512, 64)), (torch.ones(rows, 128), torch.ones(512, 128))):
        linear(read, weight)
        linear(gradient, weight.t())
        transposed_product(gradient, read)


def lstm(parts: dict[str, Texts]) -> None:
    """As many ticks as there are tokens, in batches of 64 examples."""
    tokens = sum(map(len, parts["train"].sequences))
    steps = -(-len(parts["train"]) // BATCH["lstm"]) * EPOCHS["lstm"]
    for _ in range(steps):
        products(EPOCHS["lstm"] * tokens // steps)


def steps(work: str, parts: dict[str, TensorDataset]) -> None:
    """The same network and batch, as often as the training has steps and evaluations."""
    size, network = BATCH[work], networks.network(work)
    x, y = (tensor[:size] for tensor in parts["train"].tensors)
    if x.ndim == 4:
        network, x = network.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optimizer = lean("Adam", network.parameters(), lr=RATE[work], fused=True)
    for _ in range(EPOCHS[work]):
        for _ in range(-(-len(parts["train"]) // size)):
            for parameter in network.parameters():
                parameter.grad = None
            nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            for _ in range(-(-len(parts["valid"]) // size)):
                network(x)


def main(work: str, folder: Path) -> None:
    torch.set_num_threads(1)
    keep_memory()
    parts = READ[work](folder)
    before = time.process_time()
    if work == "lstm":
        lstm(parts)  # type: ignore[arg-type]
    else:
        steps(work, parts)  # type: ignore[arg-type]
    print(json.dumps({"loop": time.process_time() - before}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
