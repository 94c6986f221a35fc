"""Calls to Optuna's gRPC proxy: each with a time limit, retried, its errors in our words."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

# gRPC prints broken connections; tuner logs them in its own words.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
import optuna

from tuner.storage.error_mapping import ProxyError
from tuner.storage.retrying import RetryPolicy

_ANSWER_SECONDS = 120.0
"""Time limit of a call; to read all trials of a large study takes seconds."""

# A proxy that was restarted is found at once, not after two minutes.
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
]
# Their callers retry: an attempt may have been carried out without an answer.
_NOT_AGAIN = ("CreateNewTrial", "SetTrialStateValues")

_START = "start one with optuna.storages.run_grpc_proxy_server, or are host and port wrong?"
_DATABASE_IS_AWAY = "exception is raised during the commit"  # what Optuna says of each SQL error


def connect(host: str, port: int) -> grpc.Channel:
    """A channel to a proxy; it connects with the first call."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return grpc.insecure_channel(address, options=_OPTIONS)


class Calls:
    """The proxy's procedures, as Optuna's client calls them: ``calls.GetTrials(request)``.

    They raise what Optuna's storages raise (KeyError, DuplicatedStudyError, ValueError,
    UpdateFinishedTrialError), with the words of the server, and ProxyError for all else.
    """

    def __init__(self, stub: Any, retry: RetryPolicy) -> None:
        self._stub = stub
        self._retry = retry

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        procedure = getattr(self._stub, name)

        def call(request: Any) -> Any:
            if name in _NOT_AGAIN:
                return _answer(procedure, request)
            return self._retry.call(lambda _again: _answer(procedure, request))

        return call


def _answer(procedure: Callable[..., Any], request: Any) -> Any:
    try:
        return procedure(request, timeout=_ANSWER_SECONDS)
    except grpc.RpcError as exc:
        raise _mapped(exc) from exc


def _mapped(exc: grpc.RpcError) -> Exception:
    code, message = exc.code(), (str(exc.details()).strip().splitlines() or [""])[0]
    status = grpc.StatusCode
    known: dict[Any, type[Exception]] = {
        status.NOT_FOUND: KeyError,
        status.ALREADY_EXISTS: optuna.exceptions.DuplicatedStudyError,
        status.FAILED_PRECONDITION: optuna.exceptions.UpdateFinishedTrialError,
        status.INVALID_ARGUMENT: ValueError,
    }
    if code in known:
        return known[code](message)
    if code is status.UNAVAILABLE:
        return ProxyError(f"no proxy answers ({message}); {_START}", may_pass=True)
    if code is status.DEADLINE_EXCEEDED:
        return ProxyError("the proxy does not answer", may_pass=True)
    if code is status.UNIMPLEMENTED:
        return ProxyError(
            f"what answers is not Optuna's proxy, or an old one; {_START}", may_pass=False
        )
    if code is status.UNKNOWN:
        message = message.removeprefix("Exception calling application: ")
        text = f"the proxy cannot use its database: {message}; see what the proxy prints"
        return ProxyError(text, may_pass=_DATABASE_IS_AWAY in message)
    return ProxyError(f"{code.name}: {message}", may_pass=False)
