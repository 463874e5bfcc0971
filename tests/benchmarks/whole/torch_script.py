"""A workload as most people write it in torch, without tracking: `python torch_script.py WORK FOLDER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import networks
import torch
from given import EPOCHS, RATE, loaders
from torch import nn
from torch.utils.data import DataLoader


def judge(network: nn.Module, loader: DataLoader[Any], loss_of: nn.Module) -> tuple[float, float]:
    network.eval()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            scores = network(x)
            loss += loss_of(scores, y).item() * len(y)
            right += (scores.argmax(1) == y).sum().item()
            count += len(y)
    network.train()
    return loss / count, right / count


def main(work: str, folder: Path, epochs: int) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    parts = loaders(work, folder)
    network = networks.network(work)
    optimizing, loss_of = networks.optimizer(work, network, RATE[work]), nn.CrossEntropyLoss()
    before = time.process_time()
    for epoch in range(epochs):
        total, count = 0.0, 0
        for x, y in parts["train"]:
            optimizing.zero_grad()
            loss = loss_of(network(x), y)
            loss.backward()
            optimizing.step()
            total += loss.item() * len(y)
            count += len(y)
        loss_now, accuracy = judge(network, parts["valid"], loss_of)
        print(f"epoch {epoch + 1}: train loss {total / count:.4f}, valid loss {loss_now:.4f}, accuracy {accuracy:.4f}", file=sys.stderr)
    loop = time.process_time() - before
    loss_now, accuracy = judge(network, parts["test"], loss_of)
    print(json.dumps({"loop": loop, "loss": loss_now, "accuracy": accuracy}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else EPOCHS[sys.argv[1]])
