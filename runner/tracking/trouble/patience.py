"""How long the end of a run waits for MLflow."""

from __future__ import annotations

import ssl
import sys
import time
import urllib.error
import urllib.request

SILENCE = 9.0
"""Seconds without a sign of MLflow after which it is not waited for any longer; with the rest, the end of a run takes ten at most."""

ASKED = 2.0
"""Seconds between two questions to a server, and those that it has for an answer."""


class Patience:
    """It lasts until `SILENCE` seconds after the last sign of MLflow, so that a large model arrives at a slow server, too.

    A sign is a record that has arrived; and, while nothing has gone wrong since, that the server answers anything at all. A file
    on this machine always answers.
    """

    def __init__(self, server: str | None, wait: float) -> None:
        """`server` is the address of one, None for a database file; `wait` are the seconds that it lasts at most."""
        self._server = server
        self._heard = time.monotonic()
        self._end = self._heard + wait
        self._delivered = -sys.maxsize
        self._asked, self._answered = float("-inf"), False

    @property
    def left(self) -> float:
        """Seconds until it ends, if there is no sign until then."""
        return max(0.0, min(self._heard + SILENCE, self._end) - time.monotonic())

    def lasts(self, delivered: int, trouble: str | None) -> bool:
        """Whether to go on waiting, when so many records have arrived; `trouble` is what has gone wrong since the last of them."""
        if delivered > self._delivered or (trouble is None and self._is_answered()):
            self._heard = time.monotonic()
        self._delivered = max(delivered, self._delivered)
        return self.left > 0.0

    def _is_answered(self) -> bool:
        if self._server is None:
            return True
        if time.monotonic() > self._asked + ASKED:
            self._answered = _answers(self._server, max(0.1, min(ASKED, self.left)))
            self._asked = time.monotonic()
        return self._answered


def _answers(server: str, wait: float) -> bool:
    try:
        with urllib.request.urlopen(f"{server}/health", timeout=wait):
            return True
    except urllib.error.HTTPError:  # it wants a password, or knows no such page: it is there
        return True
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLError)  # there, too: MLflow may be told to trust it
    except OSError:
        return False
