"""The dashboard refuses requests of other sites and requests that change a study."""

from __future__ import annotations

import json
from collections.abc import Callable
from wsgiref.util import setup_testing_defaults

import optuna_dashboard
import pytest
from laboratory import Laboratory

from tuner.dashboard.app import Rules, make_dashboard
from tuner.dashboard.request_gate import is_local, read_only, same_site
from tuner.storage.database import Database

HERE = Rules()
ANYWHERE = Rules(token="x" * 16, hosts=None)


def inside(_environ: object, start: Callable[..., object]) -> list[bytes]:
    start("200 OK", [])
    return [b"inside"]


def asked(
    application: Callable[..., object], method: str = "GET", path: str = "/", **headers: str | None
) -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, object] = {"REQUEST_METHOD": method, "PATH_INFO": path}
    environ |= {
        f"HTTP_{name.upper()}": value for name, value in headers.items() if value is not None
    }
    setup_testing_defaults(environ)
    if "host" in headers and headers["host"] is None:
        del environ["HTTP_HOST"]
    started: list[tuple[str, dict[str, str]]] = []
    body: list[bytes] = application(  # type: ignore[assignment]
        environ, lambda status, found, *_: started.append((status, dict(found)))
    )
    return (*started[-1], b"".join(body))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.1.2.3"),
        *("a.localhost:1", "localhost.", "tuner.example", "Tuner.Example:443"),
    ],
)
def test_request_to_this_machine_is_accepted(host: str) -> None:
    status, headers, body = asked(same_site(inside, {"tuner.example"}), host=host)
    assert (status, body) == ("200 OK", b"inside")
    assert headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("192.0.2.1:8080", "[2001:db8::1]", "evil.example, localhost", "localhost@evil.example"),
        *("localhost:8080:80", "", None, "[::1].evil.example", "localhost/evil", "2130706433"),
    ],
)
def test_a_foreign_host_is_refused(host: str | None) -> None:
    for method in ("GET", "DELETE"):
        status, _, body = asked(same_site(inside, set()), method, "/api/studies/1", host=host)
        assert status == "403 Forbidden"
        assert "tuner dashboard --allow-host NAME" in json.loads(body)["reason"]


def test_any_host_is_accepted_behind_a_token_unless_some_are_named() -> None:
    assert asked(same_site(inside, None), host="gpu.lan:8080")[0] == "200 OK"
    assert asked(same_site(inside, {"gpu.lan"}), host="evil.example")[0] == "403 Forbidden"


@pytest.mark.parametrize("hosts", [None, set(), {"tuner.example"}])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:80", "file://", ""],
)
def test_a_foreign_origin_is_refused(origin: str, hosts: set[str] | None) -> None:
    gate = same_site(inside, hosts)
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        status, _, body = asked(gate, method, host="127.0.0.1:8080", origin=origin)
        assert status == "403 Forbidden"
        assert "comes from a page of another site" in json.loads(body)["reason"]


def test_own_origin_is_accepted() -> None:
    ours = same_site(inside, {"tuner.example"})
    assert asked(ours, host="localhost:8080", origin="http://localhost:8080")[0] == "200 OK"
    # Behind a proxy that sends its own name for the host.
    assert asked(ours, host="127.0.0.1:8080", origin="https://tuner.example")[0] == "200 OK"


def test_a_browser_gets_a_page_and_a_program_json() -> None:
    refusing = read_only(same_site(inside, set()))
    status, headers, body = asked(refusing, "DELETE", accept="application/json")
    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")
    assert "tuner dashboard --allow-write" in json.loads(body)["reason"]
    status, headers, body = asked(refusing, host="<b>evil</b>", accept="text/html")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<b>evil" not in body
    assert b"&lt;b&gt;evil" in body
    status, _, body = asked(refusing, "HEAD", host="evil.example")
    assert (status, body) == ("403 Forbidden", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "X"])
def test_methods_that_write_are_refused(method: str) -> None:
    assert asked(read_only(inside), method)[0] == "405 Method Not Allowed"


def test_reading_methods_pass() -> None:
    assert asked(read_only(inside))[::2] == ("200 OK", b"inside")
    assert asked(read_only(inside), "HEAD")[0] == "200 OK"


def test_no_route_of_the_dashboard_that_reads_has_another_method(laboratory: Laboratory) -> None:
    """All that optuna-dashboard does by GET only reads; what changes a study is refused."""
    laboratory.store("complete")
    database = Database(laboratory.url)
    routes = {(r.method, r.rule) for r in optuna_dashboard.wsgi(database.storage).routes}
    reading = {rule for method, rule in routes if method == "GET"}
    changing = [rule for method, rule in routes if method != "GET"]
    assert len(changing) >= 10
    for word in ("delete", "rename", "tell", "skip", "user-attrs"):
        assert not [rule for rule in reading if word in rule], word
    closed = make_dashboard(database, HERE)
    study = database.study("scripted")
    path = f"/api/studies/{study._study_id}"
    assert asked(closed, path=path)[0] == "200 OK"
    assert asked(closed, "DELETE", path)[0] == "405 Method Not Allowed"
    opened = make_dashboard(database, Rules(allow_write=True))
    assert asked(opened, "DELETE", path, host="evil.example")[0] == "403 Forbidden"
    assert asked(opened, "DELETE", path, origin="http://evil.example")[0] == "403 Forbidden"
    assert database.study_names() == ["scripted"]
    assert asked(opened, "DELETE", path)[0].startswith("204")
    assert database.study_names() == []
    assert asked(make_dashboard(database, ANYWHERE), path=path)[0] == "401 Unauthorized"
    database.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.5.5.5"])
def test_address_of_this_machine_is_recognised(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.com", "127.1", "*"])
def test_address_that_others_reach_is_recognised(host: str) -> None:
    assert not is_local(host)
