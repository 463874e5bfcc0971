"""Every optimizer against the formula of its paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from inspect import signature
from math import sqrt
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from nnrun.registry.catalog import all_of, find
from nnrun.registry.training import Optimizer

torch.set_num_threads(1)

GRADIENTS = [3.0, -1.0, 0.5, 0.25, -0.01, 0.02, 0.7, -0.3]
START = 1.5

Rule = Callable[..., Iterator[float]]
"""Settings -> a generator: sent the gradient and the weight, it yields the step that is taken off the weight."""


def sgd(lr: float = 0.01, momentum: float = 0, dampening: float = 0, nesterov: bool = False, weight_decay: float = 0) -> Any:
    step, v, first = 0.0, 0.0, True
    while True:
        g, w = yield step
        g += weight_decay * w
        v, first = momentum * v + (1 if first else 1 - dampening) * g, False
        step = lr * (g + momentum * v if nesterov else v)


def rmsprop(
    lr: float = 1e-3, decay: float = 0.9, eps: float = 1e-8, centered: bool = False, momentum: float = 0, weight_decay: float = 0
) -> Any:
    step = s = m = v = 0.0
    while True:
        g, w = yield step
        g += weight_decay * w
        s, m = decay * s + (1 - decay) * g**2, decay * m + (1 - decay) * g
        v = momentum * v + g / (sqrt(s - m**2 if centered else s) + eps)
        step = lr * v


def adagrad(lr: float = 0.01, lr_decay: float = 0, initial_accumulator: float = 0, eps: float = 1e-10, weight_decay: float = 0) -> Any:
    step, s, t = 0.0, initial_accumulator, 0
    while True:
        g, w = yield step
        g += weight_decay * w
        s += g**2
        step, t = lr / (1 + t * lr_decay) * g / (sqrt(s) + eps), t + 1


def adadelta(lr: float = 1.0, decay: float = 0.9, eps: float = 1e-6, weight_decay: float = 0) -> Any:
    step = s = d = 0.0
    while True:
        g, w = yield step
        g += weight_decay * w
        s = decay * s + (1 - decay) * g**2
        move = sqrt(d + eps) / sqrt(s + eps) * g
        d = decay * d + (1 - decay) * move**2
        step = lr * move


def adam(
    lr: float = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0, amsgrad: bool = False, decoupled: float = 0
) -> Any:
    (b1, b2), step, m, v, largest, t = betas, 0.0, 0.0, 0.0, 0.0, 0
    while True:
        g, w = yield step
        g, t = g + weight_decay * w, t + 1
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        largest = max(largest, v)
        size = sqrt((largest if amsgrad else v) / (1 - b2**t))
        step = lr * m / (1 - b1**t) / (size + eps) + lr * decoupled * w


def adamw(weight_decay: float = 0.01, **others: Any) -> Any:
    return adam(decoupled=weight_decay, **others)


def nadam(lr: float = 2e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3) -> Any:
    (b1, b2), step, m, v, product, t = betas, 0.0, 0.0, 0.0, 1.0, 0
    while True:
        g, w = yield step
        g, t = g + weight_decay * w, t + 1
        now, then = (b1 * (1 - 0.5 * 0.96 ** (at * momentum_decay)) for at in (t, t + 1))
        m, v, product = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2, product * now
        ahead = then * m / (1 - product * then) + (1 - now) * g / (1 - product)
        step = lr * ahead / (sqrt(v / (1 - b2**t)) + eps)


def radam(lr: float = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0) -> Any:
    (b1, b2), step, m, v, t = betas, 0.0, 0.0, 0.0, 0
    most = 2 / (1 - b2) - 1
    while True:
        g, w = yield step
        g, t = g + weight_decay * w, t + 1
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        length = most - 2 * t * b2**t / (1 - b2**t)
        step = lr * m / (1 - b1**t)
        if length > 5:
            surety = sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
            step *= surety * sqrt(1 - b2**t) / (sqrt(v) + eps)


def adamax(lr: float = 2e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0) -> Any:
    (b1, b2), step, m, u, t = betas, 0.0, 0.0, 0.0, 0
    while True:
        g, w = yield step
        g, t = g + weight_decay * w, t + 1
        m, u = b1 * m + (1 - b1) * g, max(b2 * u, abs(g) + eps)
        step = lr / (1 - b1**t) * m / u


ADAM = {"lr": 0.1, "betas": [0.5, 0.6], "eps": 0.01, "weight_decay": 0.3}
ROWS: dict[str, tuple[Rule, dict[str, Any]]] = {
    "sgd": (sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "nesterov": True, "weight_decay": 0.3}),
    "rmsprop": (rmsprop, {"lr": 0.1, "decay": 0.5, "eps": 0.01, "centered": True, "momentum": 0.9, "weight_decay": 0.3}),
    "adagrad": (adagrad, {"lr": 0.1, "lr_decay": 0.5, "initial_accumulator": 2.0, "eps": 0.01, "weight_decay": 0.3}),
    "adadelta": (adadelta, {"lr": 0.1, "decay": 0.5, "eps": 0.01, "weight_decay": 0.3}),
    "adam": (adam, {**ADAM, "amsgrad": True}),
    "adamw": (adamw, {**ADAM, "amsgrad": True}),
    "nadam": (nadam, {**ADAM, "momentum_decay": 0.5}),
    "radam": (radam, ADAM),
    "adamax": (adamax, ADAM),
}
"""For each type its formula, with the defaults that the type should have, and another value of every option."""
SEARCHING: dict[str, dict[str, Any]] = {
    "lbfgs": {"lr": 0.1, "iterations": 3, "history": 1, "line_search": "none", "tolerance_grad": 1.0, "tolerance_change": 0.5},
}
"""For each type that looks at a loss again another value of every option."""
NEEDS: dict[tuple[str, str], dict[str, Any]] = {
    ("sgd", "nesterov"): {"momentum": 0.9},
    ("sgd", "dampening"): {"momentum": 0.9},
    ("adam", "amsgrad"): {"betas": [0.9, 0.5]},
    ("adamw", "amsgrad"): {"betas": [0.9, 0.5]},
}
"""Options that show only beside another."""

OWN = [(type, {}) for type in ROWS] + [(type, changes) for type, (_, changes) in ROWS.items() if type != "sgd"]
OWN += [("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.3}), ("sgd", {"momentum": 0.9, "dampening": 0.5})]
"""Each by itself, and with all that it can do."""

ALONE = [(type, option) for type, (_, changes) in ROWS.items() for option in changes]


def make(type: str, options: Mapping[str, Any]) -> Optimizer:
    cls = find("optimizer", type)
    assert cls is not None
    optimizer = cls.model_validate({"type": type, **options})
    assert isinstance(optimizer, Optimizer)
    return optimizer


def path(type: str, options: Mapping[str, Any]) -> list[float]:
    """A weight after each of the gradients."""
    weight = torch.nn.Parameter(torch.tensor([START], dtype=torch.float64))
    optimizer = make(type, options).build([weight])
    passed = []
    for gradient in GRADIENTS:
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        passed.append(weight.item())
    return passed


def path_by_hand(type: str, options: Mapping[str, Any]) -> list[float]:
    rule: Any = ROWS[type][0](**options)
    next(rule)
    weight, passed = START, []
    for gradient in GRADIENTS:
        weight -= rule.send((gradient, weight))
        passed.append(weight)
    return passed


def test_every_option_of_every_optimizer_has_another_value() -> None:
    changes = {**{type: changes for type, (_, changes) in ROWS.items()}, **SEARCHING}
    assert {type: set(options) for type, options in changes.items()} == {
        type: set(cls.model_fields) - {"type"} for type, cls in all_of("optimizer").items()
    }


@pytest.mark.parametrize("type", ROWS)
def test_optimizer_steps_as_its_paper_says(type: str) -> None:
    assert path(type, {}) == pytest.approx(path_by_hand(type, {}), rel=1e-9)


@pytest.mark.parametrize(("type", "option"), ALONE)
def test_option_does_what_the_paper_says(type: str, option: str) -> None:
    options = {**NEEDS.get((type, option), {}), option: ROWS[type][1][option]}

    assert path(type, options) == pytest.approx(path_by_hand(type, options), rel=1e-9)


@pytest.mark.parametrize(("type", "option"), ALONE)
def test_every_option_changes_the_steps(type: str, option: str) -> None:
    needs = NEEDS.get((type, option), {})

    assert path(type, {**needs, option: ROWS[type][1][option]}) != pytest.approx(path(type, needs), rel=1e-9)


@pytest.mark.parametrize("type", ROWS)
def test_optimizer_goes_down_a_valley(type: str) -> None:
    weight = torch.nn.Parameter(torch.tensor([START]))
    optimizer = make(type, {}).build([weight])
    for _ in range(200):
        optimizer.zero_grad()
        (weight**2).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    assert abs(weight.item()) < START


@pytest.mark.parametrize("type", ROWS)
def test_optimizer_goes_on_from_its_saved_state(type: str) -> None:
    def fresh() -> tuple[torch.nn.Parameter, torch.optim.Optimizer]:
        weight = torch.nn.Parameter(torch.tensor([START]))
        return weight, make(type, {}).build([weight])

    def run(weight: torch.nn.Parameter, optimizer: torch.optim.Optimizer, gradients: list[float]) -> None:
        for gradient in gradients:
            weight.grad = torch.tensor([gradient])
            optimizer.step()

    (straight, through), (first, before), (second, after) = fresh(), fresh(), fresh()
    run(straight, through, GRADIENTS)
    run(first, before, GRADIENTS[:4])
    second.data.copy_(first.data)
    after.load_state_dict(before.state_dict())
    run(second, after, GRADIENTS[4:])

    assert second.item() == straight.item()


def matrices() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(1)
    return [torch.nn.Parameter(torch.randn(*shape, generator=generator)) for shape in ((5, 7), (5,), (3, 5), (3, 2, 3, 3))]


@pytest.mark.parametrize(("type", "options"), OWN)
def test_an_optimizer_is_torchs_own_to_the_bit_state_and_all(type: str, options: Mapping[str, Any]) -> None:
    ours, theirs = matrices(), matrices()
    mine = make(type, options).build(ours)
    torchs = mine.__class__.__mro__[1]
    assert torchs.__module__.startswith("torch.optim.")
    peer = torchs(theirs, **{name: value for name, value in mine.defaults.items() if name in signature(torchs).parameters})
    for number in range(20):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.sin(one.detach() * (number + 1))
            other.grad = one.grad.clone()
        mine.param_groups[0]["lr"] = peer.param_groups[0]["lr"] = 0.1 / (1 + number)
        mine.step()
        peer.step()

    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    for index, kept in peer.state_dict()["state"].items():
        assert all(torch.equal(mine.state_dict()["state"][index][name], value) for name, value in kept.items())


def searched(optimizer: torch.optim.Optimizer, weights: Sequence[torch.nn.Parameter], steps: int) -> None:
    """Steps on a narrow valley that bends."""

    def look() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.stack([(1 - weight).square().sum() + 10 * (weight[1:] - weight[:-1] ** 2).square().sum() for weight in weights]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    for _ in range(steps):
        optimizer.step(look)  # type: ignore[arg-type]


def starts() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.linspace(-1, 1, size)) for size in (3, 5)]


@pytest.mark.parametrize("options", [{}, *({option: value} for option, value in SEARCHING["lbfgs"].items())], ids=str)
def test_one_that_looks_again_is_torchs_own_to_the_bit_and_goes_on(options: Mapping[str, Any]) -> None:
    ours, theirs, third = starts(), starts(), starts()
    config: Any = make("lbfgs", options)
    mine, after = config.build(ours), config.build(third)
    search = None if config.line_search == "none" else "strong_wolfe"
    peer = torch.optim.LBFGS(
        theirs, config.lr, config.iterations, None, config.tolerance_grad, config.tolerance_change, config.history, search
    )

    searched(mine, ours, 2)
    for weight, own in zip(third, ours, strict=True):
        weight.data.copy_(own.data)
    after.load_state_dict(deepcopy(mine.state_dict()))
    for optimizer, weights, steps in ((mine, ours, 2), (peer, theirs, 4), (after, third, 2)):
        searched(optimizer, weights, steps)

    assert all(map(torch.equal, ours, theirs))
    assert all(map(torch.equal, ours, third))


@pytest.mark.parametrize("option", SEARCHING["lbfgs"])
def test_every_option_of_one_that_looks_again_changes_the_steps(option: str) -> None:
    found = []
    for options in ({}, {option: SEARCHING["lbfgs"][option]}):
        weights = starts()
        searched(make("lbfgs", options).build(weights), weights, 2)
        found.append(torch.cat(tuple(weights)))

    assert not torch.equal(*found)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.0}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_without_momentum_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValidationError) as error:
        make("sgd", {"nesterov": True, **options})

    assert [one["type"] for one in error.value.errors()] == ["conflict"]


@pytest.mark.parametrize("betas", [0.9, [0.9], [0.9, 1.0], [0.9, 0.99, 0.999], [True, 0.9], "fast"])
def test_wrong_betas_are_one_finding(betas: Any) -> None:
    with pytest.raises(ValidationError) as error:
        make("adam", {"betas": betas})

    assert [(one["type"], one["loc"]) for one in error.value.errors()] == [("wrong_type", ("betas",))]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"amsgrad": True}, {"centered": True}], ids=str)
def test_an_optimizer_says_how_many_numbers_it_remembers_of_a_weight(name: str, settings: dict[str, Any]) -> None:
    cls = find("optimizer", name)
    assert cls is not None
    if not settings.keys() <= cls.model_fields.keys():
        pytest.skip("it has no such option")
    config = cls.model_validate({"type": name, **settings})
    assert isinstance(config, Optimizer)
    weight = torch.nn.Parameter(torch.ones(5, 3))
    optimizer = config.build([weight])
    weight.grad = torch.ones(5, 3)
    optimizer.step()

    assert config.remembers == sum(value.shape == (5, 3) for value in optimizer.state[weight].values() if isinstance(value, torch.Tensor))
