"""Mistakes as people make them: each is one finding at its place, and its advice followed literally is what was meant.

`mistakes/` holds them by kind, as changes of good specs in `mistakes/bases/`: `change` makes the mistake, `at` is the text where it is
shown, `says` are words of its headline, label and help, `findings` how many there are, 1 where left out. `advice` follows the help to
the letter; what then stands there is what was meant: the base, changed by `meant`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.compiler.resolved import resolved_text
from tests.compiler.support import said

FOLDER = Path(__file__).parent / "mistakes"


@dataclass(frozen=True)
class Mistake:
    """A mistake in a good spec, and what is to be said of it."""

    kind: str
    name: str
    base: str
    says: list[str]
    at: str = ""
    change: dict[str, str] = field(default_factory=dict)
    advice: dict[str, str] = field(default_factory=dict)
    meant: dict[str, str] = field(default_factory=dict)
    findings: int = 1
    column: int = 1
    """Where in `set`."""
    set: str = ""
    mended: str = ""

    @property
    def text(self) -> str:
        return changed(base(self.base), self.change)

    @property
    def place(self) -> tuple[int, int]:
        """Line and column where the mistake is to be shown."""
        if self.set and not self.at:
            return 1, self.column
        assert self.text.count(self.at) == 1, f"{self.at!r} stands {self.text.count(self.at)} times in\n{self.text}"
        before = self.text[: self.text.index(self.at)]
        return before.count("\n") + 1, len(before) - before.rfind("\n")

    @property
    def checked(self) -> Checked:
        return check(self.text, "spec.yaml", settings=[self.set] if self.set else [])

    @property
    def followed(self) -> Checked:
        """What is found once the advice is followed."""
        return check(changed(self.text, self.advice), "spec.yaml", settings=[self.mended] if self.set else [])

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


@cache
def base(name: str) -> str:
    return (FOLDER / "bases" / f"{name}.yaml").read_text()


def changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in\n{text}"
        text = text.replace(old, new)
    return text


def plan(checked: Checked) -> str:
    assert checked.plan is not None, said(checked)
    return resolved_text(checked.plan)


def read(kind: str) -> Any:
    return yaml.safe_load((FOLDER / f"{kind}.yaml").read_text())


KINDS = ("libraries", "keys", "edges", "cascades", "advice", "text", "settings", "second", "third", "fourth")

MISTAKES = [
    Mistake(**{"kind": kind, "base": held["base"], **mistake}) for kind in KINDS for held in [read(kind)] for mistake in held["mistakes"]
]

each = pytest.mark.parametrize("mistake", MISTAKES, ids=str)


def test_there_are_many_mistakes_of_every_kind() -> None:
    assert len(MISTAKES) >= 120
    assert {mistake.kind for mistake in MISTAKES} == set(KINDS)


@each
def test_a_mistake_is_one_finding_at_its_place_with_the_words_that_mend_it(mistake: Mistake) -> None:
    checked = mistake.checked
    output = said(checked)

    assert len(checked.report) == mistake.findings, output
    found = checked.report[0]
    span = checked.document.span(found.at)
    assert (span.line, span.column) == mistake.place, output
    words = " ".join([found.headline, found.label, found.help, *(text for _, text in found.notes)])
    assert [text for text in mistake.says if text not in words] == [], output


@each
def test_advice_followed_to_the_letter_is_what_was_meant(mistake: Mistake) -> None:
    assert plan(mistake.followed) == plan(check(changed(base(mistake.base), mistake.meant)))


@pytest.mark.parametrize("good", read("good_settings")["settings"], ids=lambda good: str(good["set"]))
def test_a_setting_makes_what_it_says(good: dict[str, Any]) -> None:
    loop = base(read("good_settings")["base"])

    assert plan(check(loop, settings=[good["set"]])) == plan(check(changed(loop, good["meant"])))
