"""Laws of all node types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nnrun.registry.algebra.ticks import origin, ticks_along
from nnrun.registry.catalog import all_of
from nnrun.registry.group import Group
from nnrun.registry.modules.chance import Dice
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape, ShapeError
from tests.contract.node_rows import BATCH, TICKS, Row, all_rows, lengths_of, random_value, ticks_of

OF_THE_ENGINE = {"freeze", "share", "weights", "regularize", "recompute"}
"""Options that a node only carries; the tests of the engine show that they are alive. So are all of a node that decides."""

OF_A_NETWORK = {"sweeps", "units"}
"""Those of a group of units; the tests of energy networks show that they are alive."""

ROWS = all_rows()
each_row = pytest.mark.parametrize("row", ROWS, ids=str)

torch.set_num_threads(1)


def test_every_node_type_has_a_row() -> None:
    assert sorted({row.type for row in ROWS}) == sorted(all_of("node"))


def assert_is(result: Tensor, shape: Shape) -> None:
    leading = (ticks_of(shape), BATCH) if shape.time else (BATCH,)
    assert tuple(result.shape) == (*leading, *shape.axes)
    assert result.is_floating_point() == (shape.kind == "number")


@each_row
def test_shape_rule_is_the_shape_that_torch_gives(row: Row) -> None:
    for result, shape in zip(row.run(row.built(), row.values()), row.shapes, strict=True):
        assert_is(result, shape)


@each_row
def test_parameters_are_those_of_the_module(row: Row) -> None:
    sizes = {name: tuple(parameter.shape) for name, parameter in row.built().named_parameters()}

    assert row.node.parameters(*row.inputs, **row.ports) == sizes


@each_row
def test_every_parameter_gets_a_finite_gradient(row: Row) -> None:
    module = row.built()
    results = [result for result in row.run(module, row.values()) if result.requires_grad]
    torch.autograd.backward(results, [torch.randn_like(result) for result in results])

    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@each_row
def test_evaluation_is_deterministic(row: Row) -> None:
    module, values = row.built().eval(), row.values()

    assert all(map(torch.equal, row.run(module, values), row.run(module, values)))


@each_row
def test_start_values_follow_from_the_seed(row: Row) -> None:
    one, same = row.built().state_dict(), row.built().state_dict()

    assert all(torch.equal(one[name], same[name]) for name in one)


@each_row
def test_examples_do_not_influence_each_other_in_evaluation(row: Row) -> None:
    module, values, shape = row.built().eval(), row.values(), row.shapes[0]
    alone = [row.run(module, values, slice(example, example + 1))[0] for example in range(BATCH)]

    torch.testing.assert_close(row.run(module, values)[0], torch.cat(alone, dim=1 if shape.time else 0))


@pytest.mark.parametrize("row", [row for row in ROWS if row.node.scope == "time"], ids=str)
def test_padding_has_no_influence(row: Row) -> None:
    module, clean, spoilt = row.built().eval(), row.values(), row.values()
    for x, shape in zip(spoilt, row.given, strict=True):
        if shape.time:
            x[torch.arange(len(x)).unsqueeze(1) >= lengths_of(shape)] = float("nan") if x.is_floating_point() else 0

    for one, other, shape in zip(row.run(module, clean), row.run(module, spoilt), row.shapes, strict=True):
        torch.testing.assert_close(real_ticks(one, shape, row), real_ticks(other, shape, row))


def real_ticks(x: Tensor, shape: Shape, row: Row) -> Tensor:
    """All that is not padding."""
    if not shape.time:
        return x
    source = next(source for source in row.given if source.time == origin(shape.time))
    return x[torch.arange(len(x)).unsqueeze(1) < ticks_along(shape.time, lengths_of(source))]


ANY = [row for row in ROWS if row.node.scope == "tick" and row.node.batch == "any"]


@pytest.mark.parametrize("row", ANY, ids=str)
def test_nodes_under_any_leading_axes_do_each_tick_alone(row: Row) -> None:
    module, inputs = row.built().eval(), [random_value(shape.along("film")) for shape in row.inputs]

    torch.testing.assert_close(module(*inputs), torch.stack([module(*tick) for tick in zip(*inputs, strict=True)]))


@pytest.mark.parametrize("row", [row for row in ANY if len(row.inputs) > 1], ids=str)
def test_an_input_without_time_is_the_same_at_every_tick(row: Row) -> None:
    module, inputs = row.built().eval(), [random_value(shape.along("film")) for shape in row.inputs]
    *others, last = inputs
    once = last[:1]

    torch.testing.assert_close(module(*others, once), module(*others, once.expand_as(last)))


def options() -> Iterator[tuple[str, str]]:
    for name, cls in all_of("node").items():
        assert issubclass(cls, Node)
        carried = OF_A_NETWORK if issubclass(cls, Group) else OF_THE_ENGINE
        aside = {"type"} | carried | (set(cls.model_fields) if cls.decides else set())
        yield from ((name, info.alias or field) for field, info in cls.model_fields.items() if field not in aside)


@pytest.mark.parametrize(("type_name", "option"), list(options()))
def test_no_setting_is_dead(type_name: str, option: str) -> None:
    tries = [(row, other) for row in ROWS if row.type == type_name for other in others(row, option)]

    assert tries, f"no row of tests/contract/rows/ tries another `{option}`"
    for row, other in tries:
        assert effects(row.but(**{option: other})) != effects(row), f"`{option}: {other}` changes nothing in {row}"


def others(row: Row, option: str) -> list[Any]:
    """Other values of an option: those that the row names, or all choices, or a neighbour."""
    if option in row.changes:
        return list(row.changes[option])
    field, info = next((field, info) for field, info in type(row.node).model_fields.items() if (info.alias or field) == option)
    match getattr(row.node, field):
        case now if get_origin(info.annotation) is Literal:
            return [choice for choice in get_args(info.annotation) if choice != now]
        case bool() as now:
            return [not now]
        case int() as now:
            return [now + 1]
        case float() as now:
            return [now / 2 or 0.5]
    raise AssertionError(f"{row} must say in `changes` which other values of `{option}` to try")


def effects(row: Row) -> dict[str, list[float] | tuple[int, ...]]:
    """All there is to see of a node: what it starts with, what it gives while training, when it is judged, and afterwards."""
    module = row.built()
    seen = dict(module.state_dict())
    for training in (True, False):
        module.train(training)
        values = row.values(seed=1)
        seen |= {f"output {place}, training: {training}": result for place, result in enumerate(row.run(module, values))}
    with Dice(1, torch.device("cpu")):
        seen |= {f"output {place}, judged": result for place, result in enumerate(row.run(module, row.values(seed=1)))}
    return {f"{name} {tuple(tensor.shape)}": tensor.flatten().tolist() for name, tensor in seen.items()}


some_shape = st.builds(
    Shape,
    axes=st.lists(st.one_of(st.integers(1, 6), st.just("width")), max_size=5).map(tuple),
    kind=st.sampled_from(["number", "number", "category", "token"]),
    classes=st.one_of(st.none(), st.integers(2, 5), st.just("label")),
    time=st.one_of(st.none(), st.just("film")),
    ticks=st.one_of(st.none(), st.integers(1, 5)),
)


@each_row
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_shape_rule_refuses_what_arrives_or_agrees_with_torch(row: Row, data: st.DataObject) -> None:
    node = row.node
    least = max(len(node.readings()), 1)
    count = data.draw(st.integers(least, least + 2)) if node.inputs == "many" else len(row.inputs)
    drawn = data.draw(st.tuples(*[st.one_of(st.sampled_from(row.inputs), some_shape)] * count))
    inputs = tuple(shape.tick if node.scope == "tick" else shape.along(shape.time, shape.ticks) for shape in drawn)
    place = replace(row, inputs=inputs)
    try:
        shapes = place.shapes
    except ShapeError:
        return

    parameters = node.parameters(*inputs, **row.ports)
    assert all(isinstance(size, int | str) for axes in parameters.values() for size in axes)
    if all(isinstance(size, int) for shape in inputs for size in (*shape.axes, 1 if shape.kind == "number" else shape.classes)):
        for result, shape in zip(place.run(place.built(), place.values()), shapes, strict=True):
            assert_is(result, shape)


@pytest.mark.parametrize("row", [row for row in ROWS if not getattr(row.node, "fused", False)], ids=str)  # torch's kernel has a workspace
def test_what_a_node_keeps_for_the_backward_pass_is_planned(row: Row) -> None:
    saved: dict[int, int] = {}
    module, values = row.built(), [value.requires_grad_() if value.is_floating_point() else value for value in row.values()]
    theirs = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *values)}

    def keep(tensor: Tensor) -> Tensor:
        if (place := tensor.untyped_storage().data_ptr()) not in theirs:
            saved[place] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        row.run(module.train(), values)
    ticks = next((shape.ticks or TICKS for shape in row.given if shape.time), 1)
    lasting = [replace(shape, ticks=shape.ticks or TICKS) if shape.time else shape for shape in row.given]
    inputs, ports = lasting[: len(row.inputs)], dict(zip(row.ports, lasting[len(row.inputs) :], strict=True))
    numbers = [row.node.kept(*inputs, **ports), *(shape.size for shape in row.shapes), *(shape.size for shape in row.given)]
    planned = 4 * BATCH * ticks * sum(size for size in numbers if isinstance(size, int))

    weights = sum(4 * parameter.numel() for parameter in module.parameters())
    assert sum(saved.values()) <= 2 * planned + 2 * weights + 64  # half of what is planned for a step is gradients and gaps
