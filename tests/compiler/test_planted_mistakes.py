"""One spec with twenty mistakes: all are found, each at its line, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from nnrun.runner.compiler.check import check

PLANTED = Path(__file__).parent / "planted" / "twenty.yaml"

IDS = {
    1: "unknown-key",
    2: "out-of-range",
    3: "unknown-type",
    4: "unknown-name",
    5: "wrong-choice",
    6: "out-of-range",
    7: "wrong-type",
    8: "unknown-key",
    9: "duplicate-key",
    10: "kernel-too-large",
    11: "bad-formula",
    12: "block-parameter-missing",
    13: "unfed-node",
    14: "unread-node",
    15: "two-time-axes",
    16: "shape-mismatch",
    17: "unknown-name",
    18: "undelayed-cycle",
    19: "bad-edge",
    20: "missing-key",
}


def test_all_twenty_mistakes_are_found_at_their_lines() -> None:
    text = PLANTED.read_text()
    marks = {line: int(match[1]) for line, written in enumerate(text.splitlines(), 1) if (match := re.search(r"# (\d+): ", written))}
    checked = check(text, PLANTED.name)

    found = [(checked.document.span(finding.at).line, finding.id) for finding in checked.report]

    assert len(marks) == 20
    assert found == [(line, IDS[number]) for line, number in sorted(marks.items())]
