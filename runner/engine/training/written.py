"""The metrics of whole texts, of what a network writes rather than of its scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from nnrun.registry.field import Facts
from nnrun.registry.objective import SequenceMetric
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.network.network import Network

if TYPE_CHECKING:
    from nnrun.registry.modules.meters import Meter


class Written:
    """Lets a network write, and judges the texts beside the true ones."""

    def __init__(self, plan: Plan, facts: Mapping[str, Facts]) -> None:
        self.plan, self.facts = plan, facts
        self.meters: dict[str, Meter] = {}
        for metric in plan.metrics:
            if isinstance(metric.config, SequenceMetric):
                self.meters[metric.config.label] = metric.config.build(metric.input_shape.tick, metric.target_shape.tick)

    def judge(
        self, network: Network, part: Part, device: torch.device, name: str, batch_size: int, sheet: Sheet | None = None
    ) -> dict[str, float]:
        """Figures of a part, as `name/exact_match`, and `name/unknown_words`, the share of texts that hold some: what no network with
        this vocabulary can write. On the test part the search of the spec finds the texts, and if that is another
        than the greedy one, `name/greedy_exact_match` tells what it gains; elsewhere the greedy search is enough."""
        decoding = self.plan.decoding
        if decoding is None or not self.meters:
            return {}
        greedy = Decode(max_length=decoding.settings.max_length)
        searches = {f"{name}/": greedy}
        if name == "test" and decoding.settings.search != "greedy":
            searches = {f"{name}/": decoding.settings, f"{name}/greedy_": greedy}
        told = Told(decoding.target, self.plan.fields, self.facts)
        figures = {
            f"{prefix}{label}": figure
            for prefix, settings in searches.items()
            for label, figure in self._judged(
                network, part, told, device, settings, batch_size, sheet if settings == decoding.settings else None
            ).items()
        }
        unknown = told.unknown(part)
        return {**figures, f"{name}/unknown_words": unknown} if unknown else figures

    def judge_same(self, text: str, part: Part) -> dict[str, float]:
        """Figures of somebody who writes the same for every example of a part, by their plain names."""
        if self.plan.decoding is None or not self.meters:
            return {}
        true = Told(self.plan.decoding.target, self.plan.fields, self.facts).true(part, part.rows)
        for meter in self.meters.values():
            meter.update([text] * len(true), true)
        return self._figures()

    def _judged(
        self, network: Network, part: Part, told: Told, device: torch.device, settings: Decode, batch_size: int, sheet: Sheet | None
    ) -> dict[str, float]:
        assert self.plan.decoding is not None
        target = self.plan.decoding.target
        decode, facts = self.plan.fields[target].decode, self.facts[target]
        for rows in part.rows_in_order(batch_size):
            found = generate(network, part.batch(rows).to(device), settings)
            written = [decode(np.array([hypotheses[0].symbols]), facts)[0] for hypotheses in found]
            true = told.true(part, rows)
            if sheet is not None:
                sheet.write(rows, [hypotheses[0] for hypotheses in found])
            for meter in self.meters.values():
                meter.update(written, true)
        return self._figures()

    def _figures(self) -> dict[str, float]:
        """Of all that was counted; then the meters start anew."""
        figures = {label: float(meter.compute()) for label, meter in self.meters.items()}
        for meter in self.meters.values():
            meter.reset()
        return figures
