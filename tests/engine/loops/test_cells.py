"""Cells that stand in a network as nodes: on the program of their equations they are what their own loop over ticks is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nnrun.registry.modules.stack import Stack
from nnrun.registry.recurrent import Recurrent
from nnrun.runner.compiler.loops.execution import Kind, compiler
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.loops import native
from nnrun.runner.engine.loops.cells import CellRunner
from nnrun.runner.engine.loops.code import native_build
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.prepare import NotCompiled, check_compiled
from nnrun.runner.show.loops import plan_text
from nnrun.runner.untrusted import own
from tests.engine.loops.test_loops import batch, planned, spec
from tests.registry.cells import cells, stacks
from tests.registry.sequences import module, node, padded, ragged

KINDS: list[Kind] = ["eager", *(["native"] if compiler() else [])]  # type: ignore[list-item]

LENGTHS = [5, 2, 6, 1]


def results(stack: Stack, config: dict[str, Any], kind: Kind) -> list[Tensor]:
    """Values, end and all gradients, with NaN in the padding."""
    described = node(**config)
    assert isinstance(described, Recurrent)
    for cell in stack.cells:
        cell.run = CellRunner("cell", described, "auto", kind)
    x = padded(ragged(LENGTHS), 8, torch.nan).requires_grad_()
    torch.manual_seed(2)
    start = torch.randn(len(LENGTHS), described.parts, stack.units, dtype=torch.float64, requires_grad=True)
    y, state = stack(x, lengths=torch.tensor(LENGTHS), initial=start)
    leaves = [x, start, *stack.parameters()]
    return [y.detach(), state.detach(), *torch.autograd.grad((y**2).sum() + (state**3).sum(), leaves)]


@cells
@stacks
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_a_cell_on_its_program_is_its_loop(config: dict[str, Any], stack: dict[str, Any], kind: Kind, training: bool) -> None:
    described = config | stack
    ours = module(**described).train(training)

    found, wanted = (results(ours, described, one) for one in (kind, "ticks"))

    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


def memory(node: str, train: str = "") -> Plan:
    return planned(spec({"memory": node}, ["x -> memory"], judged="memory", train=train))


@pytest.mark.parametrize("node", ["{type: gru, units: 5}", "{type: lstm, units: 5, peephole: true, activation: softsign}"])
def test_mixed_precision_leaves_cells_in_32_bits(node: str) -> None:
    network, given = Network(memory(node)), batch(lengths=[7, 2, 5, 1])
    exact = network(given, ("memory",))["memory"]

    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(given, ("memory",))["memory"], exact)


@pytest.fixture
def _broken_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with a compiler that compiles nothing."""
    script = tmp_path / "c++"
    script.write_text("#!/bin/sh\necho no headers here\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for known in (native.say_once, native_build.build):
        known.cache_clear()
    yield
    for known in (native.say_once, native_build.build):
        known.cache_clear()


@pytest.mark.usefixtures("_broken_compiler")
def test_a_compiler_that_does_not_work_is_said_once_and_done_without() -> None:
    nodes = {"memory": "{type: gru, units: 3, reset: before}", "h": "{type: linear, units: 2, activation: tanh}"}
    network, given = Network(planned(spec(nodes, ["x -> memory", "memory, prev(h) -> h"]))), batch(lengths=[7, 2, 5, 1])

    with pytest.warns(
        RuntimeWarning, match=r"without generated code: `.*/c\+\+` did not compile a generated loop\nno headers here"
    ) as said:
        h = network(given, ("h",))["h"]

    assert len(said) == 1
    assert torch.isfinite(h).all()
    assert [run.execution("cpu").kind for run in (network.cells["memory"], network.loops["h"])] == ["eager", "fused"]


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")
def test_a_full_cache_that_takes_no_new_loop_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for known in (native.say_once, native_build.build):
        known.cache_clear()
    given = batch(lengths=[7, 2, 5, 1])
    Network(memory("{type: gru, units: 6}"))(given, ("memory",))
    monkeypatch.setattr(native_build.tempfile, "TemporaryDirectory", _refused)
    network = Network(memory("{type: gru, units: 7, recurrent_dropout: 0.5}"))

    with pytest.warns(RuntimeWarning, match="without generated code: no room"):
        network(given, ("memory",))

    assert network.cells["memory"].execution("cpu").kind == "eager"


def _refused(**options: object) -> None:
    raise OSError("no room")


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")
def test_a_compiler_may_be_called_with_options(monkeypatch: pytest.MonkeyPatch) -> None:
    path = compiler()
    assert path is not None
    monkeypatch.setenv("CXX", f"{path[0]} -O1")

    assert compiler() == (path[0], "-O1")


@pytest.mark.parametrize(("wanted", "said"), [("nosuch++ -O1", "`nosuch++`"), ("'unclosed", "`'unclosed`")])
def test_a_compiler_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, wanted: str, said: str) -> None:
    monkeypatch.setenv("CXX", wanted)
    native.say_once.cache_clear()
    plan = memory("{type: gru, units: 6}")

    with pytest.warns(RuntimeWarning, match="loops run without generated code: `CXX` names .*, which is not there") as warned:
        check_compiled(Network(plan), torch.device("cpu"))

    assert said in str(warned[0].message)
    native.say_once.cache_clear()


def test_where_there_is_no_home_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", _homeless)

    with pytest.raises(OSError, match="no home directory to keep it in; XDG_CACHE_HOME can name another one"):
        own.cache("loops")


def _homeless() -> None:
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")
def test_a_cell_whose_activation_is_no_formula_is_not_compiled() -> None:
    plan = memory("{type: rnn, units: 5, activation: hard_tanh}", train=", compile: 'on'")

    with pytest.raises(NotCompiled, match="the cell of `memory` runs as node by node, tick by tick: `hard_tanh`"):
        check_compiled(Network(plan), torch.device("cpu"))
    assert "cell of memory\n  runs as  node by node, tick by tick: `hard_tanh` is not computed entry by entry" in plan_text(plan)
