"""Signals wait where something must be whole, and are raised at once elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from nnrun.runner.signals import Stopped, asked, held, left, released, stoppable


def stop(number: int = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


def stopped(what: Callable[[], None]) -> Stopped | None:
    """What a signal made of it."""
    try:
        with stoppable():
            what()
    except Stopped as stop:
        return stop
    return None


def test_a_signal_is_raised_at_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    done: list[str] = []

    def work() -> None:
        stop()
        done.append("behind")

    found = stopped(work)
    assert found is not None
    assert (str(found), found.exit_code, done) == ("SIGTERM", 143, [])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_waits_for_the_end_of_what_is_held() -> None:
    done: list[str] = []

    def work() -> None:
        with held():
            stop(signal.SIGINT)
            with held():
                done.append("inner")
            done.append("outer")
        done.append("behind")

    assert str(stopped(work)) == "SIGINT"
    assert done == ["inner", "outer"]


def test_what_is_released_within_is_broken_off_even_by_a_signal_that_came_before() -> None:
    done: list[str] = []

    def work() -> None:
        with held():
            stop()
            done.append("held")
            with released():
                done.append("released")

    assert str(stopped(work)) == "SIGTERM"
    assert done == ["held"]


def test_nobody_is_told_of_a_signal_twice() -> None:
    def work() -> None:
        with contextlib.suppress(Stopped):
            stop()
        assert asked() is not None
        with held():
            pass
        assert 7.0 < left() <= 8.5

    assert stopped(work) is None
    with stoppable():
        assert asked() is None


ENTERED = """
import time
import nnrun.__main__, nnrun.runner.cli
nnrun.runner.cli.main = lambda **given: (print("here", flush=True), time.sleep(60))
nnrun.__main__.command()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_a_run_ends_the_command_with_the_code_that_is_documented(number: int, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", ENTERED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(timeout=30) == code
