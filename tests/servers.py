"""Servers of the tests' own: PostgreSQL on a socket in a temporary folder, Optuna's proxy."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from optuna.storages import get_storage
from optuna.storages._grpc.server import make_server

_memory = pytest.mark.filterwarnings("ignore:Selection of the SingletonThreadPool")  # SQLAlchemy's

EVERY_BACKEND = (pytest.param("memory", marks=_memory), "sqlite", "postgresql", "proxy")
"""What the fixture ``url`` takes; by itself it leaves out the proxy, which knows no SQL."""

PORT = 54329  # names the socket; nothing listens on the network


class Postgres:
    """A running server; each database is made for one test."""

    def __init__(self, folder: Path, call: Callable[..., None], settings: Sequence[str]) -> None:
        self._folder = folder
        self._call = call
        self._settings = "".join(f" -c {setting}" for setting in settings)

    def start(self) -> None:
        options = f"-k {self._folder} -p {PORT} -c listen_addresses='' -c fsync=off{self._settings}"
        log = f"--log={self._folder}/log"
        self._call("pg_ctl", "start", "--wait", "--silent", log, f"--options={options}")

    def stop(self) -> None:
        """Ends it as a crash does: at once, with all connections."""
        self._call("pg_ctl", "stop", "--mode=immediate", "--silent")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://tuner@/{database}?host={self._folder}&port={PORT}"

    def new_database(self) -> str:
        """Creates an empty database; returns its URL."""
        import psycopg

        name = f"t{uuid.uuid4().hex[:12]}"
        where = f"host={self._folder} port={PORT} user=tuner dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def as_guest(url: str, *, connections: int) -> str:
    """The database as a new user sees it, for whom a limit holds: superusers have none."""
    name = f"guest_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {connections}"))
        connection.execute(sa.text(f"GRANT tuner TO {name}"))
    engine.dispose()
    return url.replace("tuner@", f"{name}@")


def programs() -> Path | None:
    """The folder of the server's programs; None if it is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)  # where Debian keeps them


@contextmanager
def postgres(programs: Path, *settings: str) -> Iterator[Postgres]:
    """Starts a server, as the user postgres if this is root: the server refuses root.

    Args:
        programs: The folder of the server's programs.
        settings: Of the server, e.g. ``"max_connections=5"``.
    """
    with tempfile.TemporaryDirectory(prefix="tuner-pg-") as name:
        folder = Path(name)
        as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]

        def call(program: str, *words: str) -> None:
            command = [*as_user, str(programs / program), "-D", f"{folder}/data", *words]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        call(
            "initdb",
            "--auth=trust",
            "--username=tuner",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        )
        server = Postgres(folder, call, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def proxy_here(database: str) -> Iterator[str]:
    """The URL of Optuna's proxy in a thread of this process: there at once."""
    storage = get_storage(database)
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        port = int(taken.getsockname()[1])
    server = make_server(storage, "localhost", port)
    server.start()
    try:
        yield f"grpc://localhost:{port}"
    finally:
        server.stop(None).wait()
        storage._backend.engine.dispose()


_PROXY = """
import sys, warnings
warnings.simplefilter("ignore")
from optuna.storages import get_storage, run_grpc_proxy_server
run_grpc_proxy_server(get_storage(sys.argv[1]), host="localhost", port=int(sys.argv[2]))
"""


class Proxy:
    """Optuna's gRPC proxy in front of a database, in a process of its own, as its docs start it."""

    def __init__(self, database: str) -> None:
        self.database = database
        with socket.socket() as taken:
            taken.bind(("localhost", 0))
            self._port = int(taken.getsockname()[1])
        self.url = f"grpc://localhost:{self._port}"
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-c", _PROXY, self.database, str(self._port)]
        self._process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("localhost", self._port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("the proxy does not start")

    def kill(self) -> None:
        """Ends it as a crash does."""
        self._process.kill()
        self._process.wait()
