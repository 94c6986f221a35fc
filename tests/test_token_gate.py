"""The dashboard behind a token: who has it comes in, nobody else does."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest
from commands import Command
from laboratory import Laboratory
from processes import program, running

from tuner.errors import RequestError
from tuner.token_gate import guarded

TOKEN = "a-token.of_32~characters"


def asked(path: str = "/", query: str = "", **headers: str) -> tuple[str, dict[str, str], bytes]:
    """The status, the headers and the body of one request to a guarded application."""
    environ: dict[str, object] = {"PATH_INFO": path, "QUERY_STRING": query, **headers}
    setup_testing_defaults(environ)
    heard: list[tuple[str, dict[str, str]]] = []

    def inside(_environ: object, start: Callable[..., object]) -> list[bytes]:
        start("200 OK", [])
        return [b"inside"]

    body = guarded(inside, TOKEN)(
        environ, lambda status, found: heard.append((status, dict(found)))
    )
    return (*heard[0], b"".join(body))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_AUTHORIZATION": "Bearer another"},
        {"HTTP_AUTHORIZATION": f"Basic {TOKEN}"},
        {"HTTP_COOKIE": "tuner_token=another"},
        {"HTTP_COOKIE": f"other={TOKEN}"},
        {"HTTP_COOKIE": "\x00;;=,"},
        {"HTTP_AUTHORIZATION": "Bearer \xe9"},
    ],
)
def test_without_the_token_nothing_is_shown(headers: dict[str, str]) -> None:
    for query in ("", "token=", "token=another", f"tokens={TOKEN}"):
        status, _, body = asked("/api/studies", query, **headers)
        assert status == "401 Unauthorized"
        assert b"/?token=TOKEN" in body
        assert b"inside" not in body


def test_a_program_sends_the_token_and_a_browser_the_cookie() -> None:
    assert asked(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")[0] == "200 OK"
    assert asked(HTTP_COOKIE=f"a=b; tuner_token={TOKEN}")[::2] == ("200 OK", b"inside")


def test_the_address_loses_the_token_and_stays_here() -> None:
    status, headers, _ = asked("/dashboard", f"a=1&token={TOKEN}&b=2")
    assert (status, headers["Location"]) == ("303 See Other", "/dashboard?a=1&b=2")
    assert "HttpOnly" in headers["Set-Cookie"]
    for path in ("//elsewhere.example/x", "/\\elsewhere.example", "/\r\nSet-Cookie: a=b"):
        there = asked(path, f"token={TOKEN}")[1]["Location"]
        assert there[0] == "/"
        assert there[1] not in "/\\"
        assert "\n" not in there


@pytest.mark.parametrize("token", ["", "two words", "semi;colon", "ü"])
def test_a_token_that_could_not_be_sent(token: str) -> None:
    with pytest.raises(RequestError, match=r"letters, digits and -\._~ only"):
        guarded(lambda *_: [], token)


@pytest.mark.slow
def test_the_command_asks_for_the_token(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch):
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
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        answer: HTTPResponse
        with browser.open(f"{address}/api/studies?token={TOKEN}") as answer:
            assert b"scripted" in answer.read()
            assert TOKEN not in answer.url
        with browser.open(f"{address}/api/studies") as answer:
            assert answer.status == 200


@pytest.mark.slow
def test_open_to_all_it_says_so(laboratory: Laboratory, tmp_path: Path):
    laboratory.store("complete")
    words = [*program("tuner"), "dashboard", "--port", "0", "--host", "0.0.0.0"]
    with running([*words, "--storage", laboratory.url], laboratory.folder) as process:
        assert process.stderr
        process.stderr.readline()
        assert process.stderr.readline() == (
            "whoever reaches it may change studies; set TUNER_DASHBOARD_TOKEN\n"
        )


def test_a_token_that_cannot_be_used_is_an_error(command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete")
    words = ("dashboard", "--port", "0", "--storage", laboratory.url, "--token", "two words")
    command(*words).refused(2, r"the dashboard's token may have letters.*secrets\.token_urlsafe")
