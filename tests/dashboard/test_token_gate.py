"""The dashboard behind a token: requests without it are refused."""

from __future__ import annotations

import io
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from wsgiref.util import setup_testing_defaults

import pytest
from commands import Command
from laboratory import Laboratory
from processes import program, running

from tuner.dashboard.request_gate import Application
from tuner.dashboard.token_gate import guarded
from tuner.errors import RequestError

TOKEN = "a-token.of_32~characters"
PAGE = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}


def inside(_environ: object, start: Callable[..., object]) -> list[bytes]:
    start("200 OK", [])
    return [b"inside"]


class Gate:
    """One guarded application, which is one server: its sessions are its own."""

    def __init__(self) -> None:
        self.application: Application = guarded(inside, TOKEN)

    def __call__(
        self, path: str = "/", query: str = "", form: str | None = None, **headers: str
    ) -> tuple[str, dict[str, str], bytes]:
        """The status, the headers and the body of one request."""
        environ: dict[str, object] = {"PATH_INFO": path, "QUERY_STRING": query, **headers}
        if form is not None:
            environ |= {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
                "CONTENT_LENGTH": str(len(form)),
                "wsgi.input": io.BytesIO(form.encode()),
            }
        setup_testing_defaults(environ)
        started: list[tuple[str, dict[str, str]]] = []
        body = self.application(
            environ, lambda status, found: started.append((status, dict(found)))
        )
        return (*started[0], b"".join(body))


@pytest.fixture
def asked() -> Gate:
    return Gate()


def session(headers: dict[str, str]) -> str:
    """The cookie as a browser sends it back."""
    return headers["Set-Cookie"].partition(";")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        PAGE,
        {"HTTP_AUTHORIZATION": "Bearer another"},
        {"HTTP_AUTHORIZATION": "Bearer "},
        {"HTTP_AUTHORIZATION": f"Basic {TOKEN}"},
        {"HTTP_COOKIE": f"tuner_token={TOKEN}"},
        {"HTTP_COOKIE": f"tuner_session_80={TOKEN}"},
        {"HTTP_COOKIE": "tuner_session_80="},
        {"HTTP_COOKIE": "\x00;;=,"},
        {"HTTP_AUTHORIZATION": "Bearer \xe9"},
    ],
)
def test_without_the_token_nothing_is_shown(headers: dict[str, str], asked: Gate) -> None:
    for query in ("", "token=", "token=another", f"tokens={TOKEN}"):
        status, sent, body = asked("/api/studies", query, **headers)
        assert status == "401 Unauthorized"
        assert b"/?token=TOKEN" in body
        assert b"inside" not in body
        assert "Set-Cookie" not in sent


