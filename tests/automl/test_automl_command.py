"""`tuner automl` on a mixed table: from the file to predictions for raw rows."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Answer, Command
from processes import WAIT_SECONDS, program, running

from tuner.api import openings
from tuner.automl import automating, planning
from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.clock import Clock
from tuner.automl.portfolio import Default, Extent, portfolio
from tuner.storage.database import Database

pytestmark = pytest.mark.slow
QUICK = ("linear", "small_trees")


def table(n: int = 240) -> pd.DataFrame:
    """Rows with a number, a gap, a category and a date that decide who buys."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, n).astype(float),
            "city": random.choice(["Rome", "Bonn", "Oslo"], n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, n), "D"),
        }
    )
    score = (frame.age - 45) / 20 + (frame.city == "Rome") + random.normal(0, 0.3, n)
    frame.loc[::9, "age"] = np.nan
    frame["buys"] = np.where(score > 0.3, "yes", "no")
    return frame


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the table, in which a study has the two quickest defaults and no search."""
    table().to_csv(tmp_path / "shop.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNER_STORAGE", raising=False)

    def quick(extent: Extent) -> list[Default]:
        return [one for one in portfolio(extent) if one.name in QUICK]

    monkeypatch.setattr(planning, "portfolio", quick)
    monkeypatch.setattr(planning, "_SEARCH_TRIALS", 0)
    monkeypatch.setattr(automating, "_MORE_TRIALS", 1)
    return tmp_path


def automl(command: Command, *more: str) -> Answer:
    words = ("automl", "shop.csv", "--target", "buys", "-o", "model", "--time", "10m")
    return command(*words, "--workers", "1", *more)


def test_table_becomes_a_bundle_that_predicts_raw_rows(folder: Path, command: Command) -> None:
    answer = automl(command, "--json")
    assert answer.status == 0, answer.err
    said: dict[str, Any] = json.loads(answer.out)
    assert {"bundle", "epochs", "params", "scores", "baseline", "leaderboard"} <= said.keys()
    assert (said["study"], said["trials"], said["ending"]) == ("shop", len(QUICK), "done")
    assert {row["learner"] for row in said["leaderboard"]} == {
        "linear_model",
        "hist_gradient_boosting",
    }
    assert sum(row["share"] for row in said["leaderboard"]) == pytest.approx(1.0)
    assert said["scores"]["test"]["roc_auc"] > 0.85 > said["baseline"]["roc_auc"]

    trials = json.loads(command("trials", "shop", "--json").out)
    assert [trial["origin"] for trial in trials] == [*QUICK]

    rows = table(20).drop(columns="buys")[["since", "city", "age"]]
    rows.to_csv("rows.csv", index=False)
    predicted = command("predict", "model", "rows.csv")
    assert predicted.status == 0, predicted.err
    head, *lines = predicted.out.splitlines()
    assert head == "prediction,probability_no,probability_yes"
    assert len(lines) == 20

    again = automl(command)
    again.refused(2, "model already holds a model bundle; add --force to replace it")
    forced = automl(command, "--force", "--single")
    assert forced.status == 0
    assert "is not searched further; --more 60s adds to them" in forced.err
    assert "1 member" in forced.out
    assert "the test split of shop was opened once before, on " in forced.err
    opened = openings("shop")
    assert [one.by for one in opened] == ["tuner automl", "tuner automl"]
    assert opened[0].scores["roc_auc"] == said["scores"]["test"]["roc_auc"]
    assert f"{len(QUICK)} trials" in forced.out

    other = automl(command, "--force", "--metric", "accuracy")
    other.refused(2, "study 'shop' in .* with other options: --metric roc_auc, not accuracy; give")
    other = automl(command, "--force", "--drop", "city")
    other.refused(2, "with other options: no --drop; give the same")

    said_next = shlex.split(forced.out.splitlines()[-1])
    assert said_next[-2:] == ["--more", "60s"]
    assert "--single" in said_next
    more = command(*said_next[1:-1], "10m")  # which replaces the bundle of its own study
    assert more.status == 0, more.err
    assert "3 trials" in more.out

    elsewhere = command(
        *("automl", "shop.csv", "--target", "buys", "-o", "fast", "--more", "10m"),
        *("--fast", "--workers", "1"),
    )
    assert elsewhere.status == 0, elsewhere.err


def test_text_shows_columns_leaderboard_and_what_to_do_next(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = automl(command)
    assert answer.status == 0, answer.err
    assert answer.out.index("city") < answer.out.index("of out-of-fold predictions")
    for said in ("since", "date", "linear_model", "±", "share", "on test", "next  tuner predict"):
        assert said in answer.out
    *lines, more = answer.out.splitlines()  # a command is never broken
    assert max(map(len, lines)) <= 80
    assert more.split()[:3] == ["tuner", "automl", "shop.csv"]


def test_more_without_a_study_is_refused(folder: Path, command: Command) -> None:
    answer = command("automl", "shop.csv", "--target", "buys", "-o", "model", "--more", "30s")
    answer.refused(2, "there is no study shop in .* that --more could add to; start it with --time")


def _complete(url: str) -> int:
    try:
        database = Database(url, must_exist=True)
        try:
            study = database.find_study("shop")
            return 0 if study is None else sum(t.state.name == "COMPLETE" for t in study.trials)
        finally:
            database.close()
    except Exception:  # noqa: BLE001 - it is being made
        return 0


def test_ctrl_c_writes_the_bundle_of_what_there_is(tmp_path: Path) -> None:
    table(600).to_csv(tmp_path / "shop.csv", index=False)
    url = f"sqlite:///{tmp_path}/s.db"
    words = ["automl", "shop.csv", "--target", "buys", "-o", "model", "--time", "20m"]
    begun = [*program("tuner"), *words, "--storage", url]
    with running(begun, tmp_path, start_new_session=True) as process:
        while process.poll() is None and _complete(url) < 1:
            time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=2 * WAIT_SECONDS)
        assert process.returncode == 130, err
    assert "interrupted: the bundle is written from the trials so far" in err
    assert (tmp_path / "model" / "bundle.json").is_file()
    assert "next  tuner predict model" in out


def test_first_model_is_waited_for_whatever_the_time(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "left_for_trials", lambda clock, rows: 0.01)
    answer = automl(command)
    assert answer.status == 0, answer.err
    assert "the time is over, but no model is ready yet: the first is waited for" in answer.err
    assert "1 trial in" in answer.out


def test_bundle_that_was_not_written_is_written_from_what_is_stored(
    folder: Path, command: Command
) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("the second")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(automating, "finish", nothing)
        with pytest.raises(KeyboardInterrupt, match="the second"):
            automating.run_automl(
                AutoMLRequest(data="shop.csv", target="buys", out="model", time="10m", workers=1)
            )
    storage = Database("sqlite:///tuner.db", must_exist=True)
    try:
        assert len(storage.study("shop").trials) == len(QUICK)
    finally:
        storage.close()
    assert not Path("model").exists()
    answer = automl(command)  # whose models are there: only the bundle is missing
    assert answer.status == 0, answer.err
    assert "is not searched further" in answer.err
