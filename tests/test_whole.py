"""All commands in turn, as in the README and the example: run, show, export, train, predict."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import Command
from processes import program

import tuner

ROOT = Path(__file__).parent.parent
WINES = Path(tuner.__file__).parent / "data" / "tables" / "wine.csv.gz"


def write_rows(path: Path, rows: int = 5) -> list[str]:
    """Writes the first wines as in a user's file: in another order, with additional columns.

    Returns:
        What each of them is.
    """
    with gzip.open(WINES, "rt", encoding="utf-8") as file:
        wines = [row for row, _ in zip(csv.DictReader(file), range(rows), strict=False)]
    target = list(wines[0])[-1]
    features = list(wines[0])[-2::-1]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["shelf", *features], extrasaction="ignore")
        writer.writeheader()
        writer.writerows({"shelf": "A3"} | wine for wine in wines)
    return [wine[target] for wine in wines]


@pytest.mark.slow
def test_wine_from_the_study_to_predictions(command: Command) -> None:
    small = ["--no-confirm", "--set", "reference=[]", "--set", "search_space.epochs.low=3"]
    small += ["--set", "search_space.epochs.high=3"]
    small += ["--set", "objective.metric=balanced_accuracy"]  # from predictions, not a log
    answer = command("run", "wine", "--n-trials", "2", *small)
    assert answer.status == 0, answer.err
    assert answer.out.startswith("wine · Red or white wine, from twelve measurements\n2 trials in ")

    best = json.loads(command("best", "wine", "--json").out)["best"]
    assert best["value"] > 0.7
    assert 1 <= best["epoch"] <= 3
    assert "balanced_accuracy" in command("show", "wine").out

    for name in ("best.toml", "best.json"):
        answer = command("export", "wine", "-o", name)
        assert (answer.status, answer.out) == (0, f"wrote {name}\n")

    answer = command("train", "best.toml", "-o", "model", "--json")
    assert answer.status == 0, answer.err
    document = json.loads(answer.out)
    assert list(document) == ["bundle", "epochs", "seeds", "params", "scores", "baseline"]
    assert document["epochs"] == best["epoch"]
    assert document["params"] == best["params"]
    assert document["scores"]["validation"] == {"balanced_accuracy": best["value"]}
    assert document["scores"]["test"]["accuracy"] > 0.7
    assert document["scores"]["test"]["balanced_accuracy"] > 0.7
    assert document["baseline"]["balanced_accuracy"] == 0.5

    truth = write_rows(Path("rows.csv"))
    answer = command("predict", "model", "rows.csv")
    assert (answer.status, answer.err) == (0, "")
    rows = list(csv.DictReader(answer.out.splitlines()))
    assert list(rows[0]) == ["prediction", "probability_red", "probability_white"]
    assert len(rows) == len(truth)
    assert sum(row["prediction"] == kind for row, kind in zip(rows, truth, strict=True)) >= 3
    predicted = json.loads(command("predict", "model", "rows.csv", "--json").out)
    assert [row["prediction"] for row in predicted] == [row["prediction"] for row in rows]

    answer = command("run", "wine", "--n-trials", "2", *small)
    assert answer.err == "", "there was nothing left to run"


@pytest.mark.slow
def test_example_with_a_custom_network(command: Command, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "spirals", tmp_path / "mine")
    words = ["--set", "search_space.epochs.low=30", "--set", "search_space.epochs.high=30"]
    answer = command("run", "mine/spirals.toml", "--n-trials", "2", *words)
    assert answer.status == 0, answer.err
    assert answer.out.startswith("spirals · Two spirals, with a network of one's own\n2 trials in ")

    # By its name, as the result suggests: the stored study knows its folder.
    assert "next  tuner export spirals -o best.toml && tuner train best.toml -o m" in answer.out
    answer = command("export", "spirals", "-o", "best.toml")
    assert (answer.status, answer.out) == (0, "wrote best.toml\n")
    assert answer.err.endswith(", not confirmed; tuner confirm spirals\n")
    answer = command("train", "best.toml", "-o", "model")
    assert answer.status == 0, answer.err
    assert "accuracy" in answer.out

    np.save("rows.npy", np.array([[1.0, 0.0], [-1.0, 0.0]], dtype="float32"))
    answer = command("predict", "model", "rows.npy")
    assert (answer.status, answer.err) == (0, "")
    assert len(answer.out.splitlines()) == 3


@pytest.fixture
def tiny_wine(command: Command) -> None:
    """The study "wine" with one trial of one epoch in the working directory."""
    words = ["reference=[]", "search_space.epochs.low=1", "search_space.epochs.high=1"]
    settings = [part for word in words for part in ("--set", word)]
    assert command("run", "wine", "--n-trials", "1", "--no-confirm", *settings).status == 0


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_wine")
def test_an_exported_script_needs_no_tuner(command: Command, tmp_path: Path) -> None:
    answer = command("export", "wine", "-o", "best.py")
    assert answer.status == 0, answer.err
    assert answer.out == "wrote best.py\nwrote best-data.npz\n"
    hidden = "import runpy, sys; sys.modules['tuner'] = None"
    code = f"{hidden}; runpy.run_path('best.py', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_wine")
def test_export_of_a_script_prints_no_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [*program("tuner"), "export", "wine", "-o", "best.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    taken = "best of the search: trial 0, not confirmed; tuner confirm wine\n"
    assert (done.returncode, done.stderr) == (0, taken)
