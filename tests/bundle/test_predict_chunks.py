"""Predictions chunk by chunk: the same as at once, in every form, with intervals and reasons."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command
from made_members import about, folds_of, member, table
from terminals import Terminal

from tuner.automl.ensemble import Judge
from tuner.automl.facts import facts
from tuner.bundle import Bundle, predict
from tuner.bundle.write_members import write_members
from tuner.errors import RequestError
from tuner.spec import Objective

ROWS = "width,color,height,depth\n" + "".join(f"{i},red,{10 - i},5\n" for i in range(10))


def made(folder: Path, task: str, metric: str) -> Bundle:
    data = table(task, 150)
    members = [member(data, folder / "models")]
    judge = Judge(task, Objective(metric=metric, direction="minimize"))  # type: ignore[arg-type]  # of Task
    return write_members(
        folder / "model",
        members,
        data,
        folds_of(data),
        about(data),
        lambda one: facts(
            one, data, folds_of(data), members[0].out_of_fold, judge, seed=0, seconds=5.0
        ),
    )


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return made(tmp_path_factory.mktemp("prices"), "regression", "rmse")


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return made(tmp_path_factory.mktemp("sizes"), "binary", "log_loss")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path / "rows.csv"


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.bundle.input_rows.ROWS_PER_CHUNK", 3)


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_chunks_give_the_same_text(
    sizes: Bundle, rows: Path, monkeypatch: pytest.MonkeyPatch, form: Any
) -> None:
    whole = predict(sizes, rows, form)
    monkeypatch.setattr("tuner.bundle.input_rows.ROWS_PER_CHUNK", 3)
    assert predict(sizes, rows, form) == whole
    if form == "json":
        assert len(json.loads(whole)) == 10


@pytest.mark.usefixtures("small_chunks")
def test_interval_adds_bounds_of_ninety_percent(
    prices: Bundle, rows: Path, command: Command
) -> None:
    done = command("predict", prices.path, rows, "--interval")
    lines = list(csv.DictReader(io.StringIO(done.out)))
    assert len(lines) == 10
    (width,) = [o["half_width"] for o in prices.info["intervals"] if o["level"] == 0.9]
    for line in lines:
        low, middle, high = (float(line[name]) for name in ("lower", "prediction", "upper"))
        assert low == pytest.approx(middle - width)
        assert high == pytest.approx(middle + width)


def test_classes_have_no_interval(sizes: Bundle, rows: Path) -> None:
    with pytest.raises(RequestError, match=r"has no 90% interval; `tuner automl` computes one"):
        predict(sizes, rows, interval=True)


@pytest.mark.usefixtures("small_chunks")
def test_parquet_is_written_and_replaced(
    sizes: Bundle, rows: Path, tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "out.parquet"
    for _ in range(2):
        assert command("predict", sizes.path, rows, "-o", out).status == 0
    found = pd.read_parquet(out)
    expected = pd.read_csv(io.StringIO(predict(sizes, rows)))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    pd.DataFrame({"mine": [1]}).to_parquet(out)
    done = command("predict", sizes.path, rows, "-o", out)
    done.refused(2, "was not written by this command: add --force")


@pytest.mark.usefixtures("small_chunks")
def test_nothing_is_written_if_a_later_chunk_cannot_be_predicted(
    sizes: Bundle, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tuner.bundle.predict import write_predictions

    def broken(tables: Iterator[Any]) -> Iterator[Any]:
        yield next(tables)
        raise RequestError("a broken row")

    for name in ("out.csv", "out.parquet"):
        with pytest.raises(RequestError, match="a broken row"):
            write_predictions(sizes, rows, tmp_path / name, observe=broken)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_command_explains_the_first_rows(
    prices: Bundle, sizes: Bundle, rows: Path, command: Command
) -> None:
    found = json.loads(command("predict", prices.path, rows, "--explain", "2", "--json").out)
    assert [one["row"] for one in found] == [1, 2]
    first = prices.predict(np.array([[0, 10, 5]], np.float32))[0]
    assert found[0]["prediction"] == pytest.approx(first)
    assert set(found[0]["moved"]) == {"width", "height", "depth"}
    text = command("predict", sizes.path, rows, "--explain", "1").out
    assert text.splitlines()[0].split() == ["row", "prediction", "column", "moved", "it", "by"]
    assert "small (" in text or "large (" in text


def test_reasons_and_intervals_are_not_printed_together(
    prices: Bundle, rows: Path, command: Command
) -> None:
    done = command("predict", prices.path, rows, "--explain", "2", "--interval")
    done.refused(2, "--explain prints no predictions")


def test_card_says_what_was_found(prices: Bundle, sizes: Bundle) -> None:
    card = (prices.path / "MODEL.md").read_text()
    for heading in ("Scores", "What matters", "Where it is wrong", "How far off it may be"):
        assert f"## {heading}\n" in card
    assert "| rmse on test | " in card
    assert "Are the probabilities right?" not in card
    card = (sizes.path / "MODEL.md").read_text()
    assert "| class | predicted small | predicted large |" in card
    assert "| probability of large, mean | was true for | rows |" in card
    assert "holds 30 of the training rows" in card


@pytest.mark.slow
def test_terminal_shows_how_many_rows_there_are_so_far(sizes: Bundle, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS + "1,red,2,3\n" * 60_000)
    with Terminal(tmp_path, "predict", str(sizes.path), "rows.csv", "-o", "out.csv") as terminal:
        assert terminal.ended()[0] == 0
        assert re.search(r"\d0,000 rows", terminal.text)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 60_011
