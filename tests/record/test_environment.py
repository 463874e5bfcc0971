"""What a run records of what its figures depend on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from nnrun.runner.compiler.check import check
from nnrun.runner.record.environment import environment, processor
from tests.compiler.support import spec


def test_a_run_records_versions_threads_processor_and_seeds() -> None:
    settings = ["train.seed=7", "data.split.seed=3", "train.precision=bf16"]
    plan = check(spec(), settings=settings).plan
    assert plan is not None
    torch.set_num_threads(1)
    found = environment(plan, torch.device("cpu"))

    assert found["torch"] == torch.__version__
    assert (found["threads"], found["precision"], found["deterministic"], found["device"]) == (1, "bf16", False, "cpu")
    assert found["seeds"] == {"train": 7, "split": 3}
    assert found["cores"] >= 1
    assert found["processor"]
    assert json.loads(json.dumps(found)) == found  # plain values, which can be compared with what was written


@pytest.mark.parametrize(
    ("text", "named"),
    [("processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n", "Some CPU @ 2.00GHz"), ("processor : 0\nHardware : Board\n", "Board")],
)
def test_the_processor_is_named_as_the_machine_names_it(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)

    assert processor(tmp_path / "cpuinfo") == named
