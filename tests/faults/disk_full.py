"""A disk that is full, under each place that is written to: `python -m tests.faults.disk_full --count 100`.

Small disks are mounted, which needs root. What was there stays as it was;
the fault is said or waited out; when there is room again, nothing is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from nnrun.runner.tracking.store import Store, sqlite_uri
from tests.faults.recorded import deliver, ended, quiet, start, wrong
from tests.faults.victims import Left, environment, left, write
from tests.tracking.support import ROOT

Place = Callable[[Path, random.Random], Iterator[str]]

BALLAST = "ballast"
SIZE = 4_000_000
"""Bytes of a small disk."""

FULL = "no space left on device"
SQLITE_FULL = "database or disk is full"


@contextmanager
def small_disk(place: Path, size: int = SIZE) -> Iterator[Path]:
    """A file system of its own at `place`, of so many bytes. Raises: OSError where none may be mounted."""
    place.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def may_mount() -> bool:
    """Whether this process may mount a disk."""
    try:
        with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder, "disk")):
            return True
    except OSError:
        return False


def fill(disk: Path, room: int) -> None:
    """Leave so many bytes of a disk."""
    free = os.statvfs(disk)
    with contextlib.suppress(OSError):  # who writes at the same time has taken some of it
        (disk / BALLAST).write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - room)))


def journal(folder: Path, chance: random.Random) -> Iterator[str]:
    """The folder of what MLflow has not got yet fills up in the middle of a training, and there is room again before its end."""
    store = made(folder)
    with small_disk(folder / "state") as disk:
        training = start(store, disk / "outbox", "run", 300, 8, chance.randint(100, 100_000))
        started = wait_for(disk / "outbox", "*/start.json")
        time.sleep(chance.uniform(0, 2))
        fill(disk, chance.randint(0, 8000))
        time.sleep(chance.uniform(0.5, 3))
        (disk / BALLAST).unlink()
        end = ended(training)
        yield from [] if started and not end.get("missing", 1) else [f"it ends with {end}"]
        yield from [*deliver(disk / "outbox"), *wrong(store, {"run": 300})]


def lost_journal(folder: Path, chance: random.Random) -> Iterator[str]:
    """The same, but there is no room until all is over: the training ends by itself, and says what is lost."""
    store = made(folder)
    with small_disk(folder / "state") as disk:
        training = start(store, disk / "outbox", "run", 300, 4, 100_000)
        wait_for(disk / "outbox", "*/start.json")
        fill(disk, chance.randint(0, 30_000))
        end = ended(training)
        told = "records of this run are lost" in str(end.get("message")) and FULL in " ".join(end.get("said", ()))
        yield from [] if told else [f"it ends with {end}"]


def checkpoint(folder: Path, chance: random.Random) -> Iterator[str]:
    """The disk that a training is saved on fills up in its middle: it goes on, or is killed and goes on when there is room again."""
    with small_disk(folder / "state") as disk:
        words = [long_training(folder)]
        training = nnrun(folder, *words)
        started = wait_for(disk, "nnrun/outbox/*/checkpoints/0*")
        time.sleep(chance.uniform(0, 1))
        fill(disk, chance.randint(0, 60_000))
        time.sleep(chance.uniform(0.5, 2))
        if chance.random() < 0.5:
            training.kill()
            training.communicate()
            words = ["resume"]
        (disk / BALLAST).unlink()
        if words == ["resume"]:
            training = nnrun(folder, *words)
        said, _ = training.communicate(timeout=600)
        yield from [] if started and training.returncode == 0 else [f"exit code {training.returncode}: {said[-1500:]}"]
        yield from left(folder).differences(undisturbed())


@cache
def undisturbed() -> Left:
    """What that training leaves behind where there is room."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nnrun(folder, long_training(folder)).communicate(timeout=600)
        return left(folder)


def long_training(folder: Path) -> str:
    """The spec of a training that the disk is full in the middle of, not at the end of."""
    spec = write(folder, "lstm")
    spec.write_text(spec.read_text().replace("epochs: 6", "epochs: 40"))
    return spec.name


