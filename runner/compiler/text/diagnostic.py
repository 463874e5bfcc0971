"""One finding about a spec, and all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Path = tuple[str | int, ...]
"""Way to a value of the spec: ("nodes", "conv1", "kernel")."""

MOST = 200
"""Findings in a report; who has more, has one cause for all of them."""

LONGEST = 400
"""Characters of a sentence; names in a spec can be of any length."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something to point at: a value, its key, the `*name` that stands for it, or characters `start` to `end` of a text."""

    path: Path
    part: Literal["value", "key", "alias"] = "value"
    start: int | None = None
    end: int | None = None


Notes = tuple[tuple[Place, str], ...]
"""Other places that matter to a finding, and why."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding. The headline stands alone: it names things as the spec does and has the wanted and the given value."""

    id: str
    headline: str
    at: Place
    label: str = ""
    """Stands beside the caret."""
    notes: Notes = ()
    help: str = ""
    severity: Literal["error", "warning"] = "error"


class Stop(Exception):
    """What follows cannot be checked, and a finding says why."""


@dataclass
class Report:
    """The findings of all phases. Equal findings, as from a block used twice, stand once."""

    found: list[Diagnostic] = field(default_factory=list)
    renamed: dict[Path, str] = field(default_factory=dict)
    """Misspelled keys, and the key for which each is taken so that the rest can be checked."""
    elsewhere: set[Path] = field(default_factory=set)
    """Where keys belong that stand at the wrong place: what is missing there is their consequence."""
    stage: int | None = None
    """Which entry of `train` is looked at, where it is a list: what is said of `train` stands there."""

    def add(
        self,
        id: str,
        headline: str,
        *,
        at: Place | Path,
        label: str = "",
        notes: Sequence[tuple[Place | Path, str]] = (),
        help: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Note a finding. Raises: Stop if the report is full."""
        place = self._staged(_place(at))
        places = tuple((self._staged(_place(other)), text) for other, text in notes)
        headline, help = _clipped(headline), _clipped(help or "")
        if any(known.id == id and known.at == place and known.headline == headline for known in self.found):
            return
        if len(self.found) == MOST:
            self.found.append(Diagnostic("too-large", f"there are more than {MOST} findings; the others are left out", place))
            raise Stop
        self.found.append(Diagnostic(id, headline, place, label, places, help, severity))

    def amend(self, finding: Diagnostic, *, help: str) -> None:
        """Give a finding another help, as a later phase knows more."""
        self.found[self.found.index(finding)] = replace(finding, help=help)

    def blames(self, path: Path) -> bool:
        """Whether something at a path or below it is wrong, so that what is missing there may be its consequence."""
        path = self._staged(Place(path)).path
        if any(known[: len(path)] == path for known in self.elsewhere):
            return True
        return any(finding.severity == "error" and finding.at.path[: len(path)] == path for finding in self.found)

    def _staged(self, place: Place) -> Place:
        if self.stage is None or place.path[:1] != ("train",):
            return place
        return replace(place, path=("train", self.stage, *place.path[1:]))

    @property
    def ok(self) -> bool:
        """No errors; warnings do not count."""
        return all(finding.severity != "error" for finding in self.found)

    @property
    def ids(self) -> list[str]:
        return [finding.id for finding in self.found]

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: int) -> Diagnostic:
        return self.found[index]


def _place(at: Place | Path) -> Place:
    return at if isinstance(at, Place) else Place(at)


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
