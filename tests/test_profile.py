"""`--profile` says where the time of a run went."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from nnrun.runner import spans
from nnrun.runner.cli import main
from nnrun.runner.record.times import profile_text
from tests.tracking.support import ROOT

OUTER, INNER = spans.Span("outer"), spans.Span("inner")


def test_a_stretch_within_another_has_its_own_time() -> None:
    with spans.profiled() as profile:
        with OUTER:
            time.sleep(0.02)
            for _ in range(2):
                with INNER:
                    time.sleep(0.03)
        shares = profile.shares()
        trace = json.loads(profile.trace())["traceEvents"]

    assert shares["inner"][1] == 2
    assert shares["inner"][0] > 0.06
    assert 0.02 < shares["outer"][0] < 0.05
    assert sum(seconds for seconds, _ in shares.values()) == pytest.approx(time.perf_counter() - profile.began, abs=0.05)
    assert [event["name"] for event in trace] == ["outer", "inner", "inner"]
    assert all(event["dur"] > 0 and event["ph"] == "X" for event in trace)


def test_a_stretch_ends_with_an_error() -> None:
    with spans.profiled() as profile:
        with pytest.raises(ValueError, match="wrong"), OUTER:
            raise ValueError("wrong")
        with INNER:
            pass
    assert profile.counts["inner"] == profile.counts["outer"] == 1


def test_nothing_is_counted_unless_it_is_asked_for() -> None:
    with spans.profiled() as profile:
        pass
    with OUTER:
        pass
    assert spans.profile() is None
    assert "outer" not in profile.counts


def test_a_trace_is_bounded_and_the_table_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "EVENTS", 3)
    with spans.profiled() as profile:
        for _ in range(5):
            with INNER:
                pass
    assert len(profile.events) == 3
    assert "5 x" in profile_text(profile)


def test_a_run_tells_it_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = str(ROOT / "specs" / "mlp_digits.yaml")
    plain = ["--set", "train.epochs=2", "--set", "track.baseline=none", "--quiet"]
    done = CliRunner().invoke(main, [spec, *plain, "--profile"], catch_exceptions=False)

    assert done.exit_code == 0
    for kind in ("imports", "data", "forward", "backward", "optimizer", "evaluation", "waiting for MLflow"):
        assert f"\n{kind} " in done.stdout
    [folder] = tmp_path.glob("mlruns/*/*/artifacts/profile")
    assert "forward" in (folder / "times.txt").read_text()
    names = {event["name"] for event in json.loads((folder / "trace.json").read_text())["traceEvents"]}
    assert {"forward", "backward", "optimizer", "evaluation"} <= names
