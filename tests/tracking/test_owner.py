"""A run's owner is dead only when that is certain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nnrun.runner.tracking.owner import STALE, Owner

HERE = Owner.of(os.getpid())


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process


def test_a_living_process_is_not_dead(child: subprocess.Popen[bytes]) -> None:
    assert not Owner.of(child.pid).is_dead(silence=1e9)


def test_a_killed_process_is_dead_before_anybody_waits_for_it(child: subprocess.Popen[bytes]) -> None:
    owner = Owner.of(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert owner.is_dead()


def test_a_process_that_got_the_number_of_a_dead_one_is_another() -> None:
    assert replace(HERE, started="1").is_dead()


@pytest.mark.parametrize("unseen", [replace(HERE, host="elsewhere"), replace(HERE, space="1")])
def test_a_process_that_cannot_be_seen_counts_as_alive(unseen: Owner) -> None:
    assert not replace(unseen, started="1").is_dead(silence=1e9)


@pytest.mark.parametrize(("silence", "dead"), [(STALE - 1, False), (STALE + 1, True)])
def test_a_run_of_an_earlier_boot_is_dead_after_a_long_silence(silence: float, dead: bool) -> None:
    assert replace(HERE, boot="earlier").is_dead(silence) is dead


@pytest.mark.parametrize(("pid", "dead"), [(os.getpid(), False), (2**22 + 1, True)])
def test_where_the_system_tells_only_numbers_the_number_decides(pid: int, dead: bool) -> None:
    assert Owner(HERE.host, "", "", pid, "").is_dead() is dead