def nnrun(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The command, in a folder where it leaves all it writes."""
    command = [sys.executable, "-m", "nnrun", *words]
    changed = environment(folder) | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=changed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def artifacts(folder: Path, chance: random.Random) -> Iterator[str]:
    """The folder of MLflow's files has no room for that of the run."""
    store = made(folder)
    with small_disk(folder / "mlruns") as disk:
        (disk / "mine").write_text("mine")
        fill(disk, chance.randint(0, 90_000))
        yield from kept_and_delivered(store, folder, disk, FULL, 100_000)
        yield from [] if (disk / "mine").read_text() == "mine" else ["another file was damaged"]


def store_full(folder: Path, chance: random.Random) -> Iterator[str]:
    """The disk of the database fills up."""
    with small_disk(folder / "disk") as disk:
        store = made(disk)
        assert store.database is not None
        fill(disk, chance.randint(0, 8000))
        yield from kept_and_delivered(store, folder, disk, SQLITE_FULL, 100)
        yield from whole(store.database)


def store_new(folder: Path, chance: random.Random) -> Iterator[str]:
    """The disk has no room for a new database."""
    with small_disk(folder / "disk") as disk:
        store = Store(sqlite_uri(disk / "mlflow.db"))
        fill(disk, chance.randint(0, 700_000))
        yield from kept_and_delivered(store, folder, disk, SQLITE_FULL, 100)


def data(folder: Path, chance: random.Random) -> Iterator[str]:
    """The cache of fetched data has no room for an archive."""
    fetch = (
        "from nnrun.registry.data.fetch import source_archive; from nnrun.registry.sources.movie_reviews import _SHA256; "
        "source_archive('vaderSentiment', '3.3.2', _SHA256)"
    )
    with small_disk(folder / "cache", 16 * SIZE) as disk:  # pip unpacks what it fetches
        yield from said_and_mended(disk, chance.randint(0, 100_000), fetch, FULL)


def compiled(folder: Path, chance: random.Random) -> Iterator[str]:
    """The cache of compiled loops has no room for another."""
    build = (
        "from nnrun.runner.engine.loops.code.native_build import build; "
        f"assert build('extern \"C\" int f() {{ return {chance.randint(0, 999)}; }}', 'extern \"C\" int g() {{ return 1; }}').f() >= 0"
    )
    with small_disk(folder / "cache") as disk:
        yield from said_and_mended(disk, chance.randint(0, 12_000), build, FULL)


PLACES: tuple[Place, ...] = (journal, checkpoint, artifacts, store_full, compiled, store_new, lost_journal, data)


def kept_and_delivered(store: Store, folder: Path, disk: Path, why: str, size: int) -> Iterator[str]:
    """A training whose store has no room keeps its record, and it is delivered when there is some."""
    outbox = folder / "outbox"
    end = ended(start(store, outbox, "run", 300, 1, size))
    if end.get("missing", 1):
        told = "`nnrun sync` delivers" in str(end.get("message")) and (why in str(end["message"]) or FULL in str(end["message"]))
        yield from [] if told else [f"it ends with {end}"]
    (disk / BALLAST).unlink()
    yield from [*deliver(outbox), *wrong(store, {"run": 300})]


def said_and_mended(disk: Path, room: int, code: str, why: str) -> Iterator[str]:
    """Code that needs a cache says why it has no room, leaves alone what is there, and works when there is some."""
    (disk / "nnrun").mkdir()
    (disk / "nnrun" / "mine").write_text("mine")
    fill(disk, room)
    first = in_cache(disk, code)
    if first.returncode and why not in first.stderr.lower():
        yield f"it says {first.stderr[-600:]}"
    (disk / BALLAST).unlink()
    again = in_cache(disk, code)
    if again.returncode:
        yield f"with room it says {again.stderr[-600:]}"
    if (disk / "nnrun" / "mine").read_text() != "mine":
        yield "another file was damaged"


def in_cache(disk: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(disk)}
    return subprocess.run([sys.executable, "-c", code], cwd=disk, env=environment, capture_output=True, text=True, check=False)


def whole(database: Path) -> Iterator[str]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(database)) as connection:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    yield from [] if said == ["ok"] else [f"the database is damaged: {said}"]


def made(folder: Path) -> Store:
    """A store that is there, copied from one that was made once."""
    store = Store(sqlite_uri(folder / "mlflow.db"))
    template = Path(tempfile.gettempdir(), f"nnrun-faults-{os.getpid()}.db")
    if not template.exists():
        Store(sqlite_uri(template)).create()
    assert store.database is not None
    shutil.copy(template, store.database)
    return store


def wait_for(folder: Path, pattern: str) -> bool:
    end = time.monotonic() + 60
    while not any(folder.glob(pattern)) and time.monotonic() < end:
        time.sleep(0.05)
    return any(folder.glob(pattern))


def campaign(count: int, seed: int, at_once: int = 1, say: Callable[[str], None] = print) -> int:
    """How many of `count` full disks held, some at once, for most of the time is waited."""

    def case(number: int) -> bool:
        place = PLACES[number % len(PLACES)]
        with tempfile.TemporaryDirectory() as folder:
            failed = list(place(Path(folder), random.Random(f"{seed} {number}")))
        for line in failed:
            say(f"{number} {place.__name__}: {line}")
        return not failed

    with tempfile.TemporaryDirectory() as folder:
        made(Path(folder))  # the template of all stores, once
    undisturbed()
    with ThreadPoolExecutor(at_once) as pool:
        return sum(pool.map(case, range(count)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=4)
    given = parser.parse_args()
    quiet()
    began = time.monotonic()
    held = campaign(given.count, given.seed, given.at_once)
    print(f"{time.monotonic() - began:.0f} s in all")
    print(f"{held} of {given.count} held")
    sys.exit(held != given.count)


if __name__ == "__main__":
    main()
