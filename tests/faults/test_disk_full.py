"""Full disks, in short."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.disk_full import Place, checkpoint, compiled, journal, may_mount, store_full


@pytest.mark.skipif(not may_mount(), reason="no small disk can be mounted here: that needs root, and a kernel that lets it")
@pytest.mark.parametrize("place", [checkpoint, compiled, journal, store_full], ids=lambda place: str(place.__name__))
def test_a_full_disk_damages_nothing_and_loses_nothing(place: Place, tmp_path: Path) -> None:
    assert list(place(tmp_path, random.Random(1))) == []
