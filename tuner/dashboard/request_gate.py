"""Refuses requests to a web application that other sites have made up, or that would change things.

Everything here wraps a WSGI application. A refusal is a page for a browser and JSON for programs,
with the reason under the key that optuna-dashboard's own errors have.
"""

from __future__ import annotations

import html
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Set
from typing import Any

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]@/?#,\s]+)(:\d+)?", re.IGNORECASE)
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>tuner dashboard</title>
<body style="font: 1rem sans-serif; max-width: 40rem; margin: 4rem auto">
<p>{text}</p>
{more}</body></html>
"""
_PRIVATE = [
    ("Cache-Control", "no-store"),
    # With "no-referrer" a browser sends `Origin: null` with the form on such a page.
    ("Referrer-Policy", "same-origin"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
]


def is_local(host: str) -> bool:
    """Returns whether only this machine can reach a server on that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def same_site(application: Application, hosts: Set[str] | None) -> Application:
    """Returns the application for requests that no other site has made.

    A page of another site reaches a server on this machine through a name of its own that suddenly
    means 127.0.0.1 (DNS rebinding): then ``Host`` has that name. Or it sends a form: then
    ``Origin`` names that site.

    Args:
        application: A WSGI application.
        hosts: Names in ``Host`` and ``Origin`` that are right beside those of this machine
            (``localhost``, ``127.0.0.1``); None for any name in ``Host``, where a token guards the
            application.
    """

    def answer(environ: Environ, start: Start) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "").lower()
        name = _name_in(host)
        if name is None or not (hosts is None or is_local(name) or name in hosts):
            return refuse(
                *(environ, start, "403 Forbidden"),
                f"The dashboard does not answer to the host {host!r}. If that is its address, "
                "start it with: tuner dashboard --allow-host NAME",
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None:
            there = origin.lower().partition("://")[2]
            if there != host and (hosts is None or _name_in(there) not in hosts):
                return refuse(
                    *(environ, start, "403 Forbidden"),
                    f"The request comes from a page of another site, {origin!r}.",
                )

        def start_unframed(status: str, headers: Headers, *more: Any) -> Any:
            return start(status, [*headers, ("X-Frame-Options", "SAMEORIGIN")], *more)

        return application(environ, start_unframed)

    return answer


def read_only(application: Application) -> Application:
    """Returns the application for requests that only read."""

    def answer(environ: Environ, start: Start) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return application(environ, start)
        return refuse(
            *(environ, start, "405 Method Not Allowed"),
            "This dashboard is read-only. To change studies, start it with: "
            "tuner dashboard --allow-write",
            headers=[("Allow", "GET, HEAD")],
        )

    return answer


def refuse(
    environ: Environ,
    start: Start,
    status: str,
    text: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    more: str = "",
) -> Iterable[bytes]:
    """Answers with a status and the reason: a page for a browser, JSON for programs.

    Args:
        environ: The request.
        start: WSGI's ``start_response``.
        status: Such as ``"403 Forbidden"``.
        text: The reason.
        headers: Further headers of the answer.
        more: HTML below the reason on the page.
    """
    if "text/html" in environ.get("HTTP_ACCEPT", ""):
        kind, body = "text/html", _PAGE.format(text=html.escape(text), more=more)
    else:
        kind, body = "application/json", json.dumps({"reason": text}) + "\n"
    content = body.encode()
    about = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(content)))]
    start(status, [*about, *_PRIVATE, *headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]


def _name_in(host: str) -> str | None:
    """Returns the name or address in ``NAME:PORT``; None if it is malformed."""
    found = _HOST.fullmatch(host)
    return found["name"].strip("[]").rstrip(".") if found else None
