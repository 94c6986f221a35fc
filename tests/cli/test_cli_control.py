"""Control characters of names, titles and reasons never reach a terminal."""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
import unicodedata
from pathlib import Path

import optuna
import pytest
from commands import Answer, Command
from hypothesis import given
from hypothesis import strategies as st
from laboratory import Laboratory
from optuna.trial import TrialState
from rich.console import Console

from tuner.cli.progress import LiveProgress, PlainProgress, print_line
from tuner.errors import ModelError, TunerError, keep_traceback
from tuner.spec import Objective
from tuner.wording import error_text, json_printable, one_line, printable, toml

NASTY = "a\nb\x1b]0;owned\x07\x1b[2J\r\x7f\x85\u202e\u2028z"


def assert_safe(text: str) -> None:
    """Nothing in a text controls a terminal, but for line breaks and tabs."""
    found = {c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs")} - {"\n", "\t"}
    assert not found
    assert "\u202e" not in text


@pytest.fixture
def nasty(laboratory: Laboratory) -> Laboratory:
    """A stored study with a nasty name, title and metric, trials with such reasons and params."""
    text = laboratory.study.read_text().replace('"Scripted"', json.dumps(NASTY))
    laboratory.study.write_text(text)
    laboratory.store("complete", "fail", study_name=NASTY)
    study = optuna.load_study(study_name=NASTY, storage=laboratory.url)
    trial = optuna.trial.create_trial(
        state=TrialState.FAIL,
        user_attrs={"reason": NASTY, "origin": NASTY},
    )
    study.add_trial(trial)
    return laboratory


def check(answer: Answer, status: int = 0) -> None:
    assert_safe(answer.out)
    assert_safe(answer.err)
    assert answer.status == status


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_listings_show_control_characters_escaped(
    command: Command, nasty: Laboratory, form: str
) -> None:
    for words in (["studies"], *([name, NASTY] for name in ("trials", "show", "best"))):
        answer = command(*words, "--format", form)
        check(answer)
        assert r"\x1b]0;owned" in answer.out or r"\u001b]0;owned" in answer.out
        if form == "json":  # it decodes to the stored name
            assert NASTY in json.dumps(json.loads(answer.out), ensure_ascii=False).replace(
                json.dumps(NASTY, ensure_ascii=False)[1:-1], NASTY
            )
        elif form == "csv":
            rows = list(csv.reader(io.StringIO(answer.out)))
            assert len({len(row) for row in rows}) == 1
        else:  # one line of the table each, whatever the name holds
            assert not [
                line for line in answer.out.splitlines() if line.startswith((r"b\x1b", "z"))
            ]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["export", NASTY, "-o", "best.toml", "--trial", "9"], 2),
        (["trials", NASTY, "--trial", "1"], 1),
        (["trials", NASTY, "--trial", "99"], 2),
        (["show", f"{NASTY}!"], 2),
        (["resume", NASTY], 2),
        (["run", f"./{NASTY}.toml"], 2),
        (["run", "scripted", "--set", f"model={NASTY}"], 2),
        (["run", "scripted", "--set", f"{NASTY}=3"], 2),
        (["show", NASTY, "--storage", f"sqlite:///{NASTY}"], 2),
        (["train", f"{NASTY}.toml", "-o", "model"], 2),
        (["predict", NASTY, "rows.csv"], 2),
        ([NASTY], 2),
    ],
)
def test_errors_show_control_characters_escaped(
    command: Command, nasty: Laboratory, words: list[str], status: int
) -> None:
    answer = command(*words)
    check(answer, status)
    lines = answer.err.splitlines()
    assert all(line.startswith(("tuner", "  ", "Undo")) for line in lines), lines


