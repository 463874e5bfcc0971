"""Where runs are recorded: an MLflow server, or a database file with a folder of artifacts beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from nnrun.registry.fault import Fault
from nnrun.runner.tracking.trouble.secrets import public

PORT = 5000
"""Where `nnrun ui` and `mlflow ui` listen on this machine, unless told otherwise."""


class StoreError(Fault):
    """No runs can be recorded there."""

    kind = "missing"
    id = "no-store"


@dataclass(frozen=True)
class Store:
    """An MLflow store, and what the user's environment asks of the runs that go there."""

    uri: str
    """As MLflow takes it, with the user and the password that may stand in it; `public` is for people and files."""
    experiment: str | None = None
    """Experiment that takes the place of the spec's own."""
    run_id: str | None = None
    """Run that is continued, instead of a new one."""
    is_locked: bool = False
    """Its user and password, which no file holds, are not known here."""

    @classmethod
    def from_environment(cls, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Store:
        """The store that `MLFLOW_TRACKING_URI` names, else `mlflow.db` in `folder`, by default the current one.

        There `mlflow ui` shows the runs without being told anything. `MLFLOW_EXPERIMENT_NAME` and `MLFLOW_RUN_ID` are honoured.
        Raises: StoreError.
        """
        folder = Path.cwd() if folder is None else folder.absolute()
        environment = os.environ if environment is None else environment
        uri = _absolute(environment.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db", folder)
        return cls(uri, environment.get("MLFLOW_EXPERIMENT_NAME") or None, environment.get("MLFLOW_RUN_ID") or None)

    @classmethod
    def read(cls, fields: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Store:
        """One that was `written`; user and password come from the environment, if that names the same store."""
        environment = os.environ if environment is None else environment
        store, uri = cls(**fields), environment.get("MLFLOW_TRACKING_URI", "")
        if store.is_locked and uri != public(uri) == store.uri:
            return replace(store, uri=uri, is_locked=False)
        return replace(store, is_locked=store.is_locked and "MLFLOW_TRACKING_USERNAME" not in environment)

    @property
    def written(self) -> dict[str, Any]:
        """As a file may hold it: without user and password."""
        return asdict(replace(self, uri=self.public, is_locked=self.is_locked or self.public != self.uri))

    @property
    def public(self) -> str:
        """The address as people may see it: without user and password."""
        return public(self.uri)

    @property
    def database(self) -> Path | None:
        """The database file of a local store."""
        return Path(unquote(self.uri.removeprefix("sqlite:///"))) if self.uri.startswith("sqlite:///") else None

    @property
    def address(self) -> str:
        """Where a browser finds the runs: the server, or the place where `nnrun ui` shows a local store."""
        return self.public.rstrip("/") if self.is_server else f"http://127.0.0.1:{PORT}"

    @property
    def is_server(self) -> bool:
        return self.uri.startswith(("http://", "https://"))

    @property
    def is_of_this_machine(self) -> bool:
        """Whether no other machine reaches it."""
        return self.database is not None or (self.is_server and urlsplit(self.uri).hostname in ("localhost", "127.0.0.1", "::1"))

    def create(self) -> None:
        """Make the database of a local store where there is none yet; safe when many processes do it at once.

        MLflow's own creation takes seconds, and fails when it happens twice at the same time. Here it happens once, under a
        lock, in a file that gets its name only when it is complete. A killed creation leaves nothing that counts.
        """
        if self.database is None or _is_there(self.database):
            return
        self.database.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self.database.with_name(self.database.name + ".lock")):
            if not _is_there(self.database):
                _create(self.database)


def _absolute(uri: str, folder: Path) -> str:
    if uri.startswith("sqlite:///") and uri not in ("sqlite:///", "sqlite:///:memory:"):
        return sqlite_uri(folder / unquote(uri.removeprefix("sqlite:///")))
    if uri.startswith(("file:", "sqlite:")) or "://" not in uri:
        raise StoreError(
            f"`MLFLOW_TRACKING_URI` is `{public(uri)}`, where MLflow keeps no records of runs",
            help="take a database, `sqlite:///mlflow.db`, or the address of a server, `http://host:5000`",
        )
    try:
        urlsplit(uri).port  # noqa: B018  (it is looked at when it is asked for)
    except ValueError:
        help = "in a user or a password, signs such as `/`, `@`, `#` and `?` are written `%2F`, `%40`, `%23` and `%3F`"
        raise StoreError("`MLFLOW_TRACKING_URI` is no address: what should be a port is no number", help) from None
    return uri


def sqlite_uri(database: Path) -> str:
    """The address of a database file. Only what would be misread is escaped: SQLAlchemy 2.0 does not undo escapes, 2.1 does."""
    return "sqlite:///" + str(database.absolute()).replace("%", "%25").replace("?", "%3F")


def _is_there(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def _create(database: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    draft = database.with_name(database.name + ".new")
    _remove(draft)  # left by a creation that was killed
    draft.mkdir()
    uri = sqlite_uri(draft / database.name)
    try:
        # The folder of artifacts is written into the database, for the experiment that MLflow itself puts there.
        SqlAlchemyStore(uri, str(database.parent / "mlruns"))  # type: ignore[no-untyped-call]
        _let_go(uri)
        if not _is_there(database):  # an `mlflow ui`, which knows nothing of the lock, may have made it meanwhile
            os.rename(draft / database.name, database)
    finally:
        _let_go(uri)
        _remove(draft)


def _let_go(uri: str) -> None:
    """Close a database that MLflow would hold open: on a full disk its room is wanted, and a next try must not see this one's tables."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    engine = SqlAlchemyStore._engine_map.pop(uri, None)
    if engine is not None:
        engine.dispose()


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft)
    else:
        draft.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file `path` against other processes, and leave no file behind."""
    import fcntl

    while True:
        with open(path, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, path):  # whoever held the lock before has removed the file: it keeps nobody out any more
                continue
            try:
                yield
            finally:
                path.unlink()
            return


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
