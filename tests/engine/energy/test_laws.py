"""Laws of energy networks, on machines so small that every state can be gone through."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from nnrun.runner.engine.energy.gibbs import Sampler
from nnrun.runner.engine.energy.judging import ais, exact, pseudo
from nnrun.runner.engine.energy.machine import Machine, States
from nnrun.runner.engine.energy.moments import Moments
from tests.engine.energy.support import GENERAL, HIDDEN, RBM, SEMI, VISIBLE, every_kind, machine, rolled

GROUPS = {**VISIBLE, **HIDDEN}
each_kind = pytest.mark.parametrize(("name", "made"), every_kind(), ids=lambda value: value if isinstance(value, str) else "")


@torch.no_grad()
def by_hand(made: Machine, states: States) -> Tensor:
    """The energy, written as loops over units."""
    energies = []
    for row in range(len(next(iter(states.values())))):
        total = 0.0
        for name, group in made.groups.items():
            if group.bias is not None:
                total -= sum(float(b * s) for b, s in zip(group.bias, states[name][row], strict=True))
        for edge in made.net.couplings:
            weight, x, y = made.couplings[edge.name].weight, states[edge.first][row], states[edge.second][row]
            pairs = itertools.combinations(range(len(x)), 2) if edge.lateral else itertools.product(range(len(x)), range(len(y)))
            total -= sum(float(weight[i, j] * x[i] * y[j]) for i, j in pairs)
        energies.append(total)
    return torch.tensor(energies, dtype=torch.float64)


@each_kind
def test_the_energy_counts_each_pair_once(name: str, made: Machine) -> None:
    states, _ = exact.distribution(made)
    some = {group: state[::7] for group, state in states.items()}

    torch.testing.assert_close(made.energy(some), by_hand(made, some))


@each_kind
def test_summing_groups_out_keeps_log_z(name: str, made: Machine) -> None:
    states, _ = exact.distribution(made)

    torch.testing.assert_close(exact.log_partition(made), (-made.energy(states)).logsumexp(0))


@each_kind
def test_probabilities_of_the_data_add_up_to_one(name: str, made: Machine) -> None:
    visible = exact.all_states(made, ("v",))

    assert exact.log_likelihood(made, visible).exp().sum().item() == pytest.approx(1)


@each_kind
def test_the_derivative_of_log_z_is_the_moments(name: str, made: Machine) -> None:
    states, probability = exact.distribution(made)
    parameters = made.parameters()
    gradients = dict(zip(parameters, torch.autograd.grad(exact.log_partition(made), list(parameters.values())), strict=True))

    for name, group in made.groups.items():
        if group.bias is not None:
            torch.testing.assert_close(gradients[f"{name}.bias"], probability @ states[name])
    for edge in made.net.couplings:
        products = torch.einsum("s,si,sj->ij", probability, states[edge.first], states[edge.second])
        torch.testing.assert_close(gradients[f"{edge.name}.weight"], made.couplings[edge.name].allowed(products))


def test_log_z_passes_gradcheck() -> None:
    made = machine(GROUPS, RBM)

    assert torch.autograd.gradcheck(lambda *weights: exact.log_partition(made), tuple(made.parameters().values()))


def kernel(made: Machine, updates: list[tuple[str, int | None]]) -> Tensor:
    """The exact transition matrix of updates, each of one unit, or of a whole group at once: (S, S) over all states."""
    states, _ = exact.distribution(made)
    count = len(next(iter(states.values())))
    matrix = torch.eye(count, dtype=torch.float64)
    codes = torch.cat(list(states.values()), 1)
    for name, unit in updates:
        mean = made.groups[name].mean(made.field(name, states))
        before = sum(made.groups[other].size for other in list(made.groups)[: list(made.groups).index(name)])
        places = range(made.groups[name].size) if unit is None else [unit]
        step = torch.ones(count, count, dtype=torch.float64)
        for place in range(codes.shape[1]):
            one = codes[:, place]
            if place - before in places and before <= place < before + made.groups[name].size:
                chance = mean[:, place - before].unsqueeze(1)
                step *= torch.where(one.unsqueeze(0) == 1, chance, 1 - chance)
            else:
                step *= (one.unsqueeze(1) == one.unsqueeze(0)).double()
        matrix = matrix @ step
    return matrix


def test_one_unit_at_a_time_is_in_detailed_balance() -> None:
    made = machine(GROUPS, [*GENERAL, "v <-> v"])
    _, p = exact.distribution(made)

    flow = p.unsqueeze(1) * kernel(made, [("h", 1)])

    torch.testing.assert_close(flow, flow.T, rtol=0, atol=1e-15)


def test_a_sweep_keeps_the_distribution() -> None:
    made = machine(GROUPS, [*GENERAL, "v <-> v"])
    _, p = exact.distribution(made)
    units = [("v", unit) for unit in range(4)] + [("h", unit) for unit in range(3)]

    torch.testing.assert_close(p @ kernel(made, units), p, rtol=0, atol=1e-14)


def test_a_sweep_there_and_back_is_in_detailed_balance() -> None:
    made = machine(GROUPS, SEMI)
    _, p = exact.distribution(made)
    there: list[tuple[str, int | None]] = [("v", unit) for unit in range(4)]

    flow = p.unsqueeze(1) * kernel(made, [*there, ("h", None), *there[::-1]])

    torch.testing.assert_close(flow, flow.T, rtol=0, atol=1e-14)


def test_coupled_units_all_at_once_would_be_wrong() -> None:
    made = machine(GROUPS, [*GENERAL, "v <-> v"], strength=1.5)
    _, p = exact.distribution(made)
    at_once = torch.linalg.matrix_power(kernel(made, [("v", None), ("h", None)]), 500)[0]

    assert 0.5 * (at_once - p).abs().sum() > 0.1


@each_kind
def test_the_schedule_samples_the_distribution(name: str, made: Machine) -> None:
    chains, sampler = 20_000, Sampler(made, rolled())
    states = sampler.begin(chains)
    sampler.sweep(states, made.net.phase(()), sweeps=30)
    all_states, probability = exact.distribution(made)
    exact_moments = Moments.of(made, {n: s * probability.unsqueeze(1) * len(s) for n, s in all_states.items()})

    for group, mean in Moments.of(made, states).means.items():
        assert (mean - exact_moments.means[group]).abs().max() < 4 * math.sqrt(1 / chains)


def test_no_colour_holds_groups_that_are_joined() -> None:
    for _, made in every_kind():
        for clamped in ((), ("v",), ("h",)):
            for names in made.net.phase(clamped).colours:
                assert not any({edge.first, edge.second} <= set(names) and not edge.lateral for edge in made.net.couplings)


def test_a_clamped_group_and_no_other_is_left_out_of_a_phase() -> None:
    made = dict(every_kind())["deep"]

    assert made.net.phase(("v",)).colours == (("h",), ("g",))
    assert made.net.phase(("v", "g")).exact


@pytest.mark.parametrize("edges", [RBM, SEMI])
def test_pseudo_likelihood_is_that_of_the_conditionals(edges: list[str]) -> None:
    made = machine(GROUPS, edges)
    visible = exact.all_states(made, ("v",))
    log_p = exact.log_likelihood(made, visible)
    place = {tuple(row.tolist()): index for index, row in enumerate(visible["v"])}
    wanted = []
    for index, row in enumerate(visible["v"]):
        flipped = [torch.cat([row[:bit], 1 - row[bit : bit + 1], row[bit + 1 :]]) for bit in range(4)]
        others = torch.stack([log_p[place[tuple(other.tolist())]] for other in flipped])
        wanted.append((log_p[index] - torch.logaddexp(log_p[index], others)).sum())

    torch.testing.assert_close(pseudo.pseudo_likelihood(made, visible), torch.stack(wanted))


@each_kind
def test_annealed_sampling_finds_log_z_within_three_errors(name: str, made: Machine) -> None:
    base = {group: torch.zeros(module.size, dtype=torch.float64) for group, module in made.groups.items()}
    sampler = Sampler(made, rolled(1))
    samples = sampler.begin(200)
    sampler.sweep(samples, made.net.phase(()), sweeps=50)
    log_z = exact.log_partition(made).item()

    up, down = ais.forward(made, base, rolled(2), 300, 200), ais.reverse(made, base, rolled(3), 300, samples)

    assert abs(up.log_z - log_z) < 3 * up.error
    assert abs(down.log_z - log_z) < 3 * down.error
    assert 100 < up.effective <= 200


@each_kind
def test_the_bound_is_below_the_log_mass(name: str, made: Machine) -> None:
    visible = exact.all_states(made, ("v",))
    gap = exact.log_mass(made, visible) - made.bound(visible, made.mean_field(visible))

    assert gap.min() > -1e-12
    assert gap.max() < 0.5


def test_the_bound_is_exact_where_hidden_units_are_independent() -> None:
    made = machine(GROUPS, SEMI)
    visible = exact.all_states(made, ("v",))

    torch.testing.assert_close(made.bound(visible, made.mean_field(visible)), exact.log_mass(made, visible))


@pytest.mark.parametrize("kind", ["{type: gaussian_units, deviation: 0.7}", "{type: bipolar_units}", "{type: categorical_units}"])
def test_the_mean_is_the_derivative_of_the_log_normaliser(kind: str) -> None:
    group = machine({"v": kind, **HIDDEN}, RBM).groups["v"]
    field = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)

    (mean,) = torch.autograd.grad(group.log_normaliser(field).sum(), field)

    torch.testing.assert_close(mean, group.mean(field))


@pytest.mark.parametrize(
    "kind", ["{type: gaussian_units, deviation: 0.7}", "{type: binary_units}", "{type: bipolar_units}", "{type: categorical_units}"]
)
@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_samples_have_the_mean(kind: str, beta: float) -> None:
    group = machine({"v": kind, **HIDDEN}, RBM).groups["v"]
    field = torch.randn(1, 4, dtype=torch.float64).expand(40_000, -1)

    sampled = group.sample(field, rolled()(field), beta)

    assert (sampled.mean(0) - group.mean(field, beta)[0]).abs().max() < 0.02


def test_a_gaussian_group_has_its_deviation_at_temperature_one() -> None:
    group = machine({"v": "{type: gaussian_units, deviation: 0.7}", **HIDDEN}, RBM).groups["v"]
    field = torch.zeros(40_000, 4, dtype=torch.float64)

    assert group.sample(field, rolled()(field)).std().item() == pytest.approx(0.7, rel=0.02)
    assert group.sample(field, rolled()(field), 0.25).std().item() == pytest.approx(1.4, rel=0.02)


def test_a_field_of_a_mean_gives_the_mean() -> None:
    for kind in ("binary_units", "bipolar_units", "gaussian_units", "categorical_units"):
        group = machine({"v": f"{{type: {kind}}}", **HIDDEN}, RBM).groups["v"]
        mean = torch.tensor([[0.1, 0.2, 0.3, 0.4]], dtype=torch.float64)

        torch.testing.assert_close(group.mean(group.field_of(mean)), mean)
