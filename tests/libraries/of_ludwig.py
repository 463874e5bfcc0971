"""What the configurations of Ludwig mean, as PyTorch: Ludwig's encoders are made of its modules, in this order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn


def dense(*sizes: int) -> list[nn.Module]:
    """Layers as they stand in a combiner, or behind the convolutions of an encoder."""
    return [part for below, above in pairwise(sizes) for part in (nn.Linear(below, above), nn.ReLU())]


class Towers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(260, 12)
        self.towers = nn.ModuleList(nn.Conv1d(12, 4, width, padding="same") for width in (1, 3, 5))
        self.scores = nn.Sequential(*dense(12, 16), nn.Linear(16, 3))

    def forward(self, text: Tensor) -> Tensor:
        x = self.embed(text).transpose(1, 2)
        found: Tensor = self.scores(torch.cat([tower(x).relu() for tower in self.towers], 1).amax(2))
        return found


class Reader(nn.Module):
    def __init__(self, memory: nn.RNNBase, reduced: Callable[[Tensor], Tensor], read: int, said: int) -> None:
        super().__init__()
        self.embed, self.memory, self.reduced, self.said = nn.Embedding(260, 12), memory, reduced, nn.Linear(read, said)

    def forward(self, text: Tensor) -> Tensor:
        found: Tensor = self.said(self.reduced(self.memory(self.embed(text))[0]))
        return found


class Twins(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.see, self.alike = nn.Sequential(nn.Linear(8, 16), nn.Tanh()), nn.Linear(32, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        found: Tensor = self.alike(torch.cat([self.see(one), self.see(other)], 1))
        return found


class Table(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vector, self.price = nn.Embedding(5, 4), nn.Sequential(*dense(5, 16, 8), nn.Linear(8, 1))

    def forward(self, size: Tensor, colour: Tensor) -> Tensor:
        found: Tensor = self.price(torch.cat([size[:, None], self.vector(colour)], 1))
        return found


MEANT: Mapping[str, Callable[[], nn.Module]] = {
    "A multilayer perceptron": lambda: nn.Sequential(*dense(8, 16), nn.Linear(16, 3)),
    "With dropout and batch normalization": lambda: nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3)
    ),
    "A convolutional network": lambda: nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *dense(64, 20),
        nn.Linear(20, 3),
    ),
    "With padding, a stride and pooling that overlaps": lambda: nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding="same"), nn.ReLU(), nn.AvgPool2d(3, 2)),
        *(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()),
        *dense(256, 20),
        nn.Linear(20, 3),
    ),
    "Towers over a text": Towers,
    "Convolutions of single pixels, and a depthwise one": lambda: nn.Sequential(
        *(nn.Conv2d(3, 3, 3, padding="same", groups=3), nn.ReLU()),
        *(nn.Conv2d(3, 12, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *dense(108, 20),
        nn.Linear(20, 3),
    ),
    "An LSTM that reads a text": lambda: Reader(nn.LSTM(12, 16, batch_first=True), lambda y: y[:, -1], 16, 3),
    "A GRU from both ends": lambda: Reader(nn.GRU(12, 8, 2, batch_first=True, bidirectional=True), lambda y: y.mean(1), 16, 1),
    "An answer at each tick": lambda: Reader(nn.LSTM(12, 8, batch_first=True), lambda y: y, 8, 3),
    "Two inputs, one set of weights": Twins,
    "An autoencoder": lambda: nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 8)),
    "A table of several kinds": Table,
}
"""By the titles of the page."""
