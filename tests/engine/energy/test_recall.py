"""Hopfield nets: storing, recall, energy, cycles; and the modern one as attention."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nnrun.registry.modules.storage import hebbian, pseudo_inverse, storkey
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.energy import lateral
from nnrun.runner.engine.energy.gibbs import Sampler
from nnrun.runner.engine.energy.machine import Machine
from nnrun.runner.engine.energy.recall import asynchronous, corrupted, overlap, synchronous
from tests.engine.energy.support import machine, network, rolled, spec


def patterns(count: int, size: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 2, (count, size), generator=torch.Generator().manual_seed(seed)).double() * 2 - 1


def memory(weight: Tensor) -> Machine:
    made = machine({"v": "{type: bipolar_units, bias: false}"}, ["v <-> v"], size=len(weight))
    made.couplings["v--v"].weight.data = weight
    return made


def by_one(weight: Tensor, state: Tensor) -> Tensor:
    """Unit by unit, until nothing changes."""
    state, slack = state.clone(), lateral.SLACK * float(weight.abs().max())
    while True:
        before = state.clone()
        for unit in range(len(state)):
            field = weight[unit] @ state
            if field.abs() > slack:
                state[unit] = field.sign()
        if torch.equal(before, state):
            return state


@pytest.mark.parametrize("size", [7, 64, 150])
def test_blocked_recall_is_equal_to_recall_unit_by_unit(size: int) -> None:
    stored = patterns(size // 5 + 1, size)
    made, cues = memory(hebbian(stored)), corrupted(stored, 0.25, torch.Generator().manual_seed(1))

    found = asynchronous(made, {"v": cues}).states["v"]

    assert torch.equal(found, torch.stack([by_one(made.couplings["v--v"].weight.data, cue) for cue in cues]))


@pytest.mark.parametrize("kind", ["binary_units", "bipolar_units"])
@pytest.mark.parametrize("block", [1, 3, 64])
def test_the_size_of_a_block_changes_nothing(kind: str, block: int) -> None:
    made = machine({"v": f"{{type: {kind}}}"}, ["v <-> v"], size=20)
    group, weight = made.groups["v"], made.couplings["v--v"].weight.detach()
    states = Sampler(made, rolled()).begin(50)["v"].T.contiguous()
    base = torch.randn(20, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole, values = states.clone(), (group.low, group.high)
    lateral.sweep_dense(weight, states, base, values, block=block)
    lateral.sweep_dense(weight, whole, base, values, block=20)

    assert torch.equal(states, whole)


def test_asynchronous_recall_never_raises_the_energy() -> None:
    made = memory(hebbian(patterns(40, 100)))

    done = asynchronous(made, {"v": patterns(200, 100, seed=1)}, watch=True)

    assert done.rises == 0
    assert bool(done.settled.all())


def test_synchronous_recall_ends_in_cycles_of_two_and_says_so() -> None:
    pair = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    cues = torch.tensor([[1.0, -1.0], [1.0, 1.0]], dtype=torch.float64)

    done = synchronous(memory(pair), {"v": cues})

    assert done.cycles.tolist() == [True, False]
    assert done.settled.tolist() == [False, True]
    assert bool(asynchronous(memory(pair), {"v": cues}).settled.all())


def test_held_units_stay_while_the_others_recall() -> None:
    stored = patterns(3, 60)
    made, held = memory(hebbian(stored)), torch.zeros(3, 60, dtype=torch.bool)
    held[:, :30] = True
    cues = torch.where(held, stored, -stored)

    found = asynchronous(made, {"v": cues}, {"v": held}).states["v"]

    assert torch.equal(found[:, :30], stored[:, :30])


def test_low_temperature_sampling_stays_where_recall_ends() -> None:
    stored = patterns(3, 60)
    made, states = memory(hebbian(stored)), {"v": stored.clone()}
    Sampler(made, rolled()).sweep(states, made.net.phase(()), beta=50.0, sweeps=3)

    assert torch.equal(states["v"], stored)


def test_high_temperature_sampling_forgets() -> None:
    stored = patterns(3, 60)
    made, states = memory(hebbian(stored)), {"v": stored.clone()}
    Sampler(made, rolled()).sweep(states, made.net.phase(()), beta=0.01, sweeps=3)

    assert overlap(states["v"], stored).abs().max() < 0.5


def test_hebbian_weights_are_means_of_products() -> None:
    weight = hebbian(torch.tensor([[1.0, -1, 1], [1, 1, 1]]))

    torch.testing.assert_close(weight, torch.tensor([[0.0, 0, 2], [0, 0, 0], [2, 0, 0]]) / 3)


def test_storkey_is_its_formula_written_out() -> None:
    stored, n = patterns(4, 6), 6
    weight = torch.zeros(n, n, dtype=torch.float64)
    for x in stored:
        new = weight.clone()
        for i in range(n):
            for j in range(n):
                if i != j:
                    h_ij = sum(weight[i, k] * x[k] for k in range(n) if k not in (i, j))
                    h_ji = sum(weight[j, k] * x[k] for k in range(n) if k not in (i, j))
                    new[i, j] += (x[i] * x[j] - x[i] * h_ji - h_ij * x[j]) / n
        weight = new

    torch.testing.assert_close(storkey(stored), weight)


@pytest.mark.parametrize("rule", [hebbian, storkey, pseudo_inverse])
def test_every_rule_gives_symmetric_weights_with_zero_diagonal(rule: object) -> None:
    weight = rule(patterns(5, 20))  # type: ignore[operator]

    torch.testing.assert_close(weight, weight.T)
    assert not weight.diagonal().any()


def test_projected_patterns_are_fixed_points() -> None:
    stored = patterns(30, 60)

    done = asynchronous(memory(pseudo_inverse(stored)), {"v": stored})

    assert torch.equal(done.states["v"], stored)
    assert done.sweeps == 1


@pytest.mark.parametrize(
    ("rule", "load", "alike"),
    [(hebbian, 69, 0.945), (hebbian, 100, 0.48), (storkey, 100, 1.0), (storkey, 150, 1.0), (pseudo_inverse, 150, 1.0)],
)
def test_five_hundred_units_hold_what_they_are_known_to_hold(rule: object, load: int, alike: float) -> None:
    stored = patterns(load, 500)
    done = asynchronous(memory(rule(stored)), {"v": corrupted(stored, 0.1, torch.Generator().manual_seed(0))})  # type: ignore[operator]

    assert float(overlap(done.states["v"], stored).mean()) == pytest.approx(alike, abs=0.05)


MODERN = {
    "v": "{type: gaussian_units, deviation: 0.5, bias: false, sweeps: 1}",
    "slots": "{type: categorical_units, units: 6, bias: false}",
}


def attention(stored: Tensor, cue: Tensor, beta: float) -> Tensor:
    return torch.softmax(beta * cue @ stored.T, 1) @ stored


def test_a_sweep_of_a_modern_hopfield_net_is_softmax_attention() -> None:
    made = network(spec(MODERN, ["x -> v.initial", "v <-> slots"], "{learner: backprop, loss: {type: mse, input: v, target: x}}")).double()
    net = made.machines["v"]
    stored, cue = torch.randn(6, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    net.couplings["v--slots"].weight.data = stored.T / 0.25

    found = net.mean_field({}, {"v": cue}, 1)["v"]

    torch.testing.assert_close(found, attention(stored, cue, 4.0), rtol=0, atol=1e-12)


def test_more_sweeps_of_a_modern_hopfield_net_are_attention_again() -> None:
    text = spec(
        {**MODERN, "v": MODERN["v"].replace("sweeps: 1", "sweeps: 3")},
        ["x -> v.initial", "v <-> slots"],
        "{learner: backprop, loss: {type: mse, input: v, target: x}}",
    )
    made = network(text).double()
    stored, cue = torch.randn(6, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    made.machines["v"].couplings["v--slots"].weight.data = stored.T / 0.25
    found = made(Batch({"x": cue}, {}, 5), ("v",))["v"]
    wanted = cue
    for _ in range(3):
        wanted = attention(stored, wanted, 4.0)

    torch.testing.assert_close(found, wanted)


def test_a_modern_hopfield_net_passes_gradients_to_the_cue_and_the_memory() -> None:
    made = network(spec(MODERN, ["x -> v.initial", "v <-> slots"], "{learner: backprop, loss: {type: mse, input: v, target: x}}")).double()
    net, weight = made.machines["v"], made.machines["v"].couplings["v--slots"].weight
    cue = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(lambda w, x: net.mean_field({}, {"v": x}, 2)["v"], (weight, cue))
