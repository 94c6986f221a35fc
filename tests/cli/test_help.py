"""The help of every command shows all that is written for it: no bracket is taken for markup."""

from __future__ import annotations

import re

import pytest
import typer
from commands import Command

from tuner.cli import app

GROUP = typer.main.get_command(app)
COMMANDS = {(name,): one for name, one in GROUP.commands.items()}  # type: ignore[attr-defined]
COMMANDS |= {("data", name): one for name, one in COMMANDS["data",].commands.items()}


def squeezed(text: str) -> str:
    """Without spaces and frames, so that it does not matter where a line is broken."""
    return re.sub(r"[\s│]", "", text)


@pytest.mark.parametrize("words", sorted(COMMANDS), ids=" ".join)
def test_help_of_every_command_is_complete(words: tuple[str, ...], command: Command) -> None:
    answer = command(*words, "--help")
    assert answer.status == 0
    printed = squeezed(answer.out)
    for param in COMMANDS[words].params:
        assert squeezed(param.help or "") in printed
        if isinstance(param.show_default, str):
            assert squeezed(f"[default: ({param.show_default})]") in printed


def test_help_explains_computed_defaults(command: Command) -> None:
    printed = squeezed(command("run", "--help").out)
    for default in ("one a core", "TUNER_STORAGE, OPTUNA_STORAGE, or sqlite:///tuner.db"):
        assert squeezed(f"[default: ({default})]") in printed
