"""The same in Lightning, with its logger of MLflow on a store of sqlite: `python lightning_script.py WORK FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import lightning
import networks
import torch
from given import EPOCHS, RATE, loaders
from lightning.pytorch.loggers import MLFlowLogger
from torch import nn


class Classifier(lightning.LightningModule):
    def __init__(self, work: str) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.work, self.network = work, networks.network(work)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        x, y = batch
        loss = nn.functional.cross_entropy(self.network(x), y)
        self.log("train_loss", loss)
        return loss

    def judge(self, batch: Any, part: str) -> None:
        x, y = batch
        scores = self.network(x)
        figures = {f"{part}_loss": nn.functional.cross_entropy(scores, y), f"{part}_accuracy": (scores.argmax(1) == y).float().mean()}
        self.log_dict(figures, batch_size=len(y))

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.judge(batch, "valid")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.judge(batch, "test")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return networks.optimizer(self.work, self, RATE[self.work])


def main(work: str, folder: Path) -> None:
    lightning.seed_everything(0, verbose=False)
    torch.set_num_threads(1)
    parts = loaders(work, folder)
    logger = MLFlowLogger(experiment_name=work, tracking_uri="sqlite:///mlflow.db", log_model=True)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS[work], accelerator="cpu", logger=logger, enable_progress_bar=False, enable_model_summary=False
    )
    network = Classifier(work)
    trainer.fit(network, parts["train"], parts["valid"])
    found = trainer.test(network, parts["test"], verbose=False)[0]
    print(json.dumps({"loss": found["test_loss"], "accuracy": found["test_accuracy"]}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
