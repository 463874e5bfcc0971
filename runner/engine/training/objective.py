"""What a network is judged by: its losses, added up, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nnrun.registry.field import DataError, Facts
from nnrun.registry.modules.losses import Weighted
from nnrun.registry.objective import Loss, Metric, SequenceMetric, TickMetric
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.data.compared import Ticks, compared
from nnrun.runner.engine.world.world import ALONE, World, on

if TYPE_CHECKING:
    from nnrun.registry.modules.meters import Meter

TINY = 1e-30
"""In the place of a weight of 0."""

GATHERED = 1 << 20
"""Numbers that are collected before meters count them: counting costs a millisecond, however few they are."""


class Losses(nn.Module):
    """The losses of a plan. What a batch gives is (sum, weight) of each, so that means over batches are exact."""

    def __init__(self, plan: Plan, facts: Mapping[str, Facts]) -> None:
        super().__init__()
        self.comparisons = plan.losses
        self.may_lack = any(may_lack(plan, loss.target) or loss.weights is not None for loss in plan.losses)
        """Whether a batch may have nothing that counts."""
        self.wanted = _compared_values(plan.losses)
        self.factors: list[float] = []
        self.parts = nn.ModuleList()
        self.labels = plan.loss_labels
        self.reads = [compared(loss) for loss in plan.losses]
        for loss in plan.losses:
            assert isinstance(loss.config, Loss)
            self.factors.append(loss.config.weight)
            part = loss.config.build(loss.input_shape.tick, loss.target_shape.tick, target_facts(loss, facts))
            self.parts.append(part if loss.weights is None else Weighted(part))

    def sums(self, values: Mapping[str, Tensor], batch: Batch) -> list[tuple[Tensor, Tensor]]:
        """(sum, weight) of each loss over the real ticks."""
        pairs = zip(self.parts, self.reads, strict=True)
        return [part(*read.pair(values, batch), *read.weighing(batch)) for part, read in pairs]

    def weights(self, batch: Batch) -> Tensor:
        """The weight of each loss, which the data alone tells, (losses,)."""
        pairs = zip(self.parts, self.reads, strict=True)
        return torch.stack([part.weight(read.target(batch), *read.weighing(batch)) for part, read in pairs])  # type: ignore[operator]

    def check(self, batch: Batch) -> None:
        """Raises: DataError if a loss is no number for its targets are none that it takes."""
        for part, read in zip(self.parts, self.reads, strict=True):
            if (check := getattr(part, "check", None)) is not None:
                check(read.target(batch))

    def each(self, values: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor] | None:
        """(sum, weight) of each example, (B,) and (B,), where there is one loss and it can tell; else None."""
        each = getattr(self.parts[0], "each", None)
        if len(self.parts) != 1 or each is None:
            return None
        (read,) = self.reads
        sums, weights = each(*read.pair(values, batch), *read.weighing(batch))
        return read.by_example(sums, weights, batch)

    def means(self, sums: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Each loss by itself. One whose targets are all missing, or count nothing, is 0."""
        if self.may_lack:
            sums = [(total, weight.clamp_min(TINY)) for total, weight in sums]
        return [total / weight for total, weight in sums]

    def total(self, means: Sequence[Tensor]) -> Tensor:
        """The figure that is minimised."""
        terms = [factor * mean if factor != 1 else mean for factor, mean in zip(self.factors, means, strict=True)]
        return torch.stack(terms).sum() if len(terms) > 1 else terms[0]

    def told(self, means: Sequence[Tensor]) -> Tensor:
        """What is logged: the figure that is minimised and, where there are several, each of the losses, (1 + losses,) or (1,)."""
        each = [mean.detach() for mean in means] if self.labels else []
        return torch.stack([self.total(means).detach(), *each])

    def figures(self, told: Sequence[float]) -> dict[str, float]:
        """The same by name."""
        return dict(zip(("loss", *self.labels), told, strict=True))


