"""Loops as specs write them: cells of the literature, start values, delays, blocks, pieces, and what is said of them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
import torch
from torch import Tensor

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.loops.execution import Kind, compiler
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.compiler.loops.recognise import recognise
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.loops.code import native_build
from nnrun.runner.engine.network.network import Network
from nnrun.runner.show.loops import plan_text
from tests.engine.support import build, train

KINDS: list[Kind] = ["ticks", "eager", *(["native"] if compiler() else [])]  # type: ignore[list-item]

UNITS, FEATURES = 5, 3

LSTM = {
    **dict.fromkeys("ifo", f"{{type: linear, units: {UNITS}, activation: sigmoid}}"),
    "g": f"{{type: linear, units: {UNITS}, activation: tanh}}",
    "c": "{type: formula, is: f * prev(c) + i * g}",
    "h": "{type: formula, is: o * tanh(c)}",
}
PEEPHOLE = {
    "a": f"{{type: linear, units: {UNITS}}}",
    "b": f"{{type: linear, units: {UNITS}}}",
    "d": f"{{type: linear, units: {UNITS}}}",
    "g": f"{{type: linear, units: {UNITS}, activation: softsign}}",
    "i": "{type: formula, is: sigmoid(a + p1 * prev(c))}",
    "f": "{type: formula, is: sigmoid(b + p2 * prev(c))}",
    "c": "{type: formula, is: f * prev(c) + i * g}",
    "o": "{type: formula, is: sigmoid(d + p3 * c)}",
    "h": "{type: formula, is: o * softsign(c)}",
    **{f"p{number}": f"{{type: linear, units: {UNITS}, bias: false}}" for number in (1, 2, 3)},
}
AFTER = {
    **dict.fromkeys("rz", f"{{type: linear, units: {UNITS}, activation: sigmoid}}"),
    "u": f"{{type: linear, units: {UNITS}, bias: false}}",
    "w": f"{{type: linear, units: {UNITS}}}",
    "h": "{type: formula, is: (1 - z) * prev(h) + z * tanh(w + r * u)}",
}
BEFORE = {
    **dict.fromkeys("rz", f"{{type: linear, units: {UNITS}, activation: sigmoid}}"),
    "s": "{type: formula, is: r * prev(h)}",
    "n": f"{{type: linear, units: {UNITS}, activation: tanh}}",
    "h": "{type: formula, is: (1 - z) * prev(h) + z * n}",
}


def spec(nodes: Mapping[str, str], edges: Iterable[str], *, judged: str = "h", blocks: str = "{}", train: str = "") -> str:
    """A spec whose loops read `x` (3) at each tick, `static` (5) once, and `one`, a constant."""
    lines = ["nnrun: 1", "name: loops", "data:", "  source: csv", "  file: none.csv", "  fields:"]
    lines += [f"    x: {{type: series, size: {FEATURES}}}", f"    static: {{type: vector, size: {UNITS}}}", "    one: {type: number}"]
    lines += ["    y: {type: number, along: x}", f"blocks: {blocks}", "nodes:", *(f"  {name}: {node}" for name, node in nodes.items())]
    lines += ["  out: {type: linear, units: 1}", "edges:", *(f'  - "{edge}"' if "edge:" not in edge else f"  - {edge}" for edge in edges)]
    return "\n".join([*lines, f"  - {judged} -> out", f"train: {{loss: {{type: mse, input: out, target: y}}{train}}}\n"])


def planned(text: str) -> Plan:
    checked = check(text)
    assert checked.plan is not None, [finding.headline for finding in checked.report]
    return checked.plan


def batch(ticks: int = 7, count: int = 4, lengths: list[int] | None = None, dtype: torch.dtype = torch.float32) -> Batch:
    torch.manual_seed(1)
    values = {
        "x": torch.randn(ticks, count, FEATURES),
        "static": torch.randn(count, UNITS),
        "one": torch.ones(count),
        "y": torch.zeros(ticks, count),
    }
    return Batch({name: value.to(dtype) for name, value in values.items()}, {"x": torch.tensor(lengths or [ticks] * count)}, count)


def randomised(plan: Plan, kind: Kind | None = None) -> Network:
    """A network whose weights follow from their names alone."""
    network = Network(plan, kind)
    for name, parameter in network.named_parameters():
        generator = torch.Generator().manual_seed(crc32(name.encode()))
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return network


def cell_weights(network: Network, gates: str, cell: str = "cell") -> None:
    """Give the nodes of a hand-written cell the weights of a cell node."""
    layer = network.get_submodule(cell).get_submodule("layer1")
    parts = {
        name: parameter.detach().chunk(len(gates)) for name, parameter in layer.named_parameters() if name in ("input", "recurrent", "bias")
    }
    for number, gate in enumerate(gates):
        module = network.get_submodule(gate)
        with torch.no_grad():
            module.get_parameter("weight.0").copy_(parts["input"][number])
            module.get_parameter("weight.1").copy_(parts["recurrent"][number])
            module.get_parameter("bias").copy_(parts["bias"][number])


def both(network: Network, given: Batch) -> tuple[Tensor, Tensor]:
    values = network(given, ("h", "cell"))
    return values["h"], values["cell"]


@pytest.mark.parametrize("lengths", [None, [7, 2, 5, 1]])
@pytest.mark.parametrize("kind", [*KINDS, None])
def test_an_lstm_written_as_edges_is_the_cell(kind: Kind | None, lengths: list[int] | None) -> None:
    plan = planned(spec(LSTM | {"cell": f"{{type: lstm, units: {UNITS}}}"}, ["x, prev(h) -> i, f, g, o", "x -> cell -> out"]))
    network = randomised(plan, kind)
    cell_weights(network, "ifgo")

    mine, theirs = both(network, batch(lengths=lengths))

    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_peephole_softsign_lstm_written_as_edges_is_the_cell(kind: Kind) -> None:
    nodes = PEEPHOLE | {"cell": f"{{type: lstm, units: {UNITS}, peephole: true, activation: softsign}}"}
    network = randomised(planned(spec(nodes, ["x, prev(h) -> a, b, g, d", "one -> p1, p2, p3", "x -> cell -> out"])), kind)
    cell_weights(network, "abgd")
    for number in (1, 2, 3):
        with torch.no_grad():
            network.get_submodule(f"p{number}").get_parameter("weight.0").copy_(
                network.get_submodule("cell.layer1").get_parameter("peephole")[number - 1].unsqueeze(1)
            )

    mine, theirs = both(network, batch(lengths=[7, 2, 5, 1]))

    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("nodes", "edges", "reset"), [(AFTER, ["prev(h) -> u", "x -> w"], "after"), (BEFORE, ["x, s -> n"], "before")], ids=["after", "before"]
)
def test_a_gru_written_as_edges_is_the_cell(nodes: dict[str, str], edges: list[str], reset: str, kind: Kind) -> None:
    nodes = nodes | {"cell": f"{{type: gru, units: {UNITS}, reset: {reset}}}"}
    network = randomised(planned(spec(nodes, ["x, prev(h) -> r, z", *edges, "x -> cell -> out"])), kind)
    layer = network.get_submodule("cell.layer1")
    into, across, bias = (layer.get_parameter(name).detach().chunk(3) for name in ("input", "recurrent", "bias"))
    with torch.no_grad():
        for number, gate in enumerate("rz"):
            module = network.get_submodule(gate)
            module.get_parameter("weight.0").copy_(into[number])
            module.get_parameter("weight.1").copy_(across[number])
            module.get_parameter("bias").copy_(bias[number])
        fresh, read = ("w", ("u", "weight.0")) if reset == "after" else ("n", ("n", "weight.1"))
        network.get_submodule(fresh).get_parameter("weight.0").copy_(into[2])
        network.get_submodule(fresh).get_parameter("bias").copy_(bias[2])
        network.get_submodule(read[0]).get_parameter(read[1]).copy_(across[2])

    mine, theirs = both(network, batch(lengths=[7, 2, 5, 1]))

    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("lengths", [None, [7, 2, 5, 1]])
@pytest.mark.parametrize(
    ("nodes", "edges", "kind"),
    [
        (LSTM, ["x, prev(h) -> i, f, g, o"], "an LSTM"),
        (AFTER, ["x, prev(h) -> r, z", "prev(h) -> u", "x -> w"], "a GRU"),
        (
            AFTER | {"h": "{type: formula, is: tanh(u * r + w) * (1 - z) + prev(h) * z}"},
            ["x, prev(h) -> r, z", "prev(h) -> u", "x -> w"],
            "a GRU",
        ),
        ({"h": f"{{type: linear, units: {UNITS}, activation: relu}}"}, ["x, prev(h) -> h"], "a plain recurrent cell of relu"),
    ],
    ids=["lstm", "gru", "gru as torch has it", "rnn"],
)
def test_a_recognised_cell_on_torchs_kernel_is_the_loop(
    nodes: dict[str, str], edges: list[str], kind: str, lengths: list[int] | None
) -> None:
    plan = planned(spec(nodes, [*edges, "static -> h.initial"]))
    program = plan.loops[0].program
    assert isinstance(program, Program)
    assert str(recognise(program)) == kind

    def results(execution: Kind) -> list[Tensor]:
        network, given = randomised(plan, execution).double(), batch(lengths=lengths, dtype=torch.float64)
        values = network(given, ("h", "out"))
        return [values["h"].detach(), *torch.autograd.grad((values["out"] ** 2).sum(), list(network.parameters()))]

    torch.testing.assert_close(results("fused"), results("ticks"))


@pytest.mark.parametrize("inside", ["c", "i"])
def test_a_cell_whose_inside_is_read_outside_is_not_for_torchs_kernel(inside: str) -> None:
    program = planned(spec(LSTM, ["x, prev(h) -> i, f, g, o", f"{inside} -> out"])).loops[0].program

    assert isinstance(program, Program)
    assert recognise(program) == f"`{inside}`, the inside of the cell, is read outside, where the fused kernel does not give it"


def test_a_rolling_sum_of_three_ticks() -> None:
    network = Network(planned(spec({"h": "{type: formula, is: 'v + prev(v) + prev(v, 2)'}", "v": "{type: linear, units: 2}"}, ["x -> v"])))
    values = network(batch(), ("v", "h"))

    v = values["v"]
    torch.testing.assert_close(values["h"][4], v[4] + v[3] + v[2])
    torch.testing.assert_close(values["h"][0], v[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_power_whose_base_turns_out_to_be_a_number(kind: Kind) -> None:
    nodes = {"v": "{type: linear, units: 2}", "h": "{type: formula, is: 'v + (0 * prev(h) + 0.5) ** prev(h)'}"}
    network = randomised(planned(spec(nodes, ["x -> v"])), kind)

    values = network(batch(), ("v", "h"))
    values["h"][2].sum().backward()

    v = values["v"].detach()
    second = v[1] + 0.5 ** (v[0] + 1)  # before the first tick stands zero
    torch.testing.assert_close(values["h"][2].detach(), v[2] + 0.5**second)
    slope = math.log(0.5) * 0.5**second  # of h at the third tick along that at the second
    bias = 1 + slope * (1 + math.log(0.5) * 0.5 ** (v[0] + 1))
    torch.testing.assert_close(network.get_parameter("v.bias").grad, bias.sum(0))


@pytest.mark.parametrize("kind", KINDS)
def test_delays_of_one_and_three_in_one_loop(kind: Kind) -> None:
    nodes = {"v": "{type: linear, units: 2}", "h": "{type: formula, is: 'v + 0.5 * prev(h) + 0.25 * prev(h, 3)'}"}
    values = Network(planned(spec(nodes, ["x -> v"])), kind)(batch(), ("v", "h"))

    wanted: list[Tensor] = []
    for tick, v in enumerate(values["v"]):
        late = [wanted[tick - delay] if tick >= delay else torch.zeros_like(v) for delay in (1, 3)]
        wanted.append(v + 0.5 * late[0] + 0.25 * late[1])
    torch.testing.assert_close(values["h"], torch.stack(wanted))


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_value_is_learned_for_each_tick_before_the_first(kind: Kind) -> None:
    nodes = {"v": "{type: linear, units: 2}", "h": "{type: formula, is: '0 * v + prev(h, 2)'}"}
    network = Network(planned(spec(nodes, ["x -> v", '{edge: "prev(h, 2) -> out", initial: learned}'])), kind)
    start = network.get_submodule("h").get_parameter("initial")
    with torch.no_grad():
        start.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))

    h = network(batch(), ("h",))["h"]
    h[:3].sum().backward()

    assert h[:4, 0].tolist() == [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    assert start.grad is not None
    assert start.grad.tolist() == [[8.0, 8.0], [4.0, 4.0]]  # four examples; the first is read at ticks 0 and 2
    assert network.plan.size == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_value_is_given_by_a_node(kind: Kind) -> None:
    nodes = {"v": "{type: linear, units: 5}", "h": "{type: formula, is: 0 * v + prev(h)}"}
    given = batch()

    h = Network(planned(spec(nodes, ["x -> v", "static -> h.initial"])), kind)(given, ("h",))["h"]

    torch.testing.assert_close(h, given.values["static"].expand(7, -1, -1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_in_a_block_is_used_twice(kind: Kind) -> None:
    block = "{cell: {nodes: {h: {type: linear, units: 4, activation: tanh}}, edges: ['input, prev(h) -> h', 'h -> output']}}"
    nodes = {"first": "{type: block, block: cell}", "second": "{type: block, block: cell}"}
    plan = planned(spec(nodes, ["x -> first -> second"], judged="second", blocks=block))
    network = randomised(plan, kind)
    given = batch()

    values = network(given, ("first/h", "second/h"))

    assert len(plan.loops) == 2
    h = torch.zeros(4, 4)
    weights = network.get_submodule("second/h")
    for below, mine in zip(values["first/h"], values["second/h"], strict=True):
        h = torch.tanh(
            below @ weights.get_parameter("weight.0").t() + h @ weights.get_parameter("weight.1").t() + weights.get_parameter("bias")
        )
        torch.testing.assert_close(mine, h)


def test_a_loop_between_two_reversals_reads_backwards() -> None:
    nodes = {"back": "{type: reverse}", "v": "{type: linear, units: 2}", "a": "{type: add}", "h": "{type: reverse}"}
    network = Network(planned(spec(nodes, ["x -> v -> back", "back, prev(a) -> a -> h"])))
    values = network(batch(lengths=[7, 2, 5, 1]), ("v", "h"))

    torch.testing.assert_close(values["h"][0, 2], values["v"][:5, 2].sum(0))
    torch.testing.assert_close(values["h"][1, 1], values["v"][1, 1])


def test_a_convolutional_lstm_runs_tick_by_tick() -> None:
    nodes = {
        "v": "{type: reshape, to: [1, 1, 3]}",
        "a": "{type: conv, filters: 2, kernel: 3, padding: same}",
        "b": "{type: conv, filters: 2, kernel: 3, padding: same}",
        "m": "{type: formula, is: tanh(a + b)}",
        "h": "{type: flatten}",
    }
    plan = planned(spec(nodes, ["x -> v -> a", "prev(m) -> b", "m -> h"]))
    network = randomised(plan)
    network(batch(lengths=[7, 2, 5, 1]), ("out",))["out"].sum().backward()

    assert str(network.loops["b"].execution("cpu")).startswith("node by node, tick by tick: `b`")
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_attention_stands_in_a_loop() -> None:
    nodes = {"v": "{type: linear, units: 4}", "look": "{type: attention}", "h": "{type: linear, units: 5, activation: tanh}"}
    network = randomised(planned(spec(nodes, ["x -> v -> look.memory", "prev(h) -> look.query", "look, x -> h"])))
    one, two = batch(lengths=[7, 2, 5, 1]), batch(ticks=9, lengths=[7, 2, 5, 1])
    two.values["x"][:7] = one.values["x"]

    torch.testing.assert_close(network(one, ("h",))["h"], network(two, ("h",))["h"][:7])


@pytest.mark.parametrize("kind", ["ticks", "eager"])
def test_gradients_agree_with_finite_differences(kind: Kind) -> None:
    network = randomised(planned(spec(LSTM, ["x, prev(h, 2) -> i, f, g, o", "static -> c.initial"])), kind).double()
    given = batch(ticks=4, count=2, lengths=[4, 2], dtype=torch.float64)
    weights = {name: parameter.detach() for name, parameter in network.named_parameters()}
    x = given.values["x"].requires_grad_()

    def values(x: Tensor, static: Tensor, *parameters: Tensor) -> Tensor:
        named = dict(zip(weights, parameters, strict=True))
        some = Batch({**given.values, "x": x, "static": static}, given.lengths, given.count)
        return torch.func.functional_call(network, named, (some, ("h",)))["h"]

    leaves = [tensor.clone().requires_grad_() for tensor in weights.values()]
    assert torch.autograd.gradcheck(values, (x, given.values["static"].requires_grad_(), *leaves))
    if kind == "ticks":
        assert torch.autograd.gradgradcheck(values, (x, given.values["static"], *leaves))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 3, 7])
def test_pieces_change_no_value_and_cut_the_gradient(kind: Kind, length: int) -> None:
    edges = ["x, prev(h) -> i, f, g, o"]
    whole, cut = (randomised(planned(spec(LSTM, edges, train=train)), kind) for train in ("", f", truncate: {length}"))
    given = batch(lengths=[7, 2, 5, 1])
    x = given.values["x"].requires_grad_()

    torch.testing.assert_close(cut(given, ("h",))["h"], whole(given, ("h",))["h"])
    cut(given, ("h",))["h"][6, 0].sum().backward()

    assert x.grad is not None
    reached = [tick for tick in range(7) if x.grad[tick, 0].any()]
    assert reached == list(range(6 // length * length, 7))


@pytest.mark.parametrize("node", ["{type: lstm, units: 5}", "{type: gru, units: 5, layers: 2}", "{type: ewma}"])
def test_pieces_cut_the_gradient_of_a_cell(node: str) -> None:
    given = batch()
    x = given.values["x"].requires_grad_()
    network = randomised(planned(spec({"h": node}, ["x -> h"], train=", truncate: 3")))
    whole = randomised(planned(spec({"h": node}, ["x -> h"])))

    torch.testing.assert_close(network(given, ("h",))["h"], whole(given, ("h",))["h"])
    network(given, ("h",))["h"][5].sum().backward()

    assert x.grad is not None
    assert [tick for tick in range(7) if x.grad[tick].any()] == [3, 4, 5]


STREAM = """\
nnrun: 1
name: stream
data:
  source: csv
  file: none.csv
  fields: {{x: {{type: series}}}}
  window: {{length: 5, stride: 5}}
  split: {{train: 0.6, valid: 0.2, test: 0.2}}
