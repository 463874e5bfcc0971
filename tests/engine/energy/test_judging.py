"""Estimates of how likely data is, of machines whose chains do not mix by themselves."""

from __future__ import annotations

import math

import pytest
import torch

from nnrun.runner.engine.energy.judging import exact
from nnrun.runner.engine.energy.judging.equilibrium import equilibrated
from nnrun.runner.engine.energy.judging.judge import Judge, crossed
from nnrun.runner.engine.energy.machine import Machine
from tests.engine.energy.support import machine, rolled

UNITS = {"v": "{type: binary_units}", "h": "{type: binary_units, units: 16}"}


def valleys(depth: float, tilt: float) -> tuple[Machine, torch.Tensor]:
    """A machine of two valleys, all units off or all on, and data that lies in both alike; off is e^tilt times as probable."""
    made = machine(UNITS, ["v <-> h"], size=20)
    coupling = next(iter(made.couplings.values())).weight.data.fill_(depth)
    made.groups["v"].bias.data.fill_(-depth * len(coupling[0]) / 2 - tilt / 20)  # type: ignore[union-attr]
    made.groups["h"].bias.data.fill_(-depth * len(coupling) / 2)  # type: ignore[union-attr]
    data = torch.cat([torch.ones(100, 20), torch.zeros(100, 20)]).double()
    return made, data[torch.randperm(200, generator=torch.Generator().manual_seed(0))]


@pytest.mark.parametrize("tilt", [0.0, 2.0, 4.0])
def test_the_way_back_finds_log_z_though_the_data_lies_in_the_wrong_valley(tilt: float) -> None:
    made, data = valleys(0.5, tilt)
    judge = Judge(made, {"v": data}, None, rolled(1))
    log_z = exact.log_partition(made).item()

    figures = judge.annealed(1500, 100)

    assert abs(figures["log_z/reverse"] - log_z) < 3 * figures["log_z/reverse_error"]
    assert abs(figures["log_z/ais"] - log_z) < 3 * figures["log_z/ais_error"]


def test_chains_that_change_places_choose_valleys_as_the_machine_does() -> None:
    made, data = valleys(0.5, 2.0)
    states = exact.all_states(made, ("h",))
    log_p = torch.log_softmax(made.log_mass(states).detach(), 0)
    wanted = float((log_p.exp() * (states["h"].mean(1) > 0.5)).sum())

    found = equilibrated(made, Judge(made, {"v": data}, None, rolled(2)).base, rolled(3), 200, {"v": data, "h": data[:, :16]})
    (held,) = found.values()

    assert 0.05 < wanted < 0.2  # half of the data lies there
    assert abs(float((held.mean(1) > 0.5).double().mean()) - wanted) < 4 * math.sqrt(wanted / 200)


def test_estimates_that_cross_beyond_their_errors_are_told() -> None:
    errors = {"log_z/ais_error": 0.03, "log_z/reverse_error": 0.04}  # together 0.05

    assert crossed({"loglik/upper": -80.0, "loglik/lower": -80.1, **errors}) is None
    assert crossed({"loglik/upper": -80.0, "loglik/lower": -79.86, **errors}) is None
    assert crossed({"loglik/upper": -80.0, "loglik/lower": -76.0, **errors}) == (
        "the estimates of the log-likelihood cross: `loglik/upper` is -80.00 and `loglik/lower` -76.00; the chains that they are "
        "made of do not mix, and neither is to be trusted"
    )
    assert crossed({}) is None
