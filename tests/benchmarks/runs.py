"""What `nnrun runs` costs on a store of a thousand runs: CPU seconds, beside those of `import mlflow` alone.

python tests/benchmarks/runs.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 1000

OPEN = "from mlflow import MlflowClient; MlflowClient('sqlite:///mlflow.db').search_experiments()"
"""What any question to a store costs."""


def fill(folder: Path) -> None:
    """A store with runs as they are recorded: 20 params, 8 tags, 14 figures each."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    from nnrun.runner.tracking.store import Store

    store = Store.from_environment(folder)
    store.create()
    client = MlflowClient(store.uri)
    experiment = client.create_experiment("many", artifact_location=str(folder / "mlruns"))
    for number in range(RUNS):
        run = client.create_run(experiment, run_name=f"lr={number} · abcd", start_time=1000 * number)
        now = int(time.time() * 1000)
        params = [Param("train.seed", str(number % 5)), Param("train.optimizer.lr", str(number // 5))]
        params += [Param(f"nodes.n{place}.units", "64") for place in range(18)]
        tags = [RunTag(f"tag{place}", "same") for place in range(8)]
        figures = [Metric(f"test/m{place}", number / RUNS, now, 0) for place in range(7)]
        figures += [Metric(f"valid/best_{name}", number / RUNS, now, 0) for name in ("accuracy", "step", "a", "b", "c", "d", "e")]
        client.log_batch(run.info.run_id, figures, params, tags)
        client.set_terminated(run.info.run_id)


def cost(*arguments: str, folder: Path) -> float:
    """CPU seconds of a process and those that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


LIMIT = 0.8
"""Seconds of a list beyond those of an opened store."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    given, rows = parser.parse_args(), []
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name))
        alone = min(cost("-c", "from mlflow import MlflowClient", folder=Path(name)) for _ in range(3))
        opened = min(cost("-c", OPEN, folder=Path(name)) for _ in range(3))
        print(f"import mlflow: {alone:.2f} s of CPU; with the store opened: {opened:.2f}")
        for arguments in (["runs"], ["runs", "many", "--json"], ["compare", "many", "--json"]):
            whole = min(cost("-m", "nnrun", *arguments, folder=Path(name)) for _ in range(3))
            beyond = f"{whole - alone:.2f} beyond the import, {whole - opened:.2f} beyond the opened store"
            print(f"nnrun {' '.join(arguments)}: {whole:.2f} s of CPU, {beyond}")
            work = f"nnrun {' '.join(arguments)}, seconds beyond an opened store"
            rows.append({"work": work, "size": f"{RUNS} runs", "ratio": whole - opened, "limit": LIMIT if arguments[0] == "runs" else None})
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
