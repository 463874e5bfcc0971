"""Data that memory does not hold: peak memory and speed of a training from the disk, beside the same rows in memory.

    python tests/benchmarks/on_disk.py [--gigabytes 3] [--pictures 20000] [--rounds 3] [--folder FOLDER] [--json FILE]

A Parquet file of vectors and a folder of pictures are made, in a folder that is thrown away. Each is trained on from the disk, first while
it is prepared and then as it was prepared, and from memory, in turns, each run a command of its own; a run from the disk is killed in
the middle of an epoch and goes on, and must end with the same figures to the bit. Exit code 1 if it does not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]

WIDE, GROUP = 384, 5000
"""Numbers of a vector, and rows of a group."""

SPEC = """\
nnrun: 1
name: {name}
data:
  source: {source}
  fields: {{{field}, y: {{type: category, column: {label}}}}}
nodes:
  hidden: {{type: linear, units: 64, activation: relu}}
  scores: {{type: linear, units: y}}
edges: [{edges} -> hidden -> scores]
train:
  loss: {{type: cross_entropy, input: scores, target: y}}
  optimizer: {{type: adam, lr: 0.001}}
  batch_size: 128
  epochs: {epochs}
  checkpoint: {{every: 2s}}
metrics: [accuracy]
track: {{baseline: none}}
"""


def vectors(folder: Path, gigabytes: float) -> Path:
    """A file of so much, and its spec."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, WIDE)).astype("float32")
    schema = pa.schema([("x", pa.list_(pa.float32())), ("label", pa.string())])
    with ParquetWriter(folder / "vectors.parquet", schema, compression="none") as writer:
        for _ in range(int(gigabytes * 1e9 / (4 * WIDE * 4 * GROUP))):
            label = rng.integers(0, 10, 4 * GROUP)
            x = centres[label] + 6 * rng.standard_normal((4 * GROUP, WIDE), dtype="float32")
            lists = pa.ListArray.from_arrays(np.arange(0, x.size + 1, WIDE, dtype="int32"), x.ravel())
            writer.write_table(pa.table({"x": lists, "label": [f"class {one}" for one in label]}, schema=schema), row_group_size=GROUP)
    source, one = "{source: parquet, file: vectors.parquet}", f"x: {{type: vector, size: {WIDE}, normalize: standard}}"
    text = SPEC.format(name="vectors", source=source, field=one, label="label", edges="x", epochs=2)
    (folder / "vectors.yaml").write_text(text)
    return folder / "vectors.yaml"


def pictures(folder: Path, count: int) -> Path:
    """A folder of so many pictures, and its spec."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in range(10):
        (folder / "pictures" / f"class {label}").mkdir(parents=True)
    for number in range(count):
        pixels = rng.integers(0, 128, (48, 48, 3), dtype="uint8")
        pixels[:, 4 * (number % 10) : 4 * (number % 10) + 4] += 60
        Image.fromarray(pixels).save(folder / "pictures" / f"class {number % 10}" / f"{number}.png")
    source, one = "{source: image_folder, folder: pictures}", "x: {type: image, column: image, normalize: standard}"
    text = SPEC.format(name="pictures", source=source, field=one, label="label", edges="x -> flat", epochs=4)
    (folder / "pictures.yaml").write_text(text.replace("nodes:\n", "nodes:\n  flat: {type: flatten}\n"))
    return folder / "pictures.yaml"


def command(spec: Path, keep: str) -> list[str]:
    return [sys.executable, "-m", "nnrun", spec.name, "--json", "--quiet", "--set", f"data.keep={keep}"]


def measured(words: list[str], folder: Path) -> dict[str, Any]:
    """What a run says, the most memory that it had, and its seconds."""
    began = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, env=os.environ | about(folder), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{words} ended with {status}")
    answer: dict[str, Any] = json.loads(said)
    return {**answer, "memory": usage.ru_maxrss * 1024, "whole": time.perf_counter() - began}


def about(folder: Path) -> dict[str, str]:
    places = {"XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"}
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}", "PYTHONPATH": str(ROOT)}
    return {**store, **{name: str(folder / place) for name, place in places.items()}}


def killed_and_resumed(spec: Path, folder: Path) -> dict[str, Any]:
    """The figures of a run that was killed in the middle of its training, once it was saved."""
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    process = subprocess.Popen(command(spec, "disk"), cwd=folder, env=os.environ | about(folder), stdout=subprocess.DEVNULL)
    while not list(state.rglob("*.safetensors")):
        if process.poll() is not None:
            sys.exit("the run was over before it was saved")
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    words = [sys.executable, "-m", "nnrun", "resume", "--json", "--quiet"]
    done = subprocess.run(words, cwd=folder, env=os.environ | about(folder), stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout)["figures"])


def compared(spec: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """From the disk and from memory, in turns; then the run that is killed."""
    first = measured(command(spec, "disk"), folder)
    disk, memory = [], []
    for _ in range(rounds):
        disk.append(measured(command(spec, "disk"), folder))
        memory.append(measured(command(spec, "memory"), folder))

    def speed(runs: list[dict[str, Any]]) -> float:
        return statistics.median(1 / run["seconds"] for run in runs)

    resumed = killed_and_resumed(spec, folder)
    same = all(figure == resumed[name] for name, figure in first["figures"].items() if not name.startswith("system/"))
    return {
        "examples": first["figures"]["system/examples_per_second"],
        "peak while prepared": first["memory"],
        "peak from the disk": max(run["memory"] for run in disk),
        "peak from memory": max(run["memory"] for run in memory),
        "speed / memory": speed(disk) / speed(memory),
        "seconds, prepared first": first["whole"],
        "seconds from the disk": statistics.median(run["whole"] for run in disk),
        "seconds from memory": statistics.median(run["whole"] for run in memory),
        "resumed to the bit": same,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=3)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for what, spec in (("vectors", vectors(folder, options.gigabytes)), ("pictures", pictures(folder, options.pictures))):
            found[what] = compared(spec, folder, options.rounds)
            for title, value in found[what].items():
                shown = f"{value / 1e9:.2f} GB" if title.startswith("peak") else f"{value:.2f}" if isinstance(value, float) else value
                print(f"{what:<10} {title:<26} {shown}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1))
    sys.exit(0 if all(one["resumed to the bit"] for one in found.values()) else 1)


if __name__ == "__main__":
    main()