def test_a_program_sends_the_token(asked: Gate) -> None:
    assert asked(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")[::2] == ("200 OK", b"inside")


def test_a_browser_gets_a_session_that_is_not_the_token(asked: Gate) -> None:
    status, headers, _ = asked("/dashboard", f"a=1&token={TOKEN}&b=2")
    assert (status, headers["Location"]) == ("303 See Other", "/dashboard?a=1&b=2")
    assert re.fullmatch(
        r"tuner_session_80=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", headers["Set-Cookie"]
    )
    assert TOKEN not in headers["Set-Cookie"]
    cookie = session(headers)
    assert asked(HTTP_COOKIE=f"a=b; {cookie}")[::2] == ("200 OK", b"inside")
    assert asked(HTTP_COOKIE=cookie, SERVER_PORT="8081")[0] == "401 Unauthorized"


def test_a_session_ends_with_the_server(asked: Gate) -> None:
    cookie = session(asked("/", f"token={TOKEN}")[1])
    assert Gate()(HTTP_COOKIE=cookie)[0] == "401 Unauthorized"
    assert asked(HTTP_COOKIE=cookie)[0] == "200 OK"


def test_redirect_after_the_token_stays_on_the_dashboard(asked: Gate) -> None:
    for path in ("//elsewhere.example/x", "/\\elsewhere.example", "/\r\nSet-Cookie: a=b"):
        there = asked(path, f"token={TOKEN}")[1]["Location"]
        assert there[0] == "/"
        assert there[1] not in "/\\"
        assert "\n" not in there


def test_a_person_can_enter_the_token(asked: Gate) -> None:
    status, headers, body = asked("/dashboard", "a=1", **PAGE)
    assert (status, headers["Content-Type"]) == ("401 Unauthorized", "text/html; charset=utf-8")
    # Else a browser sends `Origin: null` with the form, which is refused as another site's.
    assert headers["Referrer-Policy"] == "same-origin"
    assert b'<form method="post">' in body
    assert b'name="token"' in body
    status, headers, body = asked("/dashboard", "a=1", form="token=another", **PAGE)
    assert (status, b"That is not the token." in body) == ("401 Unauthorized", True)
    status, headers, _ = asked("/dashboard", "a=1", form=f"token={TOKEN}", **PAGE)
    assert (status, headers["Location"]) == ("303 See Other", "/dashboard?a=1")
    assert asked(HTTP_COOKIE=session(headers))[0] == "200 OK"


def test_a_form_that_is_too_large_is_not_read(asked: Gate) -> None:
    for length in ("5000", "-1", "1e3", ""):
        form = f"token={TOKEN}"
        assert asked(form=form, CONTENT_LENGTH=length)[0] != "200 OK"


@pytest.mark.parametrize("token", ["", "two words", "semi;colon", "ü", " " * 20, "x" * 20 + "\n"])
def test_token_with_unsendable_characters_is_refused(token: str) -> None:
    with pytest.raises(RequestError, match=r"letters, digits and -\._~ only"):
        guarded(inside, token)


@pytest.mark.parametrize("token", ["x", "x" * 15])
def test_short_token_is_refused(token: str) -> None:
    with pytest.raises(RequestError, match=r"at least 16 characters, but has \d+; make one with"):
        guarded(inside, token)
    guarded(inside, "x" * 16)


@pytest.mark.slow
def test_the_command_asks_for_the_token(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.store("complete")
    monkeypatch.setenv("TUNER_DASHBOARD_TOKEN", TOKEN)
    words = [*program("tuner"), "dashboard", "--port", "0", "--storage", laboratory.url]
    with running(words, laboratory.folder) as process:
        assert process.stderr
        line = process.stderr.readline()
        assert TOKEN not in line
        address = line.split(" on ")[1].split()[0].rstrip("/")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{address}/api/studies")
        jar = CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        answer: HTTPResponse
        with browser.open(f"{address}/api/studies?token={TOKEN}") as answer:
            assert b"scripted" in answer.read()
            assert TOKEN not in answer.url
        with browser.open(f"{address}/api/studies") as answer:
            assert answer.status == 200
        assert [TOKEN in (cookie.value or "") for cookie in jar] == [False]
        process.terminate()
        out, error = process.communicate(timeout=60)
    assert TOKEN not in out + error


@pytest.mark.parametrize(
    ("words", "variable", "match"),
    [
        ("--token two_w;ords", None, r"the dashboard's token may have letters.*secrets\.token_url"),
        ("--token short", None, r"must have at least 16 characters, but has 5; make one with"),
        ("", "short", r"must have at least 16 characters, but has 5; make one with"),
        ("", "", r"TUNER_DASHBOARD_TOKEN is set but empty, and would guard nothing; unset it, or"),
        ("--host 0.0.0.0", "", r"TUNER_DASHBOARD_TOKEN is set but empty"),
        ("--host 0.0.0.0", None, r"--host 0\.0\.0\.0: others .* set TUNER_DASHBOARD_TOKEN to at"),
        ("--host ::", None, r"--host ::: others than this machine can reach that address"),
        ("--host 192.0.2.1", None, r"--host 192\.0\.2\.1: others than this machine can reach"),
        ("--host example.com", None, r"--host example\.com: others than this machine can reach"),
        ("--host 192.0.2.1 --token 1234567890123456", None, r"cannot listen on 192\.0\.2\.1:0"),
    ],
)
def test_malformed_request_is_refused(
    words: str,
    variable: str | None,
    match: str,
    command: Command,
    laboratory: Laboratory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    laboratory.store("complete")
    if variable is not None:
        monkeypatch.setenv("TUNER_DASHBOARD_TOKEN", variable)
    url = ("--port", "0", "--storage", laboratory.url)
    command("dashboard", *url, *words.split()).refused(2, match)


def test_an_empty_token_is_refused_as_an_option(command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete")
    words = ("dashboard", "--port", "0", "--storage", laboratory.url, "--token", "")
    command(*words).refused(2, r"and must have some")
