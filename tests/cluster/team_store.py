"""A team's store with many runs at once and a sweep, while server and database are killed: `python -m tests.cluster.team_store`.

Commands `nnrun SPEC` begin at once, each a process of its own; in the middle all processes of the store are killed with -9, and it is
started again. Then a sweep, with the same. Every run must be in the store with all that it said: the measure is what the commands print,
and what the same run leaves behind in this machine's own store.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from nnrun.runner.tracking.store import Store
from tests.cluster.served import Served, team
from tests.faults.recorded import quiet
from tests.tracking.support import ROOT, wait_until

LONG = 600.0
"""Seconds after which a command counts as hanging."""

AWAY = 2.0
"""Seconds that a store stays away once it was killed."""

SHORT = ("--set", "train.epochs=2", "--set", "track.baseline=none", "--quiet", "--json")
MOMENT = re.compile(r"\+timestamp\+[\d+a-f-]+(?=\+compressed|\.)")
"""In the name of a picture, when it was made and by whom."""

SPEC, SWEEP = ROOT / "specs" / "mlp_digits.yaml", ROOT / "specs" / "sweep_digits.yaml"


@dataclass
class User:
    """Somebody with a folder, who runs commands against a store."""

    folder: Path
    variables: Mapping[str, str]

    def begin(self, *words: str | Path) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(self.folder / "state")} | self.variables
        command = [sys.executable, "-m", "nnrun", *map(str, words)]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def call(self, *words: str | Path) -> tuple[int, str, str]:
        """A command, waited for."""
        return ended(self.begin(*words))


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and complaints. Raises: TimeoutExpired."""
    try:
        out, err = process.communicate(timeout=LONG)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def interrupted(served: Served, is_begun: Sequence[str], kill: bool) -> Iterator[str]:
    """Kill all of the store once there are runs of these experiments in it, and start it again; what did not work."""
    client = MlflowClient(served.uri)
    wait_until(lambda: len(runs_of(client, *is_begun)) > 0, LONG)
    if not kill:
        return
    served.kill()
    time.sleep(AWAY)
    print(f"killed with -9, and answered {served.start():.1f} s after it was started again")
    if not runs_of(client, *is_begun):
        yield "runs that were there are gone"


def runs_of(client: MlflowClient, *experiments: str) -> list[Run]:
    found = [client.get_experiment_by_name(name) for name in experiments]
    return client.search_runs([one.experiment_id for one in found if one is not None], max_results=1000) if any(found) else []


def held(client: MlflowClient, run: Run) -> dict[str, Any]:
    """What a store has of a run, but for what the clock decides."""
    figures = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics if not key.startswith("system/")}
    models = client.search_logged_models([run.info.experiment_id])
    return {
        "status": run.info.status,
        "params": dict(run.data.params),
        "figures": {key: sorted((point.step, point.value) for point in points) for key, points in figures.items()},
        "files": sorted(MOMENT.sub("", path) for path in files(client, run.info.run_id)),
        "models": [str(model.status) for model in models if model.source_run_id == run.info.run_id],
    }


def files(client: MlflowClient, run_id: str, folder: str | None = None) -> Iterator[str]:
    for entry in client.list_artifacts(run_id, folder):
        yield from files(client, run_id, entry.path) if entry.is_dir else (entry.path,)


def delivered(user: User) -> Iterator[str]:
    """Let `nnrun sync` deliver what was late; what is left then."""
    end = time.monotonic() + LONG
    code, out, err = user.call("sync")
    while code and time.monotonic() < end:
        time.sleep(1.0)
        code, out, err = user.call("sync")
    if code:
        yield f"sync ends with {code}: {out}{err}"


