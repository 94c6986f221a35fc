"""Lets into a web application only those who have the token."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, urlencode

from tuner.dashboard.request_gate import Application, Environ, Start, refuse
from tuner.errors import RequestError

SHORTEST_TOKEN = 16
"""Characters; as many random letters and digits cannot be guessed."""

HOW_TO_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe())'"

_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_LONGEST_FORM = 4096  # bytes
_REFUSAL = (
    "This dashboard asks for a token. A program sends the header Authorization: Bearer TOKEN; a "
    "browser opens the address with /?token=TOKEN at the end"
)
_FORM = """<form method="post">
<input type="password" name="token" aria-label="Token" placeholder="Token" autofocus required
 autocomplete="current-password"> <button>Open</button>
</form>
"""


def guarded(application: Application, token: str) -> Application:
    """Returns the application for requests that have the token.

    A browser opens ``/?token=TOKEN``, or enters the token into a form, and gets a cookie with a
    random session, which ends when the server does; a program sends the header
    ``Authorization: Bearer TOKEN``. All others get the status 401.

    Args:
        application: A WSGI application.
        token: At least 16 letters, digits and ``-._~``.

    Raises:
        RequestError: It is shorter, or has other characters.
    """
    check_token(token)
    session = secrets.token_urlsafe(32)

    def answer(environ: Environ, start: Start) -> Iterable[bytes]:
        asked = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if _same(asked.pop("token", [""])[0], token):
            return enter(environ, start, asked)
        if _same(_sent_token(environ), token) or _same(_cookie(environ), session):
            return application(environ, start)
        text = f"{_REFUSAL}."
        if (typed := _typed_token(environ)) is not None:
            if _same(typed, token):
                return enter(environ, start, asked)
            text = f"That is not the token. {text}"
        return refuse(
            *(environ, start, "401 Unauthorized", text),
            headers=[("WWW-Authenticate", "Bearer")],
            more=_FORM,
        )

    def enter(environ: Environ, start: Start, asked: dict[str, list[str]]) -> Iterable[bytes]:
        # Quoted, and with one slash: no path may lead to another site.
        there = "/" + quote(environ.get("PATH_INFO", "").lstrip("/"), encoding="latin-1")
        if asked:
            there += f"?{urlencode(asked, doseq=True)}"
        # Read by no script and sent by no other site's page; the address loses the token.
        cookie = f"{_cookie_name(environ)}={session}; Path=/; HttpOnly; SameSite=Strict"
        kept = [("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")]
        start("303 See Other", [("Location", there), ("Set-Cookie", cookie), *kept])
        return []

    return answer


def check_token(token: str) -> None:
    """Refuses a token that guards nothing, or that no address can hold.

    Raises:
        RequestError: It is empty, too short, or has other characters than letters, digits and
            ``-._~``.
    """
    if not _SAFE.fullmatch(token):
        raise RequestError(
            "the dashboard's token may have letters, digits and -._~ only, and must have some: it "
            f"stands in addresses; {HOW_TO_MAKE_ONE}"
        )
    if len(token) < SHORTEST_TOKEN:
        raise RequestError(
            f"the dashboard's token must have at least {SHORTEST_TOKEN} characters, but has "
            f"{len(token)}; {HOW_TO_MAKE_ONE}"
        )


def _sent_token(environ: Environ) -> str:
    kind, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return str(sent).strip() if kind.lower() == "bearer" else ""


def _cookie(environ: Environ) -> str:
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(_cookie_name(environ))
    except CookieError:
        return ""
    return found.value if found else ""


def _cookie_name(environ: Environ) -> str:
    # A browser sends the cookies of all ports of a machine to each of them.
    return f"tuner_session_{environ['SERVER_PORT']}"


def _typed_token(environ: Environ) -> str | None:
    """Returns what was entered into the form; None if the request is not that form."""
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    length = environ.get("CONTENT_LENGTH") or "0"
    if environ["REQUEST_METHOD"] != "POST" or kind != "application/x-www-form-urlencoded":
        return None
    if not length.isdecimal() or int(length) > _LONGEST_FORM:
        return None
    form: str = environ["wsgi.input"].read(int(length)).decode("latin-1")
    return parse_qs(form).get("token", [""])[0].strip()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())  # in the same time, right or wrong