class Meters:
    """The metrics of a plan over the batches of a part."""

    def __init__(self, plan: Plan, facts: Mapping[str, Facts], device: torch.device) -> None:
        self.device = device
        metrics = tuple(metric for metric in plan.metrics if not isinstance(metric.config, SequenceMetric))  # `written.py` has those
        self.wanted = _compared_values(metrics)
        self.pairs: dict[tuple[str, str, bool], _Pair] = {}
        self.meters: dict[str, Meter] = {}
        for metric in metrics:
            assert isinstance(metric.config, Metric)
            meter = metric.config.build(metric.input_shape.tick, metric.target_shape.tick).to(device)
            in_order = isinstance(metric.config, TickMetric)
            made = (_InOrder if in_order else _Pair)(metric, target_facts(metric, facts))
            pair = self.pairs.setdefault((metric.input, metric.target, in_order), made)
            pair.meters.append((metric.config, meter))
            self.meters[metric.config.label] = meter

    def update(self, values: Mapping[str, Tensor], batch: Batch) -> None:
        """Count a batch."""
        for pair in self.pairs.values():
            pair.gather(values, batch)

    def compute(self, world: World = ALONE) -> dict[str, float]:
        """Figures of all that was counted, by all processes, by label; then starts anew."""
        for pair in self.pairs.values():
            pair.count()
        self._join(world)
        figures = {label: float(meter.compute()) for label, meter in self.meters.items()}
        self.forget()
        return figures

    def _join(self, world: World) -> None:
        """Count what the other processes counted."""
        first, *others = world.gathered({label: meter.state() for label, meter in self.meters.items()})
        for label, meter in self.meters.items() if others else ():
            meter.take(on(self.device, first[label]))
            for other in others:
                meter.join(on(self.device, other[label]))

    def state(self, world: World = ALONE) -> dict[str, Any]:
        """What was counted so far, and what still waits to be: added up in another order, sums would differ in their last bits.

        Of many processes, what all have counted, with nothing waiting.
        """
        if not world.is_alone:
            mine = self.state()
            for pair in self.pairs.values():
                pair.count()
            self._join(world)
            whole = self.state()
            self.take(mine)
            return whole
        return {
            "counted": {label: meter.state() for label, meter in self.meters.items()},
            "waiting": [list(pair.waiting) for pair in self.pairs.values()],
        }

    def forget(self) -> None:
        """Start anew."""
        for meter in self.meters.values():
            meter.reset()
        for pair in self.pairs.values():
            pair.waiting.clear()
            pair.held = 0

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        for label, meter in self.meters.items():
            meter.take(state["counted"][label])
        for pair, waiting in zip(self.pairs.values(), state["waiting"], strict=True):
            pair.waiting = list(waiting)
            pair.held = sum(input.numel() for input, *_ in pair.waiting)


@dataclass
class _Pair:
    """Two values and the meters that compare them. Batches wait here until there are enough of them to be counted."""

    comparison: Comparison
    facts: Facts
    meters: list[tuple[Metric, Meter]] = field(default_factory=list)
    waiting: list[tuple[Tensor, ...]] = field(default_factory=list)
    held: int = 0

    def taken(self, values: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, ...]:
        """What is compared of a batch."""
        return Ticks(self.comparison).pair(values, batch)

    def gather(self, values: Mapping[str, Tensor], batch: Batch) -> None:
        taken = tuple(value.detach() for value in self.taken(values, batch))
        self.waiting.append(taken)
        self.held += taken[0].numel()
        if self.held > GATHERED:
            self.count()

    def count(self) -> None:
        if self.waiting:
            input, target, *first = (torch.cat(parts) for parts in zip(*self.waiting, strict=True))
            for metric, meter in self.meters:
                try:
                    meter.update(*metric.prepare(input, target, self.facts, *first))
                except DataError as error:
                    what = f"the metric `{metric.type_name()}` cannot judge `{self.comparison.target}`: {error.message}"
                    raise DataError(what, error.help).blaming("metrics") from None
            self.waiting.clear()
            self.held = 0


class _InOrder(_Pair):
    """The same for meters that see the ticks of an example together."""

    def taken(self, values: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, ...]:
        """Input and target example by example, and which ticks are the first of theirs."""
        input, target = Ticks(self.comparison).pair(values, batch)
        places = batch.judged(self.comparison.target, self.comparison.input_shape.time)
        owner = (torch.arange(len(target), device=target.device) if places is None else places) % batch.count
        owner, order = owner.sort(stable=True)
        first = torch.ones_like(owner, dtype=torch.bool)
        first[1:] = owner[1:] != owner[:-1]
        return input[order], target[order], first


def may_lack(plan: Plan, target: str) -> bool:
    """Whether some examples may be without a target."""
    return getattr(plan.fields.get(target.partition(".")[0]), "missing", "refuse") != "refuse"


def target_facts(comparison: Comparison, facts: Mapping[str, Facts]) -> Facts:
    """What the training data taught about the field that is compared with."""
    return facts.get(comparison.target.partition(".")[0], {})


def _compared_values(comparisons: tuple[Comparison, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in comparisons for name in (one.input, one.target)))
