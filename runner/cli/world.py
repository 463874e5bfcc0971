"""What the world does to a command: a store refuses, a disk is full, a file may not be read. The user can mend it; no traceback helps."""

from __future__ import annotations

import errno
import sys

from nnrun.registry.fault import Fault
from nnrun.runner.tracking.store import Store, StoreError
from nnrun.runner.tracking.trouble.reasons import reason

OF_STORES = {
    "mlflow.exceptions": "MlflowException",
    "sqlalchemy.exc": "SQLAlchemyError",
    "requests.exceptions": "RequestException",
    "sqlite3": "Error",
}
"""By module, the errors that come from MLflow and what it stands on. None is imported here: one that is not loaded has raised nothing."""

FULL = (errno.ENOSPC, errno.EDQUOT)
OF_DISKS = (*FULL, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.ESTALE)


class DiskError(Fault):
    """The disk or the system refuses a file."""

    kind = "missing"
    id = "no-room"


def told(error: Exception) -> Fault | None:
    """What people are told of an error; None where it is a mistake of ours."""
    if any((module := sys.modules.get(name)) and isinstance(error, getattr(module, kind)) for name, kind in OF_STORES.items()):
        place = Store.from_environment()
        help = "see whether it is there and may be used; `MLFLOW_TRACKING_URI` names another one"
        return StoreError(f"MLflow at `{place.public}` does not answer as it should: {reason(error)}", help)
    if not isinstance(error, OSError):
        return None
    if error.errno in FULL:
        where = f"for `{error.filename}`" if error.filename else "on a disk"
        help = "make room, or name folders on another disk: XDG_CACHE_HOME, XDG_STATE_HOME, TMPDIR"
        return DiskError(f"there is no room {where}: {reason(error)}", help)
    if error.errno in OF_DISKS or (error.errno == errno.ENOENT and error.filename is None):  # the latter without a temporary folder
        return DiskError(f"`{error.filename}` cannot be used: {reason(error)}" if error.filename else reason(error))
    return None
