"""Meters of torchmetrics. Importing that library takes 0.7 seconds, so only what needs it comes here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from nnrun.registry.modules.meters import Held, Meter


class Library(Meter):
    """A meter of torchmetrics."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        super().__init__()

    def update(self, x: Any, y: Any) -> None:
        self.metric.update(x, y)

    def compute(self) -> Tensor:
        found: Tensor = self.metric.compute()
        return found

    def reset(self) -> None:
        self.metric.reset()

    def to(self, device: torch.device) -> Meter:
        self.metric.to(device)
        return self

    def state(self) -> dict[str, Held]:
        held = {name: getattr(self.metric, name) for name in self.metric._defaults}
        updates = torch.tensor(self.metric._update_count)
        return {"updates": updates} | {name: one.clone() if isinstance(one, Tensor) else list(one) for name, one in held.items()}

    def take(self, state: Mapping[str, Held]) -> None:
        self.metric.reset()
        for name, held in state.items():
            if name != "updates":
                setattr(self.metric, name, held)
        self.metric._update_count = int(state["updates"])  # type: ignore[arg-type]

    def join(self, state: Mapping[str, Held]) -> None:
        if not self.metric._update_count:
            self.take(state)
        elif state["updates"]:
            self.metric.merge_state({name: held for name, held in state.items() if name != "updates"})
