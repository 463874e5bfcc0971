"""Why MLflow or a disk refuses, in a few words."""

from __future__ import annotations

import re

from nnrun.runner.tracking import limits
from nnrun.runner.tracking.trouble.secrets import scrubbed

_DRIVER = re.compile(r"^\([\w.]+\) ")
"""What SQLAlchemy puts before the words of a database: `(sqlite3.OperationalError) `."""


def reason(error: BaseException) -> str:
    """The cause of an error in a few words: that of the system where there is one, such as `connection refused`."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    first = str(error).strip().partition("\n")[0]
    return limits.cut(scrubbed(_DRIVER.sub("", first)) or type(error).__name__, 300)