nodes:
  v: {{type: linear, units: 3}}
  h: {node}
  final: {{type: last}}
  next: {{type: linear, units: 1}}
edges:
  - x -> v
  - {edges}
  - h -> final -> next
train: {{loss: {{type: mse, input: next, target: x.next}}, carry_state: true, batch_size: 2, epochs: 2{more}}}
"""


@pytest.mark.parametrize(
    ("node", "edges"), [("{type: linear, units: 4, activation: tanh}", '"v, prev(h, 2) -> h"'), ("{type: lstm, units: 4}", "v -> h")]
)
def test_a_carried_state_continues_the_stream(node: str, edges: str) -> None:
    built = build(STREAM.format(node=node, edges=edges, more=""), {"x": [float(number % 7) for number in range(100)]})
    network, part = built.network, built.data.train
    assert network.memory is not None

    carried = [network(part.batch(rows), ("h",))["h"].detach() for rows in part.streams(2)]
    network.memory.forget()
    whole = built.data.train.values["x"][part.rows].flatten()[: 5 * len(carried)]
    long = Batch({"x": whole.unsqueeze(1), "x.next": torch.zeros(1)}, {"x": torch.tensor([len(whole)])}, 1)

    torch.testing.assert_close(torch.cat([h[:, 0] for h in carried]), network(long, ("h",))["h"][:, 0])


def test_training_with_carried_state_learns() -> None:
    text = STREAM.format(
        node="{type: linear, units: 4, activation: tanh}", edges='"v, prev(h) -> h"', more=", optimizer: {type: adam, lr: 0.02}"
    )
    built = build(text.replace("epochs: 2", "epochs: 40"), {"x": [float(number % 7) / 7 for number in range(300)]})
    outcome, _ = train(built)

    assert outcome.figures["test/loss"] < 0.01


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")
def test_training_reaches_the_same_loss_in_each_execution() -> None:
    text = STREAM.replace(", carry_state: true", "").replace("stride: 5", "stride: 1")
    text = text.format(node="{type: linear, units: 6, activation: softsign}", edges='"v, prev(h) -> h"', more="")
    losses = []
    for kind in ("ticks", "native"):
        built = build(text, {"x": [float(number % 7) / 7 for number in range(100)]})
        network = Network(built.plan, kind)  # type: ignore[arg-type]
        network.load_state_dict(built.network.state_dict())
        built = replace(built, network=network)
        losses.append(train(built)[0].figures["test/loss"])

    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_without_a_gradient_runs(kind: Kind) -> None:
    h = randomised(planned(spec({"w": "{type: linear, units: 4}", "h": "{type: formula, is: 0 * prev(h) * w}"}, ["x -> w"])), kind)(
        batch(), ("h",)
    )["h"]

    assert not h.any()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_times_a_number_that_is_none_is_none(kind: Kind) -> None:
    text = spec({"w": "{type: linear, units: 4}", "h": "{type: formula, is: tanh(w) + 0 * sqrt(0 - 1 - prev(h) * prev(h))}"}, ["x -> w"])

    assert randomised(planned(text), kind)(batch(), ("h",))["h"].isnan().all()


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")
def test_two_processes_compile_the_same_loop_at_once(tmp_path: Path) -> None:
    text = spec(LSTM, ["x, prev(h, 2) -> i, f, g, o"])
    script = f"from tests.engine.loops.test_loops import *; randomised(planned({text!r}), 'native')(batch(), ('h',))"
    environment = {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    processes = [subprocess.Popen([sys.executable, "-c", script], env=environment) for _ in range(3)]

    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted(path.suffix or path.name for path in (tmp_path / "nnrun" / "loops").iterdir()) == [".o", ".so", "secret"]


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")
def test_what_a_killed_process_left_in_the_cache_is_swept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    old, new = (tmp_path / "nnrun" / "loops" / name for name in ("tmpold", "tmpnew"))
    for left in (old, new):
        left.mkdir(parents=True)
        (left / "loop.cpp").touch()
    os.utime(old, (0, 0))

    native_build.build("// a loop", "")

    assert new.exists()  # it may be at work
    assert not old.exists()


def test_the_plan_says_what_became_of_a_loop() -> None:
    nodes = LSTM | {"i": f"{{type: linear, units: {UNITS}, activation: relu}}"}
    text = plan_text(planned(spec(nodes, ["x, prev(h) -> i, f, g, o", "static -> c.initial"], train=", compile: 'off'")))

    assert text.partition("\n\n")[2] == (
        "loop of i, f, o, g, c, h along x\n"
        "  cycle    prev(c) -> c\n"
        "  left     x into `i`, `f`, `o`, `g`: all ticks in one product, 20 wide\n"
        "  inside   prev(h) into `i`, `f`, `o`, `g`: one product a tick, 20 wide\n"
        "  state    h, 1 tick, from zeros\n"
        "  state    c, 1 tick, from static\n"
        "  runs as  the program in torch: `compile: off`\n"
    )


def test_a_near_miss_says_what_sets_it_apart_from_an_lstm() -> None:
    nodes = LSTM | {"i": f"{{type: linear, units: {UNITS}, activation: relu}}"}

    assert "gate `i` has the activation relu" in plan_text(planned(spec(nodes, ["x, prev(h) -> i, f, g, o"])))


def test_a_frozen_node_keeps_its_start_value() -> None:
    nodes = {"h": "{type: linear, units: 2, freeze: true}"}
    network = Network(planned(spec(nodes, ["x -> h", '{edge: "prev(h) -> h", initial: learned}'])))

    assert not network.get_submodule("h").get_parameter("initial").requires_grad


def test_the_same_entries_are_dropped_in_all_pieces_of_a_sequence() -> None:
    nodes = {"v": "{type: linear, units: 40}", "d": "{type: dropout, same: true}", "h": "{type: formula, is: v + prev(d)}"}
    network = randomised(planned(spec(nodes, ["x -> v", "h -> d"], train=", truncate: 2"))).train()

    dropped = network(batch(), ("d",))["d"] == 0
    assert dropped[0].any()
    assert torch.equal(dropped, dropped[:1].expand(7, -1, -1))
