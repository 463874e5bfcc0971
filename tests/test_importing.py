"""Nobody looks for garbage while libraries are imported, and only a process of our own keeps what they made for ever."""

import gc

import pytest

from nnrun.runner import importing as module
from nnrun.runner.importing import importing


@pytest.mark.parametrize("ours", [False, True])
def test_what_was_imported_is_kept_once_and_only_in_a_process_of_our_own(ours: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr(module, "is_ours", lambda: ours)
    monkeypatch.setattr(module, "_frozen", False)
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    for _ in range(2):
        with importing():
            assert not gc.isenabled()
        assert gc.isenabled()

    assert frozen == [True] * ours


def test_who_does_without_a_collector_goes_on_without_one() -> None:
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
