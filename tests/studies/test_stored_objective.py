"""The directions of a study that is already stored must be those of the study file."""

from __future__ import annotations

import json
import sqlite3

import optuna
import pytest
from commands import Command, contents
from laboratory import Laboratory

FOUND = {
    "other direction": (["maximize"], None, "direction: maximize in the database, minimize in the"),
    "two objectives": (
        ["minimize", "maximize"],
        None,
        "direction: minimize, maximize in the database, minimize in the file",
    ),
    "other metric": (
        ["minimize"],
        ["accuracy"],
        "metric: accuracy in the database, loss in the",
    ),
}


@pytest.mark.parametrize(("words", "name"), [("run", "scripted"), ("submit", "a study")])
@pytest.mark.parametrize("kind", FOUND)
def test_stored_study_of_another_objective_is_refused_with_two_ways_out(
    kind: str, words: str, name: str, command: Command, laboratory: Laboratory
) -> None:
    directions, metrics, difference = FOUND[kind]
    study = optuna.create_study(study_name=name, storage=laboratory.url, directions=directions)
    if metrics:
        with pytest.warns(optuna.exceptions.ExperimentalWarning, match="set_metric_names"):
            study.set_metric_names(metrics)
    before = contents(laboratory.database)
    quoted = f"'{name}'" if " " in name else name
    command(words, "scripted", "--study-name", name).refused(
        2,
        rf"^tuner: study '{name}' in sqlite:///tuner\.db has another objective \({difference}.*\): "
        r"start another with --study-name NAME, or delete this one with: optuna delete-study "
        rf"--study-name {quoted} --storage sqlite:///tuner\.db$",
    )
    assert contents(laboratory.database) == before


def test_empty_study_of_the_same_direction_is_used(
    command: Command, laboratory: Laboratory
) -> None:
    optuna.create_study(study_name="scripted", storage=laboratory.url)
    assert command("submit", "scripted").status == 0


def test_study_that_was_searched_in_the_wrong_direction_is_read_by_its_file(
    command: Command, laboratory: Laboratory
) -> None:
    """Earlier versions ran an empty study that another program had created to be maximised."""
    laboratory.store("complete", "complete")
    with sqlite3.connect(laboratory.database) as connection:
        connection.execute("UPDATE study_directions SET direction = 'MAXIMIZE'")
    connection.close()
    assert json.loads(command("best", "scripted", "--json").out)["best"]["value"] == 0.5
    (line,) = [
        line for line in json.loads(command("studies", "--json").out) if line["name"] == "scripted"
    ]
    assert line["best"] == 0.5
    command("run", "scripted").refused(2, "has another objective")


def test_newer_tables_of_ours_are_refused_before_a_worker_starts(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    with sqlite3.connect(laboratory.database) as connection:
        connection.execute("UPDATE tuner_alembic_version SET version_num = '9999'")
    connection.close()
    before = contents(laboratory.database)
    for words in ("run", "submit"):
        answer = command(words, "scripted", "--study-name", "new")
        assert "starting workers" not in answer.err
        answer.refused(2, "its tables are of a newer version of tuner; upgrade tuner with: pip")
    assert contents(laboratory.database) == before


@pytest.mark.parametrize("words", ["pause", "resume", "stop"])
def test_study_of_another_program_is_not_queued(
    words: str, command: Command, laboratory: Laboratory
) -> None:
    optuna.create_study(storage=laboratory.url, study_name="foreign")
    before = contents(laboratory.database)
    command(words, "foreign").refused(
        2, r"study 'foreign' in sqlite:///tuner\.db was not made by tuner, which runs no trials of"
    )
    assert contents(laboratory.database) == before
