"""PostgreSQL on a folder of its own: made whole or not at all, reached by a socket in that folder and a password."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nnrun.runner.owner import signalled_at_its_end
from nnrun.runner.tracking.store import StoreError

NAME = "nnrun"
"""Of the database, and of its user."""

MAKE, START, STOP = 180.0, 300.0, 60.0
"""Seconds that it may take to make a database, to start one, which after a crash goes through its log, and to end one."""

LONGEST_SOCKET = 107
"""Bytes of a socket's path, as the system has it."""

PACKAGED = "usr/lib/postgresql/*/bin", "usr/pgsql-*/bin"
"""Where distributions keep the programs of each version, off the PATH."""


@dataclass(frozen=True)
class Database:
    """PostgreSQL's own folder, and who it runs as."""

    folder: Path
    password: str
    account: str | None = None
    """A user of this machine; None for the current one."""

    @classmethod
    def of(cls, folder: Path, account: str | None, environment: Mapping[str, str]) -> Database:
        """The one of a store's folder. Its password is that of the environment (`PGPASSWORD`), else that of the file `password`, which is
        made with the store. Raises: StoreError.
        """
        if len(os.fsencode(folder / "database" / ".s.PGSQL.5432")) > LONGEST_SOCKET:
            raise StoreError(f"the path of `{folder}` is too long for a socket in it", "take a folder with a shorter path")
        password = environment.get("PGPASSWORD") or _password(folder, folder / "password")
        if not password.isprintable():
            raise StoreError("the password of the database is to be one line of printable signs")
        return cls(folder / "database", password, account)

    @property
    def uri(self) -> str:
        """As MLflow takes it; the password goes beside it, in `PGPASSWORD`."""
        return f"postgresql+psycopg2://{NAME}@/{NAME}?host={quote(str(self.folder), safe='')}"

    def make(self) -> None:
        """Make the database where there is none yet. One that is broken off leaves nothing that counts. Raises: StoreError."""
        if self.folder.exists():
            return
        initdb, postgres = self._program("initdb"), self._program("postgres")
        draft = self.folder.with_name("database.new")
        if draft.exists():  # left by one that was broken off
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        if self.account is not None:
            entry = pwd.getpwnam(self.account)
            os.chown(draft, entry.pw_uid, entry.pw_gid)
        sure = ["--data-checksums", "--encoding=UTF8", "--locale=C"]
        self._run([initdb, "--pgdata", str(draft), "--username", NAME, "--auth=trust", *sure])
        # One process without connections, so that no moment goes by in which the database knows no password.
        literal = self.password.replace("'", "''")
        said = f"ALTER ROLE {NAME} PASSWORD '{literal}'\nCREATE DATABASE {NAME}\n"
        self._run([postgres, "--single", "-D", str(draft), "-c", "exit_on_error=on", "postgres"], said)
        (draft / "pg_hba.conf").write_text("local all all scram-sha-256\n")
        draft.rename(self.folder)

    @contextmanager
    def running(self, log: Path, lock: int) -> Iterator[subprocess.Popen[bytes]]:
        """The database, while the context lasts; `lock` is held as long as one of its processes lives. Raises: StoreError."""
        alone = ["-c", "listen_addresses=", "-c", "unix_socket_directories=.", "-c", "unix_socket_permissions=0700"]
        before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            process = subprocess.Popen(
                [self._program("postgres"), "-D", str(self.folder), *alone],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=log.parent, process_group=0, pass_fds=[lock],
                preexec_fn=signalled_at_its_end(signal.SIGINT), **self._as_account(),
            )  # fmt: skip
        try:
            self._wait(process, log, before)
            yield process
        finally:
            _end(process)

    def _wait(self, process: subprocess.Popen[bytes], log: Path, before: int) -> None:
        import psycopg2

        end = time.monotonic() + START
        while time.monotonic() < end:
            if process.poll() is not None:
                raise StoreError(f"PostgreSQL did not start: {_fatal(log, before)}", f"`{log}` tells more")
            try:
                psycopg2.connect(host=str(self.folder), user=NAME, dbname=NAME, password=self.password, connect_timeout=5).close()
                return
            except psycopg2.OperationalError as error:
                if "password authentication failed" in str(error):
                    help = "give the one with which it was made, as `PGPASSWORD` or in the file `password`"
                    raise StoreError(f"the database in `{self.folder}` has another password", help) from None
                time.sleep(0.1)  # not yet
        raise StoreError(f"PostgreSQL did not answer within {START:.0f} seconds", f"`{log}` tells more")

    def _program(self, name: str) -> str:
        """The path of a program of PostgreSQL: of the version that made the folder, else the newest. Raises: StoreError."""
        found = {_version(folder): folder / name for pattern in PACKAGED for folder in Path("/").glob(pattern) if (folder / name).exists()}
        made = self.folder / "PG_VERSION"
        version = made.read_text().strip() if made.exists() else max(found, key=_numbers, default="")
        path = found.get(version) or shutil.which(name)
        if path is None:
            raise StoreError(f"PostgreSQL is not installed here: there is no `{name}`", "Debian's package is `postgresql`")
        return str(path)

    def _run(self, command: list[str], said: str = "") -> None:
        done = subprocess.run(
            command, input=said, cwd=self.folder.parent, capture_output=True, text=True, timeout=MAKE, check=False, **self._as_account()
        )
        if done.returncode:
            why = " ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-2:])
            raise StoreError(f"PostgreSQL could not make its database in `{self.folder.parent}`: {why}")

    def _as_account(self) -> dict[str, Any]:
        """How a process runs as the user that was named."""
        if self.account is None:
            return {}
        return {"user": self.account, "group": pwd.getpwnam(self.account).pw_gid, "extra_groups": []}


def check_means(account: str | None) -> None:
    """Whether PostgreSQL can run here, as a user of this machine or as the current one. Raises: StoreError."""
    if account is not None and os.geteuid():
        raise StoreError("only root can let PostgreSQL run as another user", "leave out `--user`")
    if account is None and not os.geteuid():
        raise StoreError("PostgreSQL refuses to run as root", "name whom it runs as, `--user postgres`, or start as another user")
    if account is not None and account not in {each.pw_name for each in pwd.getpwall()}:
        raise StoreError(f"this machine has no user `{account}`", "`useradd --system` makes one")
    if find_spec("psycopg2") is None:
        raise StoreError("the package psycopg2 is missing, by which MLflow reaches PostgreSQL", "pip install 'nnrun[team]'")


def _password(folder: Path, file: Path) -> str:
    """The password of a file, which is made where there is no store yet. Raises: StoreError."""
    if not file.exists():
        if (folder / "database").exists():
            raise StoreError(f"the password of the database in `{folder}` is missing", f"give it as `PGPASSWORD` or in the file `{file}`")
        draft = file.with_name("password.new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(24) + "\n")
        draft.rename(file)
    password = file.read_text().removesuffix("\n")
    if not password:
        raise StoreError(f"`{file}` is empty, and is to hold the password of the database")
    return password


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the connections and the database, with nothing left to be mended at the next start."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=STOP)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)  # at once: the next start goes through the log
        process.wait(timeout=STOP)


def _fatal(log: Path, before: int) -> str:
    """What was fatal, in what was written behind so many bytes of a log."""
    text = log.read_bytes()[before:].decode(errors="replace")
    return " ".join(text[max(0, text.rfind("FATAL:")) :].split())[:600]


def _version(folder: Path) -> str:
    """Of the programs in such a folder: `/usr/lib/postgresql/15/bin`, `/usr/pgsql-15/bin`."""
    return folder.parent.name.removeprefix("pgsql-")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
