"""optuna-dashboard's own application on our storage, behind gates and a server for production."""

from __future__ import annotations

import io
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import optuna_dashboard

from tuner.dashboard.request_gate import Application, Environ, Start, is_local, read_only, same_site
from tuner.dashboard.token_gate import HOW_TO_MAKE_ONE, SHORTEST_TOKEN, check_token, guarded
from tuner.errors import RequestError, debugging
from tuner.storage.database import Database
from tuner.wording import one_line, printable

TOKEN_VARIABLE = "TUNER_DASHBOARD_TOKEN"
_log = logging.getLogger("optuna_dashboard")
_THREADS = 8  # the page asks for several things at a time
_LARGEST_REQUEST = 16 * 2**20  # bytes; a note with its pictures


@dataclass(frozen=True)
class Rules:
    """Who may reach the dashboard, and what for.

    Attributes:
        token: What every request must come with; None for no token.
        allow_write: Whether studies may be changed.
        hosts: Names that ``Host`` may have beside those of this machine; None for any.
    """

    token: str | None = None
    allow_write: bool = False
    hosts: frozenset[str] | None = frozenset()

    @classmethod
    def given(
        cls, host: str, token: str | None, *, allow_write: bool, hosts: Iterable[str] = ()
    ) -> Rules:
        """Returns the rules that options ask for.

        Args:
            host: The address that the server listens on.
            token: As given; None if it was not.
            allow_write: See the attribute.
            hosts: As ``--allow-host`` names them.

        Raises:
            RequestError: The token cannot be used, or there is none where others reach the server.
        """
        named = frozenset(name.lower() for name in hosts)
        if token is not None:
            check_token(token)
            return cls(token, allow_write, named if named or is_local(host) else None)
        if os.environ.get(TOKEN_VARIABLE) == "":
            raise RequestError(
                f"{TOKEN_VARIABLE} is set but empty, and would guard nothing; unset it, or "
                f"{HOW_TO_MAKE_ONE}"
            )
        if not is_local(host):
            raise RequestError(
                f"--host {host}: others than this machine can reach that address, and may only "
                f"with a token; set {TOKEN_VARIABLE} to at least {SHORTEST_TOKEN} characters: "
                f"{HOW_TO_MAKE_ONE}"
            )
        return cls(None, allow_write, named)


def make_dashboard(database: Database, rules: Rules) -> Application:
    """Returns optuna-dashboard as a WSGI application over this database."""
    stock: Application = optuna_dashboard.wsgi(database.storage)
    errors = _Errors()

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        return stock({**environ, "wsgi.errors": errors}, start)

    inner: Application = app if rules.allow_write else read_only(app)
    if rules.token is not None:
        inner = guarded(inner, rules.token)
    return same_site(inner, rules.hosts)


@dataclass(frozen=True)
class Server:
    """A server that listens already.

    Attributes:
        address: Such as ``http://127.0.0.1:8080/``.
    """

    address: str
    _server: Any

    def close(self) -> None:
        """Stops listening."""
        self._server.close()

    def run(self, on_ready: Callable[[], None]) -> int:
        """Answers until SIGTERM or Ctrl-C; returns the exit status for that, 143 or 130."""
        ended = [0]

        def end(number: int, _frame: FrameType | None) -> None:
            ended[0] = 128 + number
            raise SystemExit(ended[0])  # the server's loop ends by it, and catches it

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        on_ready()
        self._server.run()
        return ended[0]


class _Errors(io.TextIOBase):
    """Logs what bottle writes of an exception that nobody has caught: a traceback."""

    def write(self, text: str) -> int:
        said = text.strip()
        _log.error("%s", said if debugging() else said.rpartition("\n")[2])
        return len(text)


class _OneLine(logging.Formatter):
    """A line a message, control characters escaped: parts of it may come from any request."""

    def format(self, record: logging.LogRecord) -> str:
        if debugging():
            return printable(super().format(record))
        # optuna-dashboard writes the traceback below its message, waitress gives the exception.
        cause = record.exc_info[1] if record.exc_info else None
        message = record.getMessage().partition("\n")[0]
        return one_line(f"dashboard: {message}{f': {cause!r}' if cause else ''}")


def _log_plainly() -> None:
    """Prints what optuna-dashboard and the server log; tracebacks only with ``--debug``."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    for name in ("optuna_dashboard", "waitress"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # the page polls


def open_server(database: Database, host: str, port: int, rules: Rules) -> Server:
    """Opens a server; port 0 takes a free one.

    Raises:
        RequestError: The address cannot be used.
    """
    import waitress

    _log_plainly()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as exc:
        # Python adds the address to the text of an error with a number of the system.
        why = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc.strerror or exc
        raise RequestError(
            f"the dashboard cannot listen on {host}:{port}: {why}; choose another with --host or "
            "--port"
        ) from exc
    server = waitress.create_server(
        make_dashboard(database, rules),
        sockets=[listening],
        threads=_THREADS,
        max_request_body_size=_LARGEST_REQUEST,
    )
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    return Server(f"http://{shown}:{listening.getsockname()[1]}/", server)
