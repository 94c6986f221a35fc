"""No password of a storage URL is ever printed: not in results, not in errors, not in notes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from commands import Command
from laboratory import Laboratory

from tuner.storage.url import masked

SECRET = "hunter2"
COMMANDS = [
    "run scripted",
    "run scripted --json",
    "studies",
    "show scripted",
    "trials scripted",
    "best scripted --json",
    "export scripted -o best.toml",
    "dashboard --port 0",
]
UNUSABLE = [
    f"postgresql://me:{SECRET}@127.0.0.1:1/studies",
    f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/studies",
    f"postgresql+nodriver://me:{SECRET}@127.0.0.1:1/studies",
    f"postgresql://127.0.0.1:1/studies?user=me&password={SECRET}",
    f"mysql://me:{SECRET}@127.0.0.1:1/studies",
    f"oracle://me:{SECRET}@127.0.0.1:1/studies",
    f"postgresql//me:{SECRET}@127.0.0.1:1/studies",
    f"postgresql:/me:{SECRET}@127.0.0.1:1/studies",
    f"postgresql://me:{SECRET}@127.0.0.1:port/studies",
    f"postgresql://me:p@{SECRET}@127.0.0.1:1/studies",
    f"postgresql://me:p/{SECRET}@127.0.0.1:1/studies",
    f"me:{SECRET}@127.0.0.1",
]


@pytest.mark.parametrize(
    ("words", "url"),
    [("best scripted", url) for url in UNUSABLE] + [(words, UNUSABLE[0]) for words in COMMANDS],
)
def test_password_of_an_unusable_database_is_never_shown(
    words: str, url: str, command: Command, laboratory: Laboratory
) -> None:
    answer = command(*words.split(), "--storage", url)
    answer.refused(2, r"storage ")
    assert SECRET not in answer.err


@pytest.mark.parametrize("words", COMMANDS[:-1])
def test_password_of_a_usable_database_is_never_shown(
    words: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store(*["complete"] * 4)  # all that are wanted, so that `run` has nothing to do
    # SQLite ignores what it does not know, so that no server is needed to have a password.
    url = f"sqlite:///file:tuner.db?uri=true&password={SECRET}"
    answer = command(*words.split(), "--storage", url)
    assert answer.status == 0
    assert SECRET not in answer.err
    assert SECRET not in answer.out
    if words in ("run scripted", "show scripted"):
        assert "--storage 'sqlite:///file" in answer.out
        assert "password=***" in answer.out


def test_password_is_not_in_a_traceback(laboratory: Laboratory) -> None:
    """Python prints lines of code, not the values in them."""
    code = (
        "import tuner.storage.database as d\n"
        "d.optuna.load_study = lambda **_: 1 / 0\n"
        "from tuner.cli import main; main()"
    )
    laboratory.store("complete")
    url = f"sqlite:///file:tuner.db?uri=true&password={SECRET}"
    done = subprocess.run(
        [sys.executable, "-c", code, "best", "scripted", "--storage", url],
        capture_output=True,
        text=True,
        cwd=laboratory.folder,
        check=False,
    )
    assert "ZeroDivisionError" in done.stderr
    assert SECRET not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///tuner.db", "sqlite:///tuner.db"),
        ("sqlite:///my folder/a@b@c.db", "sqlite:///my folder/a@b@c.db"),
        ("postgresql://host/studies", "postgresql://host/studies"),
        (f"postgresql://me:{SECRET}@host/studies", "postgresql://me:***@host/studies"),
        (f"postgresql://host/s?password={SECRET}", "postgresql://host/s?password=***"),
        (f"mysql://host/s?passwd={SECRET}", "mysql://host/s?passwd=***"),
        (f"postgresql://me:p@{SECRET}@host/studies", "'postgresql…'"),
        (f"me:{SECRET}@host", "'me…'"),
        ("", "'…'"),
    ],
)
def test_masked_hides_the_password_of_a_url(url: str, shown: str) -> None:
    assert masked(url) == shown
