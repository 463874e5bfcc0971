"""What a run imports: each library costs tenths of a second, so none comes along that the run does not use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracking.support import ROOT

HEAVY = {
    "mlflow", "sqlalchemy", "fastapi", "scipy", "sklearn", "torchmetrics", "sympy", "optuna", "networkx", "requests",
    "matplotlib", "pandas", "pyarrow.compute",
    "torch._dynamo", "torch._inductor", "torch.fx.experimental.symbolic_shapes",
}  # fmt: skip
"""None of these is for a run of a network that is told of by accuracy or an error, without a baseline; the process beside it has MLflow."""

RUN = """
import sys
from nnrun.runner.cli import main
try:
    main(sys.argv[1:], standalone_mode=False)
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


def imported(folder: Path, *words: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run([sys.executable, "-c", RUN, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("spec", ["cnn_digits", "mlp_digits", "diabetes_regression", "rbm_digits"])
def test_a_run_imports_nothing_that_it_does_not_use(spec: str, tmp_path: Path) -> None:
    plain = ["--set", "track.baseline=none"] if spec not in ("rbm_digits",) else []
    found = imported(tmp_path, str(ROOT / "specs" / f"{spec}.yaml"), "--set", "train.epochs=1", *plain)

    assert "torch" in found
    assert found & HEAVY == set()


@pytest.mark.parametrize("words", [("check", "specs/cnn_digits.yaml"), ("nodes",), ("explain", "conv")])
def test_what_is_done_without_a_network_does_without_torch(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")

    assert imported(tmp_path, *words) & {*HEAVY, "torch", "numpy", "matplotlib"} == set()


def test_help_reads_no_language(tmp_path: Path) -> None:
    assert imported(tmp_path, "--help") & {"pydantic", "yaml", "rich", "nnrun.runner.compiler.check"} == set()
