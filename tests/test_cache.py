"""The command on large files: a second run finds what the first prepared, and is stopped where that is not what the files hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mlflow import MlflowClient

from nnrun.runner.tracking.store import sqlite_uri
from tests.tracking.support import ROOT, copied

SPEC = """\
nnrun: 1
name: large
data:
  source: {source: csv, file: large.csv}
  fields: {x: {type: vector, columns: [a, b]}, y: {type: category}}
nodes: {scores: {type: linear, units: y}}
edges: [x -> scores]
train: {loss: {type: cross_entropy, input: scores, target: y}, epochs: 3, batch_size: 5000}
metrics: [accuracy]
"""


def nnrun(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
        "COLUMNS": "200",
    }
    return subprocess.run([sys.executable, "-m", "nnrun", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_second_run_starts_from_what_the_first_prepared(tmp_path: Path, template: Path) -> None:
    copied(template, tmp_path)
    (tmp_path / "large.yaml").write_text(SPEC)
    table = tmp_path / "large.csv"
    rows = (f"{row * 7919 % 1009}.5,{row * 31 % 97}.25,{'no' if row % 3 else 'yes'}" for row in range(80_000))
    table.write_text("\n".join(["a,b,y", *rows, ""]))
    assert nnrun(tmp_path, "cache").stdout == "nothing is kept\n"

    first, second = (nnrun(tmp_path, "large.yaml", "--json") for _ in range(2))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stderr.startswith("reading csv\n")
    assert second.stderr.startswith("`large.csv` as it was prepared before; it is read again beside the training\n")
    ours, theirs = (json.loads(done.stdout) for done in (first, second))
    assert {name: figure for name, figure in ours["figures"].items() if not name.startswith("system/")} == {
        name: figure for name, figure in theirs["figures"].items() if not name.startswith("system/")
    }
    client = MlflowClient(sqlite_uri(tmp_path / "mlflow.db"))
    assert len({client.get_run(one["run_id"]).data.tags["data_hash"] for one in (ours, theirs)}) == 1
    (row,) = json.loads(nnrun(tmp_path, "cache", "--json").stdout)
    assert row["what"] == f"data of {table}"

    about = table.stat()
    table.write_text(table.read_text().replace("yes", "no ", 1))
    os.utime(table, ns=(about.st_atime_ns, about.st_mtime_ns))
    third = nnrun(tmp_path, "large.yaml")

    assert third.returncode == 1
    assert f"error[changed-data]: `{table}` is not what this run learned from" in third.stderr
    newest = client.search_runs([client.get_run(ours["run_id"]).info.experiment_id], max_results=1)[0]
    assert newest.info.status == "FAILED"
    assert nnrun(tmp_path, "cache").stdout == "nothing is kept\n"
    assert nnrun(tmp_path, "large.yaml").returncode == 0
    assert nnrun(tmp_path, "cache", "clear").stdout.startswith("cleared ")
    assert nnrun(tmp_path, "cache").stdout == "nothing is kept\n"
