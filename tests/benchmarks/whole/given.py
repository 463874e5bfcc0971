"""How a script of torch reads the workloads: for each part the inputs and the labels, as tensors or lists of tensors."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset

PARTS = ("train", "valid", "test")

BATCH = {"cnn": 64, "lstm": 64, "inception": 64, "mlp": 256}

EPOCHS = {"cnn": 20, "lstm": 3, "inception": 2, "mlp": 2}

RATE = {"cnn": 1e-3, "lstm": 1e-3, "inception": 3e-3, "mlp": 1e-3}


class Texts(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Sequences of different length and their labels."""

    def __init__(self, sequences: list[torch.Tensor], labels: torch.Tensor) -> None:
        self.sequences, self.labels = sequences, labels

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.sequences[place], self.labels[place]


def collate(examples: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Padded tokens (B, T) with their lengths (B,), and labels (B,)."""
    sequences, labels = zip(*examples, strict=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return (pad_sequence(list(sequences), batch_first=True), lengths), torch.stack(labels)


def loaders(work: str, folder: Path) -> dict[str, DataLoader[Any]]:
    """Batches of each part; those to learn from in a new order in each epoch."""
    make = collate if work == "lstm" else None
    return {
        part: DataLoader(dataset, batch_size=BATCH[work], shuffle=part == "train", collate_fn=make)
        for part, dataset in READ[work](folder).items()
    }


def cnn(folder: Path) -> dict[str, Dataset[Any]]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    train, valid, test = order[:1437], order[1437:1617], order[1617:]
    return {part: TensorDataset(images[rows], labels[rows]) for part, rows in zip(PARTS, (train, valid, test), strict=True)}


def lstm(folder: Path) -> dict[str, Dataset[Any]]:
    import pandas as pd

    tables = {part: pd.read_csv(folder / f"texts_{part}.csv") for part in PARTS}
    counts = Counter(word for text in tables["train"]["text"] for word in text.split())
    numbers = {word: number for number, (word, _) in enumerate(counts.most_common(5_000), start=2)}  # 0 is padding, 1 unknown
    return {
        part: Texts(
            [torch.tensor([numbers.get(word, 1) for word in text.split()]) for text in table["text"]],
            torch.tensor((table["label"] == "good").to_numpy(dtype="int64")),
        )
        for part, table in tables.items()
    }


def inception(folder: Path) -> dict[str, Dataset[Any]]:
    import numpy as np

    arrays = np.load(folder / "pictures.npz")
    return {
        part: TensorDataset(
            torch.from_numpy(arrays[f"image_{part}"]).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(arrays[f"label_{part}"])
        )
        for part in PARTS
    }


def mlp(folder: Path) -> dict[str, Dataset[Any]]:
    import pandas as pd

    tables = {part: pd.read_csv(folder / f"rows_{part}.csv") for part in PARTS}
    x = {part: torch.tensor(table.drop(columns="label").to_numpy(dtype="float32")) for part, table in tables.items()}
    mean, deviation = x["train"].mean(0), x["train"].std(0)
    return {part: TensorDataset((x[part] - mean) / deviation, torch.tensor(tables[part]["label"].to_numpy())) for part in PARTS}


READ = {"cnn": cnn, "lstm": lstm, "inception": inception, "mlp": mlp}
