"""Specs, data, models and caches of strangers: each is refused in words, touches nothing outside of its folder, runs nothing, and takes
at most 5 seconds of a processor and 1 GiB.

    python -m tests.faults.attacks [--count N] [--seed S]

Each attack has a process of its own, forked from one that has loaded what a run needs. In it an audit hook ends everything at the first
program, connection, pickle or file written elsewhere.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.children import rss

SECONDS, MEMORY, PATIENCE = 5.0, 1 << 30, 300.0
"""What an attack may take of a processor and of memory, and how long it is waited for on a busy machine."""

FORBIDDEN = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn", "socket.connect", "pickle.find_class",
    "ctypes.dlopen",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Attack:
    """`plant` puts it into a folder, `meet` is what the user does; it ends in a fault, or says what was found."""

    name: str
    plant: Callable[[Path], None]
    meet: Callable[[Path], str]
    harmless: bool = False
    """Whether it may also be read as what it is: data."""


class Touched(BaseException):
    """Something was done that no reading does; no `except Exception` takes it."""


def watch(folder: Path) -> None:
    """From now on nothing is run, and nothing is written outside of a folder."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FORBIDDEN:
            raise Touched(f"{event} {arguments!r:.200}")
        if event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & WRITES:
            place = Path(os.fsdecode(arguments[0])).absolute()
            if not place.is_relative_to(folder) and not place.is_relative_to("/dev/null"):
                raise Touched(f"{place} is opened for writing")

    sys.addaudithook(hook)


def met(attack: Attack, folder: Path) -> str:
    """How it ended: `refused: …`, `read`, or what went wrong."""
    from nnrun.registry.fault import Fault
    from nnrun.runner.compiler.check import SpecErrors

    try:
        found = attack.meet(folder)
    except SpecErrors as errors:
        return f"refused: {' '.join(errors.checked.report.ids)}"
    except Fault as fault:
        return f"refused: {fault.id} {fault.message[:200]}" if fault.message else "a fault without a word"
    except BaseException as error:
        return f"{'TOUCHED' if isinstance(error, Touched) else 'TRACEBACK'}: {''.join(traceback.format_exception(error))[-1500:]}"
    if found:
        return f"refused: {found}"
    return "read" if attack.harmless else "NOT REFUSED"


def tried(attack: Attack) -> str | None:
    """What did not hold; None where all did."""
    with tempfile.TemporaryDirectory() as place:
        folder, outside = Path(place, "stranger"), Path(place, "outside")
        folder.mkdir()
        outside.mkdir()
        (outside / "secret.csv").write_text("x,y\nsecret,1\n")
        attack.plant(folder)
        before = listed(outside)
        result = Path(place, "result")
        handle = os.open(result, os.O_CREAT | os.O_WRONLY)
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            sys.stdout = sys.stderr = io.StringIO()
            warnings.simplefilter("ignore")
            start = rss()
            watch(folder)
            said = met(attack, folder)
            os.write(handle, f"{rss() - start}\n{said}".encode(errors="replace"))
            os._exit(0)
        os.close(handle)
        status, used = waited(child)
        memory, _, said = result.read_text(errors="replace").partition("\n")
        if status != 0:
            return f"ended with {status}"
        if used > SECONDS:
            return f"took {used:.1f} seconds of a processor: {said}"
        if int(memory) > MEMORY:
            return f"took {int(memory):,} bytes: {said}"
        if listed(outside) != before or Path(place, "ran").exists():
            return f"something was run or written outside: {said}"
        return None if said.startswith(("refused: ", "read")) else said


def waited(child: int) -> tuple[int, float]:
    until = time.monotonic() + PATIENCE
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return status, usage.ru_utime + usage.ru_stime
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)


def listed(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def warm() -> None:
    """Load what a run loads, so that each attack finds it, and take nothing for granted that is loaded late."""
    from PIL import Image

    import nnrun.runner.engine.inference.predict
    import nnrun.runner.run  # noqa: F401
    from tests.faults.support import model, read_spec, sound

    Image.init()
    with tempfile.TemporaryDirectory() as place:
        sound(Path(place))
        read_spec(Path(place))
        model(Path(place, "model"))


def campaign(count: int | None, seed: int) -> tuple[int, list[str]]:
    """How many were tried, and what did not hold."""
    from tests.faults.bombs import bombs
    from tests.faults.paths import paths
    from tests.faults.payloads import payloads

    warm()
    groups = {"payloads": payloads(), "paths": paths(), "bombs": bombs()}
    rng, failed, tries = random.Random(seed), [], 0
    for title, attacks in groups.items():
        twice = [name for name, times in Counter(attack.name for attack in attacks).items() if times > 1]
        assert not twice, twice
        chosen = attacks if count is None else rng.sample(attacks, max(1, count * len(attacks) // sum(map(len, groups.values()))))
        for attack in chosen:
            tries += 1
            if (wrong := tried(attack)) is not None:
                failed.append(f"{title}: {attack.name}: {wrong}")
                print(failed[-1], flush=True)
        print(f"{title}: {len(chosen)} tried", flush=True)
    return tries, failed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, help="how many, drawn by chance; all otherwise")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    started = time.monotonic()
    tries, failed = campaign(given.count, given.seed)
    print(f"{tries - len(failed)} of {tries} held, in {time.monotonic() - started:.0f} s")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