def at_once(served: Served, folder: Path, count: int, kill: bool) -> Iterator[str]:
    """So many runs at once; what did not hold."""
    user, alone = User(folder, {"MLFLOW_TRACKING_URI": served.uri}), User(folder / "alone", {})
    alone.folder.mkdir()
    began = time.monotonic()
    commands = [user.begin(SPEC, *SHORT, "--seed", str(seed)) for seed in range(count)]
    yield from interrupted(served, ("mlp_digits",), kill)
    said = {}
    for seed, (code, out, err) in enumerate(map(ended, commands)):
        if code not in (0, 5):  # 5: not all of it is in the store yet
            yield f"seed {seed} ends with {code}: {err[-600:]}"
        else:
            said[seed] = json.loads(out)
    yield from delivered(user)
    late = sum(not one["delivered"] for one in said.values())
    print(f"{count} runs at once: {time.monotonic() - began:.1f} s; {late} ended while the store was away")

    code, out, err = alone.call(SPEC, *SHORT, "--seed", "0")
    local = MlflowClient(Store.from_environment(alone.folder, {}).uri)
    (measure,) = (held(local, run) for run in runs_of(local, "mlp_digits"))
    client = MlflowClient(served.uri)
    found = {int(run.data.params["train.seed"]): held(client, run) for run in runs_of(client, "mlp_digits")}
    if sorted(found) != list(range(count)) or len(runs_of(client, "mlp_digits")) != count:
        yield f"{len(runs_of(client, 'mlp_digits'))} runs of the seeds {sorted(found)}, where {count} were run"
    if found.get(0) != measure:
        yield f"the first run is not what it is in a store of this machine: {found.get(0)}\n{measure}"
    for seed, run in found.items():
        for what in ("status", "files", "models"):
            if run[what] != measure[what]:
                yield f"seed {seed}: {what} are {run[what]}, where {measure[what]} belong"
        kept = {key: points[-1][1] for key, points in run["figures"].items()}
        told = {key: value for key, value in said[seed]["figures"].items() if key in measure["figures"]} if seed in said else {}
        if {key: kept.get(key) for key in told} != told or len(told) < len(measure["figures"]) - 1:  # `train/loss` is not printed
            yield f"seed {seed}: the figures are {kept}, where the run ended with {told}"
    listed = json.loads(user.call("runs", "mlp_digits", "--json", "--all")[1])
    if len(listed) != count:
        yield f"`nnrun runs` lists {len(listed)} of {count}"


def swept(served: Served, folder: Path, trials: int, kill: bool) -> Iterator[str]:
    """A sweep of two workers; what did not hold."""
    user = User(folder, {"MLFLOW_TRACKING_URI": served.uri})
    began = time.monotonic()
    command = user.begin("sweep", SWEEP, "--workers", "2", "--trials", str(trials), *SHORT)
    yield from interrupted(served, ("sweep_digits",), kill)
    code, out, err = ended(command)
    if code not in (0, 5):
        yield f"the sweep ends with {code}: {err[-600:]}"
        return
    yield from delivered(user)
    print(f"a sweep of {trials} trials: {time.monotonic() - began:.1f} s")
    client, said = MlflowClient(served.uri), json.loads(out)
    runs = {run.info.run_id: run for run in runs_of(client, "sweep_digits")}
    below = [run for run in runs.values() if run.data.tags.get("mlflow.parentRunId") == said["run_id"]]
    if runs[said["run_id"]].info.status != "FINISHED":
        yield f"the run of the sweep is {runs[said['run_id']].info.status}"
    if sorted(int(run.data.tags["trial"]) for run in below) != list(range(trials)):
        yield f"trials {sorted(run.data.tags['trial'] for run in below)}, where {trials} were run"
    for run in below:
        wanted = "KILLED" if "pruned" in run.data.tags else "FINISHED"
        if run.info.status != wanted or "valid/loss" not in run.data.metrics:
            yield f"trial {run.data.tags['trial']} is {run.info.status} with {sorted(run.data.metrics)}"


def campaign(runs: int, trials: int, kill: bool = True) -> list[str]:
    """What did not hold."""
    with team() as served, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        print(f"a new store: answers after {served.start():.1f} s")
        failed = [*at_once(served, Path(place), runs, kill), *swept(served, Path(place), trials, kill)]
        served.stop()
        print(f"stopped, and started again: answers after {served.start():.1f} s")
        client = MlflowClient(served.uri)
        if len(runs_of(client, "mlp_digits", "sweep_digits")) != runs + trials + 1:
            failed.append("runs are gone after a stop")
        return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--trials", type=int, default=6)
    given = parser.parse_args()
    quiet()
    began = time.monotonic()
    failed = campaign(given.runs, given.trials)
    print(*failed, f"{time.monotonic() - began:.0f} s in all", "held" if not failed else f"{len(failed)} did not hold", sep="\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
