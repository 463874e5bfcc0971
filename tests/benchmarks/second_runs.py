"""Data that is read anew beside data as it was prepared before: seconds until the first step, of a second run and of the first.

    python tests/benchmarks/second_runs.py [--json FILE] [--rounds 3] [--only TEXT]

A table of numbers, a folder of pictures, a table of texts. By the profile that a run tells of itself: the stretch `data`, which ends
before the network is built. What is found is proved beside the training; what that takes is told, too: by a run of one step the
processor time of all of the process, of a second run and of the first.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from report import Row, options, report

ROWS, PICTURES, TEXTS = 300_000, 5_000, 30_000

HEAD = "nnrun: 1\nname: second\n"
TRAIN = "train: {loss: {type: cross_entropy, input: scores, target: label}, steps: 1}\ntrack: {baseline: none}\n"


def numbers(folder: Path) -> str:
    rng = np.random.default_rng(0)
    columns = [f"x{number}" for number in range(20)]
    rows = rng.normal(size=(ROWS, len(columns)))
    with (folder / "t.csv").open("w") as file:
        file.write(",".join([*columns, "label"]) + "\n")
        np.savetxt(file, np.hstack([rows, rows[:, :1] > 0]), fmt="%.6g", delimiter=",")
    fields = f"{{x: {{type: vector, normalize: standard, columns: [{', '.join(columns)}]}}, label: {{type: category}}}}"
    data = f"data: {{source: {{source: csv, file: t.csv}}, fields: {fields}}}\n"
    return data + "nodes: {scores: {type: linear, units: label}}\nedges: [x -> scores]\n"


def pictures(folder: Path) -> str:
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        place = folder / "pictures" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(place / f"{number}.jpg")
    data = "data: {source: {source: image_folder, folder: pictures}, fields: {image: {type: image}, label: {type: category}}}\n"
    return data + "nodes: {flat: {type: flatten}, scores: {type: linear, units: label}}\nedges: [image -> flat -> scores]\n"


def texts(folder: Path) -> str:
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in range(20_000)]
    with (folder / "t.csv").open("w") as file:
        file.write("text,label\n")
        for row in range(TEXTS):
            file.write(" ".join(words[int(word)] for word in rng.zipf(1.3, 150) % len(words)) + f",{row % 2}\n")
    nodes = "nodes: {embed: {type: embedding, units: 4}, mean: {type: pool_time}, scores: {type: linear, units: label}}\n"
    fields = "{text: {type: text}, label: {type: category}}"
    return f"data: {{source: {{source: csv, file: t.csv}}, fields: {fields}}}\n{nodes}edges: [text -> embed -> mean -> scores]\n"


WORKS: dict[str, tuple[Callable[[Path], str], str]] = {
    "numbers": (numbers, f"{ROWS:,} rows of 20 in a CSV file"),
    "pictures": (pictures, f"{PICTURES:,} pictures of 64 x 64 in a folder"),
    "texts": (texts, f"{TEXTS:,} texts of 150 words in a CSV file"),
}


def run(folder: Path) -> tuple[float, float]:
    """Seconds until the data is there, and of a processor in all."""
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state"), "OMP_NUM_THREADS": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-m", "nnrun", "spec.yaml", "--json", "--quiet", "--profile"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = json.loads(process.stdout.read())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"`nnrun` ended with {process.returncode} in {folder}")
    return said["profile"]["data"], used.ru_utime + used.ru_stime


def measure(work: str, rounds: int) -> Iterator[Row]:
    make, size = WORKS[work]
    with tempfile.TemporaryDirectory(prefix="nnrun-second-") as place:
        folder = Path(place)
        (folder / "spec.yaml").write_text(HEAD + make(folder) + TRAIN)
        run(folder)  # makes the store
        first, second = [], []
        for _ in range(rounds):
            shutil.rmtree(folder / "cache", ignore_errors=True)
            first.append(run(folder))
            second.append(run(folder))
            time.sleep(0.5)  # the process beside may still deliver
    for place_of, name, limit in ((0, "data, second run / first", 0.5), (1, "processor, second run / first", None)):
        ours, theirs = (statistics.median(one[place_of] for one in several) for several in (second, first))
        yield Row(f"{work}: {name}", size, ours / theirs, limit, f"{ours:.3f} / {theirs:.3f} s")


def main() -> None:
    arguments = options(__doc__, 3, "a part of the name of a work").parse_args()
    report((row for work in WORKS if arguments.only in work for row in measure(work, arguments.rounds)), (), arguments.json)


if __name__ == "__main__":
    main()
