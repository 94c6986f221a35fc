"""Lets into a web application only those who have the token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from tuner.errors import RequestError

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_COOKIE = "tuner_token"
_REFUSAL = b"This dashboard asks for a token: open its address with /?token=TOKEN at the end.\n"


def guarded(application: Application, token: str) -> Application:
    """The application, for requests that have the token.

    A browser opens ``/?token=TOKEN`` once and gets a cookie; a program sends the header
    ``Authorization: Bearer TOKEN``. All others get the status 401.

    Args:
        application: A WSGI application.
        token: Letters, digits and ``-._~``.

    Raises:
        RequestError: It has other characters, or none.
    """
    if not _SAFE.fullmatch(token):
        raise RequestError(
            "the dashboard's token may have letters, digits and -._~ only, and must have some: it "
            "stands in addresses; make one with: python -c 'import secrets; "
            "print(secrets.token_urlsafe())'"
        )

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        asked = parse_qs(environ.get("QUERY_STRING", ""))
        if _same(asked.pop("token", [""])[0], token):
            # Quoted, and with one slash: no path may lead to another site.
            there = "/" + quote(environ.get("PATH_INFO", "").lstrip("/"), encoding="latin-1")
            if asked:
                there += f"?{urlencode(asked, doseq=True)}"
            # Seen by no script and sent by no other site's page; the address loses the token.
            cookie = f"{_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
            start("303 See Other", [("Location", there), ("Set-Cookie", cookie)])
            return []
        if _same(_sent(environ), token):
            return application(environ, start)
        start("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
        return [_REFUSAL]

    return answer


def _sent(environ: Mapping[str, Any]) -> str:
    kind, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() == "bearer":
        return str(sent).strip()
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(_COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())  # in the same time, right or wrong