def test_queue_commands_show_control_characters_escaped(
    command: Command, nasty: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.results.doctor._LOAD", "pass")  # TensorFlow takes seconds
    check(command("submit", "scripted", "--study-name", NASTY))
    check(command("stop", NASTY))
    check(command("resume", NASTY))
    check(command("doctor", "--storage", f"sqlite:///{NASTY}.db"), 0)


def test_export_of_a_study_with_control_characters_succeeds(
    command: Command, nasty: Laboratory
) -> None:
    check(command("export", NASTY, "-o", "best.toml"))
    check(command("export", NASTY, "-o", "best.json"))
    check(command("export", NASTY, "-o", "scripted.toml"), 2)
    assert nasty.study.read_text().startswith("\ntitle")
    check(command("export", NASTY, "-o", "scripted.toml", "--force"))
    assert "tuner_export = 1" in nasty.study.read_text()


@pytest.mark.parametrize("kind", [PlainProgress, LiveProgress])
def test_progress_shows_control_characters_escaped(
    kind: type[PlainProgress] | type[LiveProgress],
) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=False, width=200)
    progress = kind(console, Objective(metric=NASTY, direction="maximize"))
    progress.started(NASTY, 0, 4, 1, (0, 1.0))
    progress.trial_started(0, 3)
    progress.epoch_done(0, 1, 0.5)
    progress.tick()
    progress.trial_finished(0, "fail", (), NASTY)
    progress.trial_returned(1, NASTY)
    progress.note("\x1b[1mbold\x1b[0m\tof a worker")
    progress.close()
    assert_safe(out.getvalue())
    assert "bold" in out.getvalue()
    assert "[1m" not in out.getvalue()


def test_print_line_prints_one_line() -> None:
    out = io.StringIO()
    print_line(Console(file=out, width=200), "a\nb")
    assert out.getvalue() == "a\\nb\n"


def test_error_text_keeps_an_indented_list() -> None:
    listed = "x was made with other settings:\n  a: 1, 2\n  b: 3, 4\nUndo the change"
    assert error_text(listed) == listed
    assert error_text("no study 'a\nb'; try c\n") == r"no study 'a\nb'; try c\n"


@given(st.text())
def test_printable_text_never_controls_a_terminal(text: str) -> None:
    assert_safe(printable(text))
    assert_safe(one_line(text))
    assert not re.search(r"[\n\t]", one_line(text))
    assert_safe(toml(text))
    assert printable(printable(text)) == printable(text)
    assert json.loads(json_printable(json.dumps(text, ensure_ascii=False))) == text
    assert printable(text) == text or any(not c.isprintable() for c in text)


def test_printable_keeps_letters_of_all_languages() -> None:
    text = "Größe 价格 ΔΣ שלום مرحبا 👩\u200d🔬 a\u0301 \u200f"
    assert printable(text) == text == one_line(text)


def test_a_traceback_is_shown_on_request(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_DEBUG", "")  # put back afterwards
    (tmp_path / "bad.toml").write_text("a = [")
    plain = command("submit", "./bad.toml")
    assert (plain.status, plain.err.count("\n")) == (2, 1)
    for words in (["--debug", "submit", "./bad.toml"], ["submit", "./bad.toml", "--debug"]):
        monkeypatch.setenv("TUNER_DEBUG", "")
        answer = command(*words)
        assert answer.status == 2
        assert answer.err.endswith(plain.err)
        assert "tomllib.TOMLDecodeError" in answer.err  # the cause, too
        assert "The above exception was the direct cause" in answer.err


def test_traceback_reaches_the_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> TunerError:
        try:
            {}["lr"]
        except KeyError as cause:
            try:
                raise ModelError("no parameter lr") from cause
            except ModelError as error:
                return pickle.loads(pickle.dumps(keep_traceback(error)))

    assert refuse().__cause__ is None
    assert not hasattr(refuse(), "__notes__")
    monkeypatch.setenv("TUNER_DEBUG", "1")
    (note,) = refuse().__notes__
    assert "KeyError: 'lr'" in note
    assert '{}["lr"]' in note
