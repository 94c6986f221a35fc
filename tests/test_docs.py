"""Every command that the documentation shows exists, with the options that it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tuner.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def shown(page: Path) -> Iterator[tuple[int, list[str]]]:
    """Every command in a page's code blocks: its line and its words without ``tuner``."""
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced and re.match(r"\s*(\$ |next\s+)?tuner ", line):
            line = re.sub(r"^\s*(\$ |next\s+)?", "", line)
            # A result may explain a command behind it: "tuner dashboard   every trial".
            line = re.split(r"\s{2,}(?=[a-z])", line)[0]
            for single in re.split(r"&&|\|", line):
                words = shlex.split(single, comments=True)
                if words and words[0] == "tuner":
                    yield number, words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_documentation_exist(page: Path) -> None:
    for number, (name, *words) in shown(page):
        where = f"{page.name}, line {number}: tuner {name}"
        if name.startswith("-"):
            continue
        assert name in COMMANDS, f"{where} does not exist"
        options = {text for p in COMMANDS[name].params for text in (*p.opts, *p.secondary_opts)}
        for word in words:
            option = word.partition("=")[0]
            if re.fullmatch(r"-[a-z]|--[a-z-]+", option):
                assert option in options | {"-h", "--help"}, f"{where} {option} does not exist"


def test_the_readme_shows_the_main_commands() -> None:
    names = {words[0] for _, words in shown(ROOT / "README.md")}
    assert {"run", "export", "train", "predict", "dashboard"} <= names


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_stands_in_the_documentation(name: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert re.search(rf"\btuner {name}\b", text), f"no page shows tuner {name}"
