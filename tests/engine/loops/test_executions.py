"""Every execution of a program against the reference."""

from __future__ import annotations

import torch
from hypothesis import HealthCheck, Phase, given, settings

from runner.compiler.execution import compiler
from runner.engine.loops import eager, native, reference
from tests.engine.loops.programs import Case, cases, difference, results


@settings(
    deadline=None, max_examples=100, suppress_health_check=list(HealthCheck), phases=(Phase.generate,), derandomize=True, database=None
)
@given(cases())
def test_executions(case: Case) -> None:
    import time

    torch.set_num_threads(1)
    wanted = results(reference.run, case, torch.float64)
    assert all(torch.isfinite(tensor).all() for tensor in wanted.values())
    error, where = difference(results(eager.run, case, torch.float64), wanted)
    assert error < 1e-10, (error, where)
    if compiler():
        base, w0 = difference(results(reference.run, case, torch.float32), wanted)
        t = time.time()
        got = results(native.run, case, torch.float32)
        t = time.time() - t
        error, where = difference(got, wanted)
        if error > 1e-5:
            print("NATIVE", error, where, "T0 f32", base, w0)
        if t > 1.5:
            print("slow", t, len(case.program.maps))
