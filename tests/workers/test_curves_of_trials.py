"""Curves of complete, pruned and failed trials."""

from __future__ import annotations

import csv
import io
import json

import pytest
from commands import Command, contents
from laboratory import Laboratory

import tuner
from tuner.storage.database import Database


@pytest.mark.slow
def test_curves_hold_every_epoch_of_every_log(laboratory: Laboratory, command: Command) -> None:
    result = laboratory.run(workers=1, n_trials=2)
    before = contents(laboratory.database)
    for row in result.trials:
        curves = tuner.curves("scripted", row.number, storage=laboratory.url)
        assert sorted(curves) == ["loss", "mae", "val_loss", "val_mae"]
        assert all(values.shape == (3,) for values in curves.values())
        assert min(curves["val_loss"]) == pytest.approx(row.value)

    best = ("trials", "scripted", "--trial", str(result.best.number))
    table = command(*best).out.splitlines()
    assert table[0].split() == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [line.split()[0] for line in table[2:]] == ["1", "2", "3"]
    rows = json.loads(command(*best, "--json").out)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert min(row["val_loss"] for row in rows) == pytest.approx(result.best.value)
    printed = list(csv.DictReader(io.StringIO(command(*best, "--format", "csv").out)))
    assert [{name: float(cell) for name, cell in row.items()} for row in printed] == rows
    command("trials", "scripted", "--trial", "7").refused(
        2, r"scripted has no trial 7; see: tuner trials scripted"
    )
    assert contents(laboratory.database) == before


@pytest.mark.slow
def test_curves_of_a_pruned_trial_end_where_it_stopped(laboratory: Laboratory) -> None:
    settings = ["pruner.name=threshold", "pruner.upper=1e-9", "pruner.n_warmup_steps=2"]
    result = laboratory.run(workers=1, n_trials=1, settings=settings)
    assert [row.state for row in result.trials] == ["pruned"]
    curves = tuner.curves("scripted", 0, storage=laboratory.url)
    assert {values.shape for values in curves.values()} == {(2,)}


@pytest.mark.slow
def test_curves_of_a_failed_trial_end_where_it_failed(laboratory: Laboratory) -> None:
    text = laboratory.study.read_text().replace(
        "low = 0.001\nhigh = 0.1", "low = 30.0\nhigh = 31.0"
    )
    laboratory.study.write_text(text.replace("low = 3\nhigh = 3", "low = 30\nhigh = 30"))
    with pytest.raises(tuner.TunerError, match="diverged"):
        laboratory.run(workers=1, n_trials=1)
    curves = tuner.curves("scripted", 0, storage=laboratory.url)
    (reason,) = {trial.user_attrs["reason"] for trial in stored(laboratory) if trial.number == 0}
    assert f"at epoch {len(curves['loss']) + 1}: the training diverged" in reason


def test_trial_without_curves_is_an_error(laboratory: Laboratory, command: Command) -> None:
    laboratory.store("complete")
    command("trials", "scripted", "--trial", "0").refused(
        1, r"trial 0 of scripted has no curves: they are stored when a trial of `tuner run` ends"
    )


def stored(laboratory: Laboratory):
    database = Database(laboratory.url, must_exist=True)
    try:
        return database.study("scripted").trials
    finally:
        database.close()
