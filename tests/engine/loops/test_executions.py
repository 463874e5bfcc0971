"""Every execution of a loop against the plain one, tick by tick: values and all gradients, on random graphs."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from nnrun.runner.compiler.loops.execution import Kind, compiler
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


compiles = pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")


@pytest.mark.parametrize("kind", ["eager", pytest.param("native", marks=compiles)])
@many
@given(case=cases())
def test_a_program_equals_the_plain_loop_in_64_bits(kind: Kind, case: Case) -> None:
    plan = case.plan
    wanted = results(case, plan, "ticks", torch.float64)

    error, where = difference(results(case, plan, kind, torch.float64), wanted)

    assert all(torch.isfinite(tensor).all() for tensor in wanted.values())
    assert error < 1e-10, f"{where}\n{case.text}"


@compiles
@many
@given(case=cases(smooth=True))
def test_generated_code_equals_the_plain_loop_in_32_bits(case: Case) -> None:
    plan = case.plan
    wanted = results(case, plan, "ticks", torch.float64)

    error, where = difference(results(case, plan, "native", torch.float32), wanted)
    plain, _ = difference(results(case, plan, "ticks", torch.float32), wanted)

    # 32 bits allow 1e-5, but for the rare output that is a sum of terms that cancel, which the plain loop has no better
    assert error < max(1e-5, 2 * plain), f"{where}, {error} against {plain} of the plain loop\n{case.text}"
