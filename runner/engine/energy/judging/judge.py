"""What there is to know of a trained energy network, as figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nnrun.runner.engine.energy.gibbs import Draw, Sampler
from nnrun.runner.engine.energy.judging import ais, exact, pseudo
from nnrun.runner.engine.energy.judging.equilibrium import equilibrated
from nnrun.runner.engine.energy.machine import Machine, States

OBJECTIVE = "loglik"
"""What decides which weights are kept; a name without its part. It is exact where that can be known, else annealed."""

LOOKED_AT = 1000
"""Examples that figures are computed from: more cost time and say the same."""

PSEUDO = 1 << 26
"""Most hidden fields that a pseudo-likelihood looks at: one for each example, clamped unit and hidden unit; a quarter of a second."""

WARMING = 200
"""Sweeps from the data on, before chains at other levels join in."""

SWEEP = 15
"""Steps of annealing for each round of sweeps and exchanges that make samples for the way back: both take about as long."""

APART, LEAST = 3, 0.05
"""Standard errors, and nats, by which the two estimates of a log-likelihood may stand in the wrong order."""

DEAD = 0.01
"""A hidden unit whose mean activity over the data is smaller, or nearer to 1, says nothing."""


def crossed(figures: Mapping[str, float]) -> str | None:
    """What is wrong with two estimates of a log-likelihood that stand in the wrong order beyond their errors; else None."""
    upper, lower = (figures.get(f"loglik/{side}", math.nan) for side in ("upper", "lower"))
    error = math.hypot(*(figures.get(f"log_z/{name}", 0.0) for name in ("ais_error", "reverse_error")))
    if not lower - upper > max(APART * error, LEAST):
        return None
    return (
        f"the estimates of the log-likelihood cross: `loglik/upper` is {upper:.2f} and `loglik/lower` {lower:.2f}; "
        "the chains that they are made of do not mix, and neither is to be trusted"
    )


@dataclass
class Judge:
    """Judges a machine by the clamped states of the parts of the data."""

    machine: Machine
    train: States
    valid: States | None
    draw: Draw

    def __post_init__(self) -> None:
        self.countable = exact.is_countable(self.machine) and exact.is_countable(self.machine, self.machine.net.fed)
        self.pseudo = pseudo.is_known(self.machine)
        first = {name: state[:LOOKED_AT] for name, state in self.train.items()}
        self.parts = {"train": first, **({"valid": {n: s[:LOOKED_AT] for n, s in self.valid.items()}} if self.valid else {})}
        fields = [sum(self.machine.groups[n].size for n in self.machine.groups if (n in self.train) == held) for held in (True, False)]
        self.pseudo_rows = max(10, PSEUDO // max(1, fields[0] * fields[1]))
        self.base = {
            name: group.field_of(self.train[name].mean(0)) if name in self.train else torch.zeros_like(group.origin).expand(group.size)
            for name, group in self.machine.groups.items()
        }

    @torch.no_grad()
    def cheap(self, chains: Mapping[str, Tensor]) -> dict[str, float]:
        """All that costs about as much as a pass over the data."""
        figures: dict[str, float] = {}
        mass = {part: self.log_mass(given) for part, given in self.parts.items()}
        figures |= {f"free_energy/{part}": -float(value.mean()) for part, value in mass.items()}
        if "valid" in mass:
            figures["free_energy/gap"] = figures["free_energy/valid"] - figures["free_energy/train"]
        given = self.parts["train"]
        held = self.machine.mean_field(given)
        figures["energy/data"] = float(self.machine.energy(held).mean())
        figures["energy/model"] = float(self.machine.energy(chains).mean())
        figures["energy/gap"] = figures["energy/data"] - figures["energy/model"]
        hidden = [state.abs() for name, state in held.items() if name not in given]
        if hidden:
            activity = torch.cat([state.mean(0) for state in hidden])
            figures["hidden/mean_activity"] = float(activity.mean())
            figures["hidden/dead"] = float(((activity < DEAD) | (activity > 1 - DEAD)).float().mean())
            figures["recon/mse"] = self.reconstruction_error(given, held)
        if self.pseudo:
            figures |= {f"{part}/pseudo_likelihood": self.pseudo_likelihood(given) for part, given in self.parts.items()}
            figures["pseudo_likelihood"] = figures.get("valid/pseudo_likelihood", figures["train/pseudo_likelihood"])
        if self.countable:
            log_z = float(exact.log_partition(self.machine))
            figures["log_z/exact"] = log_z
            figures |= {f"{part}/loglik": float(value.mean()) - log_z for part, value in mass.items()}
            figures["loglik/exact"] = figures.get("valid/loglik", figures["train/loglik"])
        return figures

    @torch.no_grad()
    def annealed(self, betas: int, count: int) -> dict[str, float]:
        """log Z from below and from above in `betas` steps of `count` chains, and the log-likelihood between them."""
        up = ais.forward(self.machine, self.base, self.draw, betas, count)
        samples = equilibrated(self.machine, self.base, self.draw, max(1, betas // SWEEP), self.samples(count))
        down = ais.reverse(self.machine, self.base, self.draw, betas, samples)
        mass = {part: float(self.log_mass(given).mean()) for part, given in self.parts.items()}
        judged = mass.get("valid", mass["train"])
        figures = {
            "log_z/ais": up.log_z,
            "log_z/ais_error": up.error,
            "log_z/ais_effective": up.effective,
            "log_z/reverse": down.log_z,
            "log_z/reverse_error": down.error,
            "log_z/reverse_effective": down.effective,
            "loglik/upper": judged - up.log_z,
            "loglik/lower": judged - down.log_z,
        }
        if not self.countable:
            figures |= {f"{part}/loglik": value - up.log_z for part, value in mass.items()}
        return {name: figure for name, figure in figures.items() if math.isfinite(figure)}

    @torch.no_grad()
    def tested(self, given: States, log_z: float | None) -> dict[str, float]:
        """Figures of the test part, beside those of units that are independent with the means of the training part."""
        figures = {}
        if self.countable:
            log_z = float(exact.log_partition(self.machine))
        if self.pseudo:
            figures["test/pseudo_likelihood"] = self.pseudo_likelihood(given)
        if log_z is not None:
            figures["test/loglik"] = float(self.log_mass(given).mean()) - log_z
        alone = 0.0
        for name, state in given.items():
            group, base = self.machine.groups[name], self.base[name]
            alone += float((state @ base - group.quadratic(state)).mean() - group.log_normaliser(base.unsqueeze(0)))
        figures |= {name.replace("/", "/baseline_"): alone for name in figures}
        return figures

    def pseudo_likelihood(self, given: States) -> float:
        """Mean over as many examples as are cheap enough."""
        some = {name: state[: self.pseudo_rows] for name, state in given.items()}
        return float(pseudo.pseudo_likelihood(self.machine, some).mean())

    def log_mass(self, given: Mapping[str, Tensor]) -> Tensor:
        """log of the mass of clamped states; a lower bound where hidden groups depend on each other and are too many -> (B,)."""
        if self.countable:
            return exact.log_mass(self.machine, given)
        return self.machine.bound(given, self.machine.mean_field(given))

    def reconstruction_error(self, given: Mapping[str, Tensor], held: Mapping[str, Tensor]) -> float:
        """Mean square of what is lost when the data is made again from the means of the hidden units. It is no objective."""
        again = {name: self.machine.groups[name].mean(self.machine.field(name, held)) for name in given}
        return float(torch.cat([(again[name] - state).square().flatten() for name, state in given.items()]).mean())

    def samples(self, count: int) -> States:
        """Samples by a long walk from the data."""
        given = {name: state[:count] for name, state in self.train.items()}
        sampler = Sampler(self.machine, self.draw)
        states = {**sampler.begin(len(next(iter(given.values())))), **given}
        sampler.sweep(states, self.machine.net.phase(given))
        sampler.sweep(states, self.machine.net.phase(()), sweeps=WARMING)
        return states
