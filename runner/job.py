"""A spec to run, as it was given."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.compiler.text.source import MAX_BYTES
from nnrun.runner.untrusted.inside import LeadsOut, read_inside

STANDARD_INPUT = "-"


class SpecNotFound(Fault):
    """There is no such file."""

    kind = "missing"
    id = "no-spec"


@dataclass(frozen=True)
class Job:
    """A spec to run, as it was given."""

    text: str
    name: str = "spec"
    """How it is called in messages."""
    settings: tuple[str, ...] = ()
    """`path=value` texts that change it."""
    path: Path | None = None
    """The file, if it is one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that its run gets beside its own."""
    is_trial: bool = False
    """It is a trial of its own sweep, of which no other is looked at."""
    is_trusted: bool = True
    """Where it is not, nothing is opened but the spec itself."""
    begun_in: Path | None = None
    """The folder that was current, where it is not the current one."""
    continues: str | None = None
    """The folder of the run that it goes on from, where it is to go on from the end of another."""

    @staticmethod
    def of(name: str, settings: Sequence[str] = (), is_trusted: bool = True) -> Iterator[Job]:
        """The spec of a file, those of a folder, or with `-` that of standard input. Raises: SpecNotFound."""
        if name == STANDARD_INPUT:
            yield Job(sys.stdin.read(MAX_BYTES + 1), "standard input", tuple(settings), is_trusted=is_trusted)
        elif Path(name).is_dir():
            yield from (Job.read(file, settings, is_trusted, Path(name)) for file in sorted(Path(name).rglob("*.yaml")))
        else:
            yield Job.read(Path(name), settings, is_trusted)

    @staticmethod
    def read(path: Path, settings: Sequence[str] = (), is_trusted: bool = True, folder: Path | None = None) -> Job:
        """The spec of a file, which may be one of a folder. Raises: SpecNotFound, with the nearest name that is there."""
        if not path.is_file():
            beside = path.parent if path.parent.is_dir() else Path()
            near = difflib.get_close_matches(path.name, [file.name for file in beside.glob("*.y*ml")], n=1)
            raise SpecNotFound(f"there is no file `{path}`", f"`{beside / near[0]}` exists" if near else None)
        root = folder or path.parent
        try:
            held = _bytes(path) if is_trusted else read_inside(root, path.relative_to(root), MAX_BYTES + 1)
        except LeadsOut:
            help = "name the file that it leads to, if it is meant"
            raise SpecNotFound(f"a link lies on the way to `{path}`, and `--untrusted` follows none", help) from None
        except OSError as error:
            raise SpecNotFound(f"`{path}` cannot be read: {error.strerror}") from None
        text = held.decode("utf-8", errors="surrogateescape").replace("\r\n", "\n").removeprefix("\ufeff")
        return Job(text, str(path), tuple(settings), path, is_trusted=is_trusted)

    def to_json(self) -> str:
        """As a text, from which the same is run anywhere on this machine."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps({**given, "tags": dict(self.tags), "begun_in": self.begun_in or Path.cwd()}, default=str)

    @staticmethod
    def from_json(text: str) -> Job:
        """From what `to_json` gave."""
        given: dict[str, Any] = json.loads(text)
        paths = {name: Path(given[name]) if given[name] is not None else None for name in ("path", "begun_in")}
        return Job(**{**given, **paths, "settings": tuple(given["settings"])})

    @cached_property
    def checked(self) -> Checked:
        """The spec, checked without its data; headings of files beside it are looked at."""
        folder = self.folder if self.path is not None and self.is_trusted else None
        return check(self.text, self.name, settings=self.settings, folder=folder, sweep=not self.is_trial)

    @property
    def folder(self) -> Path:
        """Where the spec's relative paths start."""
        start = self.begun_in or Path.cwd()
        return (start / self.path).resolve().parent if self.path is not None else start

    @property
    def command(self) -> str:
        """What repeats the run."""
        import shlex

        given = str(self.path) if self.path is not None else STANDARD_INPUT
        return shlex.join(["nnrun", given, *(part for setting in self.settings for part in ("--set", setting))])


def _bytes(path: Path) -> bytes:
    """What a file holds; of one that is too large for a spec, a byte more than is allowed."""
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)
