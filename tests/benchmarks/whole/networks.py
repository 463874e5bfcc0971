"""The four networks as modules of torch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


class LSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5_002, 64, padding_idx=0)
        self.memory = nn.LSTM(64, 128, batch_first=True)
        self.scores = nn.Linear(128, 2)

    def forward(self, given: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        tokens, lengths = given
        packed = pack_padded_sequence(self.embed(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (final, _) = self.memory(packed)
        return self.scores(final[-1])


class Inception(nn.Module):
    def __init__(self, channels: int, one: int, r3: int, three: int, r5: int, five: int, proj: int) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(channels, one, 1), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(channels, r3, 1), nn.ReLU(), nn.Conv2d(r3, three, 3, padding=1), nn.ReLU())
        self.c = nn.Sequential(nn.Conv2d(channels, r5, 1), nn.ReLU(), nn.Conv2d(r5, five, 5, padding=2), nn.ReLU())
        self.d = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(channels, proj, 1), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.a(x), self.b(x), self.c(x), self.d(x)], dim=1)


def inception() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        Inception(16, 16, 16, 24, 16, 16, 16),
        nn.MaxPool2d(2),
        Inception(72, 32, 16, 48, 16, 32, 32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(144, 10),
    )


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


def start(network: nn.Module) -> nn.Module:
    """Gives the weights the start values of Keras, which nnrun takes too: torch's own learn slower here."""
    for module in network.modules():
        match module:
            case nn.Linear() | nn.Conv2d():
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
            case nn.LSTM():
                nn.init.xavier_uniform_(module.weight_ih_l0)
                nn.init.orthogonal_(module.weight_hh_l0)
                nn.init.zeros_(module.bias_ih_l0)
                nn.init.zeros_(module.bias_hh_l0)
                module.bias_ih_l0.data[128:256] = 1
            case nn.Embedding():
                nn.init.uniform_(module.weight, -0.05, 0.05)
    return network


def optimizer(work: str, network: nn.Module, rate: float) -> torch.optim.Optimizer:
    kind = torch.optim.RMSprop if work == "lstm" else torch.optim.Adam
    return kind(network.parameters(), lr=rate)


MADE = {"cnn": cnn, "lstm": LSTM, "inception": inception, "mlp": mlp}


def network(work: str) -> nn.Module:
    return start(MADE[work]())
