"""Requests of ``tuner confirm`` that are wrong: one line, exit status 2."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from commands import Command
from confirmations import add_repeats, begun, searched
from laboratory import Laboratory

from tuner import data
from tuner.spec.models import Confirm
from tuner.storage.database import Database
from tuner.studies.catalog import find_study
from tuner.studies.lifecycle import create_or_resume


def where(laboratory: Laboratory) -> tuple[str, str]:
    return "--storage", laboratory.url


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (("--repeats", "2"), "--repeats must be at least 3, but got 2"),
        (("--top", "0"), "--top must be at least 1, but got 0"),
        (("--top", "101"), "--top must be at most 100, but got 101"),
        (("--workers", "0"), "--workers must be at least 1, but got 0"),
        (("--timeout", "soon"), "--timeout .*soon"),
    ],
)
def test_option_out_of_range(command: Command, options: tuple[str, ...], match: str) -> None:
    command("confirm", "wine", *options).refused(2, match)


def test_study_without_a_complete_trial(laboratory: Laboratory, command: Command) -> None:
    laboratory.store("pruned", "fail")
    answer = command("confirm", "scripted.toml", *where(laboratory))
    answer.refused(2, "no trial of scripted is complete, so there is nothing to confirm")
    assert "scripted-confirm" not in Database(laboratory.url).study_names()


def test_study_that_is_not_stored(laboratory: Laboratory, command: Command) -> None:
    laboratory.store("complete")
    command("confirm", "scriptd", *where(laboratory)).refused(2, "no study 'scriptd' is stored")
    absent = ("--storage", f"sqlite:///{laboratory.folder}/absent.db")
    command("confirm", "scripted.toml", *absent).refused(2, "absent.db")


def test_confirmation_of_a_confirmation(laboratory: Laboratory, command: Command) -> None:
    begun(*searched(laboratory, [0.4]))
    answer = command("confirm", "scripted-confirm", *where(laboratory))
    answer.refused(2, "is itself the confirmation of scripted; .*tuner confirm scripted")


def test_name_of_the_confirmation_is_taken(laboratory: Laboratory, command: Command) -> None:
    laboratory.store("complete")
    other = optuna.create_study(storage=laboratory.url, study_name="scripted-confirm")
    other.add_trial(optuna.trial.create_trial(value=1.0))
    answer = command("confirm", "scripted.toml", *where(laboratory))
    answer.refused(2, "is another study; rename it, or delete it with: optuna delete-study")


def test_other_splits_than_it_was_begun_with(laboratory: Laboratory, command: Command) -> None:
    begun(*searched(laboratory, [0.4]))
    answer = command("confirm", "scripted.toml", "--fresh-splits", *where(laboratory))
    answer.refused(2, "was begun without fresh splits, and repeats with them cannot be compared")


def test_confirmation_of_an_earlier_study_of_that_name(
    laboratory: Laboratory, command: Command
) -> None:
    database, _, _ = searched(laboratory, [0.4])
    begun(database, database.study("scripted"), find_study(str(laboratory.study)))
    optuna.delete_study(study_name="scripted", storage=laboratory.url)
    laboratory.study.write_text(laboratory.study.read_text().replace("seed = 3", "seed = 4"))
    searched(laboratory, [0.4])
    answer = command("confirm", "scripted.toml", *where(laboratory))
    answer.refused(2, "confirms an earlier study scripted, which had other settings")


def test_rows_that_must_not_be_mixed(tmp_path: Path, command: Command) -> None:
    url = f"sqlite:///{tmp_path / 'tuner.db'}"
    database, spec = Database(url), find_study("xor")
    described = data.load("xor", tmp_path).describe()
    study = create_or_resume(database, "xor", spec, described)
    best = spec.references[-1].params
    space = {name: spec.search_space.parameter(name).distribution() for name in best}
    made = optuna.trial.create_trial(
        value=0.1, params=best, distributions=space, user_attrs={"epoch": 5, "seed": 1}
    )
    study.add_trial(made)
    answer = command("confirm", "xor", "--fresh-splits", "--storage", url)
    answer.refused(2, "cannot be divided anew, because all its rows are both training and")
    companion, _ = begun(database, study, spec, fresh_splits=None)
    assert companion.stored.fresh_splits is False, "which is the default there"


def test_study_file_names_the_sampler_of_confirmations(
    laboratory: Laboratory, command: Command
) -> None:
    answer = command("run", "scripted.toml", "--set", "sampler.name=confirm")
    answer.refused(2, 'sampler.name: "confirm" is the sampler of a confirmation; write another')


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("repeats = 2", "confirm.repeats: must be at least 3, but got 2; write repeats = 10"),
        ("top = 0", "confirm.top: must be at least 1, but got 0; write top = 5"),
        ("fresh_split = true", "confirm.fresh_split: unknown key; .*fresh_splits"),
        ('timeout = "soon"', "confirm.timeout: .*soon"),
    ],
)
def test_table_of_the_study_file(
    laboratory: Laboratory, command: Command, table: str, match: str
) -> None:
    laboratory.add(f"\n[confirm]\n{table}\n")
    command("run", "scripted.toml").refused(2, match)


def test_several_objectives_have_no_single_winner(laboratory: Laboratory, command: Command) -> None:
    text = laboratory.study.read_text().replace("[objective]", "[[objective]]")
    second = '[[objective]]\nmetric = "n_params"\ndirection = "minimize"\n\n[budget]'
    laboratory.study.write_text(text.replace("[budget]", second))
    answer = command("run", "scripted.toml", "--confirm")
    answer.refused(2, "optimises loss and n_params, so that no single trial wins")
    assert not laboratory.database.exists()


def test_table_is_no_part_of_the_identity(laboratory: Laboratory) -> None:
    before = find_study(str(laboratory.study))
    laboratory.add("\n[confirm]\nrepeats = 5\n")
    after = find_study(str(laboratory.study))
    assert after.confirm == Confirm(repeats=5)
    assert after.fingerprint == before.fingerprint
    assert "confirm" not in before.to_dict()
    assert type(after).from_dict(after.to_dict(), after.base) == after


def test_finished_confirmation_is_shown_again(
    laboratory: Laboratory, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1])
    companion, stored = begun(database, study, spec, repeats=3)
    add_repeats(companion, stored, {"trial 0": [0.5, 0.4, 0.6], "trial 1": [0.7, 0.5, 0.8]})
    answer = command("confirm", "scripted.toml", *where(laboratory))
    assert answer.status == 0
    assert "winner: trial 0" in answer.out
    assert "trial 1: validation 0.1000 → confirmed 0.6667 ± " in answer.out
    assert "next  tuner export scripted --storage" in answer.out
