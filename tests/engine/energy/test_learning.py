"""The gradient of contrastive divergence: right against exact likelihoods, and the same however the network is written."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.runner.engine.energy.contrast import Contrast
from nnrun.runner.engine.energy.gibbs import Sampler
from nnrun.runner.engine.energy.judging import exact
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.energy.moments import Moments
from nnrun.runner.engine.energy.restricted import Restricted
from nnrun.runner.engine.energy.tempering import Tempered
from tests.engine.energy.support import GENERAL, HIDDEN, RBM, SEMI, VISIBLE, fresh, machine, rolled

GROUPS = {**VISIBLE, **HIDDEN}
DATA = torch.tensor([[1.0, 0, 1, 0], [0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]], dtype=torch.float64)


def learner(**options: Any) -> ContrastiveDivergence:
    return ContrastiveDivergence.model_validate({"type": "contrastive_divergence", **options})


def exact_gradient(made: Machine) -> dict[str, Tensor]:
    """Of the mean negative log-likelihood of the data."""
    for parameter in made.parameters().values():
        parameter.grad = None
    (-exact.log_likelihood(made, {"v": DATA}).mean()).backward()  # type: ignore[no-untyped-call]
    return {name: parameter.grad.clone() for name, parameter in made.parameters().items() if parameter.grad is not None}


def written(made: Machine, contrast: Contrast | Restricted, data: Tensor = DATA) -> dict[str, Tensor]:
    contrast.write_gradient({"v": data})
    return {name: parameter.grad.clone() for name, parameter in made.parameters().items() if parameter.grad is not None}


@pytest.mark.parametrize("edges", [RBM, SEMI, [*GENERAL, "v <-> v"]], ids=["restricted", "semi", "general"])
def test_the_sampled_gradient_is_the_exact_one_within_its_error(edges: list[str]) -> None:
    made, chains = machine(GROUPS, edges, strength=0.7), 20_000
    options = learner(persistent=True, chains=chains, steps=40, centred=False, data_phase="sample", data_sweeps=30)

    found = written(made, Contrast(made, options, fresh(), chains), DATA.repeat(chains // 4, 1))

    for name, gradient in exact_gradient(made).items():
        assert (found[name] - gradient).abs().max() < 3 * math.sqrt(0.5 / chains), name


def test_the_centred_gradient_is_that_of_centred_weights() -> None:
    """With W the same and biases b - W m, the energy is that of states around their means; its plain gradient is the centred one."""
    made = machine(GROUPS, RBM)
    contrast = Contrast(made, learner(centred=True), fresh(), 4)
    v, h = torch.rand(6, 4, dtype=torch.float64), torch.rand(6, 3, dtype=torch.float64)
    m, n = torch.rand(4, dtype=torch.float64), torch.rand(3, dtype=torch.float64)
    contrast.offsets.means = {"v": m, "h": n}
    difference = Moments.of(made, {"v": v[:3], "h": h[:3]}) - Moments.of(made, {"v": v[3:], "h": h[3:]})

    found = contrast.offsets.centred(difference)

    product = ((v[:3] - m).T @ (h[:3] - n) - (v[3:] - m).T @ (h[3:] - n)) / 3
    torch.testing.assert_close(found.products["v--h"], product)
    torch.testing.assert_close(found.means["v"], v[:3].mean(0) - v[3:].mean(0) - product @ n)
    torch.testing.assert_close(found.means["h"], h[:3].mean(0) - h[3:].mean(0) - m @ product)


def same_weights(source: Machine, target: Machine) -> None:
    """Give a machine of groups v (4) and h (3) the weights of another that is written otherwise."""
    weight, v, h = source.couplings["v--h"].weight.data, source.groups["v"].bias, source.groups["h"].bias
    assert v is not None
    assert h is not None
    for parameter in target.parameters().values():
        parameter.data.zero_()
    if "v--h" in target.couplings:
        target.couplings["v--h"].weight.data.copy_(weight)
        target.groups["v"].bias.data.copy_(v.data)  # type: ignore[union-attr]
        target.groups["h"].bias.data.copy_(h.data)  # type: ignore[union-attr]


@pytest.mark.parametrize("edges", [["v <-> h", "h <-> g"], ["h <-> v"]], ids=["deep with an empty layer", "turned round"])
def test_the_same_network_written_otherwise_has_equal_gradients(edges: list[str]) -> None:
    one = machine(GROUPS, RBM)
    other = machine({**GROUPS, **({"g": "{type: binary_units, units: 2}"} if len(edges) > 1 else {})}, edges)
    same_weights(one, other)
    if "h--v" in other.couplings:
        other.couplings["h--v"].weight.data.copy_(one.couplings["v--h"].weight.data.T)
        other.groups["v"].bias.data.copy_(one.groups["v"].bias.data)  # type: ignore[union-attr]
        other.groups["h"].bias.data.copy_(one.groups["h"].bias.data)  # type: ignore[union-attr]
    g = torch.zeros(len(DATA), 2, dtype=torch.float64)
    states = one.mean_field({"v": DATA})

    torch.testing.assert_close(one.energy(states), other.energy({**states, **({"g": g} if "g" in other.groups else {})}))
    assert exact.log_likelihood(one, {"v": DATA}).tolist() == pytest.approx(exact.log_likelihood(other, {"v": DATA}).tolist())
    first, second = exact_gradient(one), exact_gradient(other)
    found = second["v--h.weight"] if "v--h.weight" in second else second["h--v.weight"].T
    torch.testing.assert_close(first["v--h.weight"], found)
    torch.testing.assert_close(first["v.bias"], second["v.bias"])


def test_a_restricted_machine_is_a_masked_general_one() -> None:
    """One group of seven units, with only the pairs coupled that the restricted one couples: equal energies, gradients and samples."""
    rbm = machine(GROUPS, RBM)
    general = machine({"v": "{type: binary_units}"}, ["v <-> v"], size=7)
    coupling = general.couplings["v--v"]
    weight = torch.zeros(7, 7, dtype=torch.float64)
    weight[:4, 4:] = rbm.couplings["v--h"].weight.data
    coupling.weight.data = weight + weight.T
    general.groups["v"].bias.data = torch.cat([rbm.groups["v"].bias.data, rbm.groups["h"].bias.data])  # type: ignore[union-attr]
    states, _ = exact.distribution(rbm)
    joined = torch.cat([states["v"], states["h"]], 1)
    numbers = torch.rand(joined.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(rbm.energy(states), general.energy({"v": joined}))
    torch.testing.assert_close(exact.log_partition(rbm), exact.log_partition(general))
    (gradient,) = torch.autograd.grad(exact.log_partition(rbm), [rbm.couplings["v--h"].weight])
    (tied,) = torch.autograd.grad(exact.log_partition(general), [coupling.weight])
    torch.testing.assert_close(gradient, tied[:4, 4:])
    now = {name: state.clone() for name, state in states.items()}
    fixed = iter([numbers[:, :4], numbers[:, 4:]])
    Sampler(rbm, lambda like: next(fixed)).sweep(now, rbm.net.phase(()))
    whole = {"v": joined.clone()}
    Sampler(general, lambda like: numbers).sweep(whole, general.net.phase(()))
    assert torch.equal(torch.cat([now["v"], now["h"]], 1), whole["v"])


@pytest.mark.parametrize("options", [{"persistent": True, "steps": 2}, {"steps": 1}, {"persistent": True, "chains": 7}, {"steps": 3}])
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("edge", ["v <-> h", "h <-> v"])
def test_the_fast_form_writes_the_gradient_of_its_samples(options: dict[str, Any], centred: bool, edge: str) -> None:
    made = machine(GROUPS, [edge])
    form = learner(centred=centred, **options)
    fast = Restricted(made, form, fresh(), 4)
    found = written(made, fast)
    v = fast.all_chains()["v"]

    data = {"v": DATA, "h": made.groups["h"].mean(made.field("h", {"v": DATA}))}
    model = {"v": v, "h": made.groups["h"].mean(made.field("h", {"v": v}))}
    contrast = Contrast(made, form, fresh(), 4)
    difference = Moments.of(made, data) - Moments.of(made, model)
    if centred:
        contrast.offsets.follow(Moments.of(made, data).means)
        difference = contrast.offsets.centred(difference)
    for name, mean in difference.means.items():
        torch.testing.assert_close(found[f"{name}.bias"], -mean)
    torch.testing.assert_close(found[f"{edge.replace(' <-> ', '--')}.weight"], -next(iter(difference.products.values())))


def test_the_fast_step_is_the_gradient_times_the_rate() -> None:
    slow, quick = (machine(GROUPS, RBM) for _ in range(2))
    form = learner(persistent=True, centred=False)
    forms = [Restricted(made, form, fresh(), 4) for made in (slow, quick)]
    before = {name: parameter.detach().clone() for name, parameter in slow.parameters().items()}
    gradients = written(slow, forms[0])
    forms[1].descend({"v": DATA}, 0.1)

    for name, parameter in quick.parameters().items():
        torch.testing.assert_close(parameter.detach(), before[name] - 0.1 * gradients[name])


def test_chains_of_the_fast_form_are_samples_of_the_machine() -> None:
    made = machine(GROUPS, RBM)
    fast = Restricted(made, learner(persistent=True, chains=20_000, steps=30, centred=False), fresh(), 4)
    fast.write_gradient({"v": DATA})
    states, probability = exact.distribution(made)

    for name, mean in Moments.of(made, fast.all_chains()).means.items():
        assert (mean - probability @ states[name]).abs().max() < 0.02


def test_a_smaller_last_batch_is_taken() -> None:
    made = machine(GROUPS, RBM)
    fast = Restricted(made, learner(persistent=True, centred=False), fresh(), 4)

    for count in (4, 3, 1, 4):
        fast.write_gradient({"v": DATA[:count]})

    assert all(bool(parameter.grad.isfinite().all()) for parameter in made.parameters().values() if parameter.grad is not None)


def test_tempered_chains_reach_both_of_two_valleys() -> None:
    """Two units that want to be equal by 8 nats each: a single chain stays in one of two valleys."""
    made = machine({"v": "{type: bipolar_units, bias: false}"}, ["v <-> v"])
    made.couplings["v--v"].weight.data.fill_(3.0).fill_diagonal_(0)
    sampler = Sampler(made, rolled())
    tempered = Tempered(sampler, made.net.phase(()), 50, 8)
    for state in tempered.states.values():
        state.fill_(1.0)

    tempered.sweep(1)
    for _ in range(300):
        tempered.sweep(1)

    assert 0.2 < (tempered.coldest["v"].mean(1) > 0).double().mean() < 0.8


def test_the_coldest_tempered_chains_sample_the_machine() -> None:
    made = machine(GROUPS, [*GENERAL, "v <-> v"])
    tempered = Tempered(Sampler(made, rolled()), made.net.phase(()), 10_000, 4)
    for _ in range(15):
        tempered.sweep(1)
    states, probability = exact.distribution(made)

    for name, mean in Moments.of(made, tempered.coldest).means.items():
        assert (mean - probability @ states[name]).abs().max() < 0.03
