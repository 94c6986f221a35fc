"""optuna-dashboard's own application on our storage."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna_dashboard

from tuner.errors import RequestError
from tuner.storage.database import Database
from tuner.token_gate import guarded


class _Server(ThreadingMixIn, WSGIServer):
    """Answers requests in threads of their own: the page asks for several at a time."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Without a line for each request: the page polls."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def make_dashboard(database: Database, token: str | None = None) -> Callable[..., Any]:
    """optuna-dashboard as a WSGI application over this database, for those who have the token."""
    app: Callable[..., Any] = optuna_dashboard.wsgi(database.storage)
    return app if token is None else guarded(app, token)


def open_server(database: Database, host: str, port: int, token: str | None = None) -> WSGIServer:
    """A server that listens already; port 0 takes a free one.

    Raises:
        RequestError: The address or the token cannot be used.
    """
    app = make_dashboard(database, token)
    try:
        return make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    except OSError as exc:
        raise RequestError(
            f"the dashboard cannot listen on {host}:{port}: {exc.strerror or exc}; choose another "
            "with --host or --port"
        ) from exc


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server on that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
