"""Commands that answer at once: what they import, and that each explains itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from commands import Command
from laboratory import Laboratory

from tuner.cli import app

HEAVY = {"tensorflow", "keras", "pandas", "sklearn"}
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
CODE = """
import sys
from tuner.cli import main
try:
    main()
finally:
    print(*sorted(set(sys.modules)), file=sys.stderr)
"""


def imports_of(folder: Path, *words: str) -> tuple[str, set[str]]:
    """What a command prints, and the modules that it imports, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, cwd=folder, check=True
    )
    return done.stdout, {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "words", ["--help", "--version", "studies", "studies --json", "run --help"]
)
def test_listing_and_help_import_no_library(words: str, laboratory: Laboratory) -> None:
    laboratory.store("complete")
    out, modules = imports_of(laboratory.folder, *words.split())
    assert out
    # Optuna and SQLAlchemy alone take longer than an answer may.
    assert not modules & (HEAVY | {"optuna", "sqlalchemy", "numpy"})


@pytest.mark.slow
@pytest.mark.parametrize("words", ["trials", "best", "show"])
def test_results_are_shown_without_tensorflow(words: str, laboratory: Laboratory) -> None:
    laboratory.store("complete", "pruned", "complete")
    out, modules = imports_of(laboratory.folder, words, "scripted")
    assert out
    assert not modules & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str, command: Command) -> None:
    answer = command(name, "--help")
    assert (answer.status, answer.err) == (0, "")
    about = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert about.help
    for parameter in about.params:
        assert parameter.help, f"tuner {name}: {parameter.name} has no help"


def test_promised_commands_exist() -> None:
    promised = "run studies show trials best export train predict dashboard"
    assert set(promised.split()) <= set(COMMANDS)


def test_commands_are_listed_without_arguments(command: Command) -> None:
    answer = command()
    assert (answer.status, answer.err) == (2, "")
    assert all(name in answer.out for name in COMMANDS)


def test_version_is_printed(command: Command) -> None:
    import tuner

    assert command("--version").out == f"tuner {tuner.__version__}\n"


@pytest.mark.slow
def test_closed_pipe_ends_a_command_quietly(laboratory: Laboratory) -> None:
    laboratory.store("complete")
    code = "from tuner.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "trials", "scripted"],
        cwd=laboratory.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.close()  # as `| head -0` does
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141
