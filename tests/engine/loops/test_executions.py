"""Every execution of a loop against the plain one, tick by tick: values and all gradients, on random graphs."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from runner.compiler.execution import compiler
from tests.engine.loops.graphs import Case, cases, difference, results

GRAPHS = int(os.environ.get("NNRUN_LOOP_GRAPHS", "100"))
"""How many random graphs are tried."""

many = settings(
    deadline=None,
    max_examples=GRAPHS,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
    derandomize=True,
    database=None,
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@many
@given(cases())
def test_the_program_in_torch_equals_the_plain_loop_in_64_bits(case: Case) -> None:
    plan = case.plan
    wanted = results(case, plan, "ticks", torch.float64)

    error, where = difference(results(case, plan, "eager", torch.float64), wanted)

    assert all(torch.isfinite(tensor).all() for tensor in wanted.values())
    assert error < 1e-10, f"{where}\n{case.text}"


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")
@many
@given(cases())
def test_generated_code_equals_the_plain_loop(case: Case) -> None:
    plan = case.plan
    wanted = results(case, plan, "ticks", torch.float64)

    error, where = difference(results(case, plan, "native", torch.float32), wanted)
    plain, _ = difference(results(case, plan, "ticks", torch.float32), wanted)

    # 32 bits allow 1e-5, but for the rare graph on which the plain loop in 32 bits is no nearer itself
    assert error < max(1e-5, 8 * plain), f"{where}, {error} against {plain} of the plain loop\n{case.text}"
