"""A spec's tags do not take the place of a run's own, under whatever spelling."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.tags import OF_SWEEPS, OWN_TAGS, own_tag
from nnrun.runner.tracking import limits
from tests.tracking.support import ROOT

SPEC = (ROOT / "specs" / "mlp_digits.yaml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *OWN_TAGS, *OF_SWEEPS, "mlflow.runName", "mlflow.note.content", "mlflow", "nnrun.process", "nnrun]", "sp]ec", "./spec", "kind/..",
        "/kind", "mlflow[runName]", "//nnrun",
    ],
)  # fmt: skip
def test_a_tag_of_the_run_itself_is_refused(name: str) -> None:
    report = check(SPEC, settings=[f"track.tags={{{name!r}: mine}}"]).report

    assert report.ids == ["wrong-type"]
    assert f"`{name}`" in report[0].headline


@pytest.mark.parametrize("name", ["who", "my.spec", "spec/version", "mlflows", "species"])
def test_any_other_tag_is_fine(name: str) -> None:
    assert check(SPEC, settings=[f"track.tags={{{name}: mine}}"]).report.ids == []


@pytest.mark.parametrize("name", ["a/b", "[spec]", "sp]ec", "./kind", "kind/.", "a[0].nnrun", "x" * 300, "mlflow[a]"])
def test_a_tag_is_judged_by_the_name_that_mlflow_gets(name: str) -> None:
    key = limits.key(name)

    assert (own_tag([name]) is None) == (own_tag([key]) is None)
