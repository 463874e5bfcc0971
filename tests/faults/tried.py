"""A process that puts mutants through the commands, and watches what they do."""

from __future__ import annotations

import json
import os
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from click.testing import CliRunner

from nnrun.runner.cli.group import main
from nnrun.runner.compiler.text.source import dump
from nnrun.runner.compiler.text.visible import visible
from tests.faults.children import rss
from tests.faults.mutants import CANARY, FILES, Mutant, mutant, specs
from tests.faults.watch import Watch

SECONDS = 5.0
"""Of the processor, for one command."""

GIGABYTE = 1 << 30

SHOWN = 16
"""Of so many mutants with errors one goes through all the other commands, too; of those without errors all do."""

TRAPS = ("link.csv", "pipe")
"""Lie in the folder, and are never opened: one leads out of it, the other never answers."""


class TooSlow(BaseException):
    """A command took more than its time. Not an Exception: nothing on the way up may take it for an error."""


@dataclass(frozen=True)
class Tried:
    """What became of a mutant; as long as it is being tried, only its number is known."""

    number: int
    over: bool = False
    wrong: str = ""
    seconds: float = 0.0
    """Of the slowest command."""
    megabytes: int = 0
    """The most that the process ever used."""


def work(numbers: range, seed: int, pipe: Connection) -> None:
    """Try mutants, and tell before and after each; None says that it is over."""
    os.environ.update(NO_COLOR="1", COLUMNS="120")
    signal.signal(signal.SIGPROF, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        worker = Worker(planted(Path(place)))
        os.chdir(worker.folder)
        for number in numbers:
            pipe.send(Tried(number))
            pipe.send(worker.tried(mutant(number, seed)))
    pipe.send(None)


def planted(folder: Path) -> Path:
    """A folder with a spec's files, some of which are traps."""
    own = folder / "spec"
    (own / "inside").mkdir(parents=True)
    (folder / "outside.csv").write_text("x,y\n1,secret\n")
    for table in (own / "table.csv", own / "inside" / "table.csv"):
        table.write_text("x,y,text\n1,2,a\n")
    (own / "tokens.json").write_text("{}")
    (own / "mask.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (own / "arrays.npz").write_bytes(b"PK\x05\x06" + bytes(18))
    (own / "link.csv").symlink_to(folder / "outside.csv")
    os.mkfifo(own / "pipe")
    (own / "before.yaml").write_text(dump(specs()["mlp_digits"]), encoding="utf-8")
    return own


@dataclass
class Worker:
    """Tries mutants, one after the other, in a folder."""

    folder: Path
    watch: Watch = field(default_factory=Watch)
    runner: CliRunner = field(default_factory=CliRunner)
    explained: set[str] = field(default_factory=set)
    """Findings whose pages were looked up."""
    slowest: float = 0.0

    def tried(self, one: Mutant) -> Tried:
        (self.folder / "spec.yaml").write_text(one.text, encoding="utf-8", errors="surrogateescape")
        untrusted = one.number % 4 >= 2
        texts = " ".join([one.text, *one.settings])
        named = [] if untrusted else [name for name in FILES if name in texts and name not in TRAPS]
        allowed = [self.folder / name for name in (".", "spec.yaml", "before.yaml", *named)]
        self.slowest, wrong = 0.0, ""
        asked = commands(one, untrusted)
        words: list[str] | None = next(asked)
        while words is not None and not wrong:
            with self.watch.over(*allowed) as seen:
                fine, wrong = self.ended(words)
            wrong = wrong or (f"did {seen[:3]}" if seen else "") or ("ran code" if Path(CANARY).exists() else "")
            wrong = f"`nnrun {' '.join(words)[:60]}` {wrong}" if wrong else ""
            try:
                words = asked.send(fine)
            except StopIteration:
                words = None
        most = rss() >> 20
        return Tried(one.number, True, f"{one.what}: {wrong}" if wrong else "", self.slowest, most)

    def ended(self, words: list[str]) -> tuple[bool, str]:
        """Whether a command ended well, and what was wrong with how it did."""
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            done = self.runner.invoke(main, words)
        except TooSlow as slow:
            return False, f"took more than {SECONDS} s, in {slow}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            self.slowest = max(self.slowest, time.process_time() - began)
        fine, error = done.exit_code == 0, done.exception
        if error is not None and not isinstance(error, SystemExit):
            *_, last = traceback.extract_tb(error.__traceback__)
            return False, f"ended in {type(error).__name__}: {error!s:.120} at {last.filename}:{last.lineno}"
        if done.exit_code not in (0, 1):
            return fine, f"ended with {done.exit_code}: {done.output[-200:]}"
        hidden = next((sign for sign in done.output if visible(sign) != sign), None)
        if hidden is not None:
            return fine, f"printed {hidden!r}"
        if "--json" in words:
            for id in {finding["id"] for finding in json.loads(done.stdout)} - self.explained:
                self.explained.add(id)
                if self.runner.invoke(main, ["explain", id]).exit_code:
                    return fine, f"has a finding `{id}` without a page"
        return fine, ""


def commands(one: Mutant, untrusted: bool) -> Generator[list[str], bool, None]:
    """What is asked about a mutant. Each is answered whether it ended well."""
    given = ["spec.yaml", *(part for setting in one.settings for part in ("--set", setting))]
    fine = yield ["check", *given, *(["--untrusted"] if untrusted else [])]
    if not untrusted and (fine or one.number // 2 % SHOWN == 0):
        yield ["check", *given, "--json"]
        yield ["check", *given, "--format", "github"]
        yield from (["show", *given, *how] for how in ([], ["--plan"], ["--resolved"]))
        yield from (["show", *given, "--graph", form] for form in ("text", "dot", "svg"))
        yield ["diff", "before.yaml", *given]


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "")
