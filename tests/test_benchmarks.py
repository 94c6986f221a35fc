from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"

Main = Callable[[list[str]], int]


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Main:
    """The script's ``main``, in an empty working directory and without large data."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_DATA_HOME", str(tmp_path / "data"))
    import references

    return references.main


def _rows(text: str) -> dict[tuple[str, str], list[str]]:
    """The table's cells after the reference, by study and reference."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert lines[0][:4] == ["study", "reference", "reported", "ours"]
    return {(cells[0], cells[1]): cells[2:] for cells in lines[2:]}


@pytest.mark.slow
def test_each_reference_is_a_row_and_is_trained_once(
    main: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    asked = ["line/document", "and", "--seeds", "1", "--epochs-scale", "0.001", "--out", str(out)]

    assert main(asked) == 0

    printed = capsys.readouterr()
    table = _rows(printed.out)
    reported, ours, held_out, used = table["line", "document"]
    assert reported == "mse 0.0407"
    assert ours.endswith("1 seed; epochs × 0.001)")
    assert held_out.startswith("mse ")
    assert used == "all 100 rows, scored on them"
    assert "; outputs 0." in table["and", "document"][1]
    assert "line/document seed 0: " in printed.err
    written = out.read_text()
    assert {r["study"]: r["rows"] for r in map(json.loads, written.splitlines())} == {
        "line": {"learned": 100, "scored": 100},
        "and": {"learned": 4, "scored": 4},
    }

    assert main(asked) == 0

    assert out.read_text() == written
    again = capsys.readouterr()
    assert _rows(again.out) == table
    assert again.err == ""


def test_least_squares_agree_with_the_note(main: Main) -> None:
    import reference_runs

    from tuner.data import DATASETS

    scores = reference_runs.least_squares("elderly", DATASETS["elderly"].load())["scores"]
    assert scores["a"] == pytest.approx(-0.3558, abs=5e-5)
    assert scores["b"] == pytest.approx(15.6693, abs=5e-5)


def test_every_shipped_study_has_a_runner(main: Main) -> None:
    import reference_runs

    from tuner.studies.catalog import shipped_studies

    assert set(reference_runs.WAYS) == set(shipped_studies())


def test_studies_whose_data_is_missing_are_left_out(
    main: Main, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["celeba-gender"]) == 0
    printed = capsys.readouterr()
    assert _rows(printed.out) == {}
    assert printed.err.startswith("celeba-gender is left out: ")


def test_unknown_references_and_studies_are_named(
    main: Main, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["line/document-2"]) == 2
    assert 'line has no reference "document-2"; it has: document, whole-batch' in (
        capsys.readouterr().err
    )
    with pytest.raises(SystemExit, match="2"):
        main(["lines"])
    assert "no references for lines; there are: line, " in capsys.readouterr().err


def test_the_table_shows_the_median_run_the_spread_and_failures(main: Main) -> None:
    from reference_table import markdown

    def run(seed: int, scores: dict[str, float]) -> dict[str, object]:
        return {
            **{"study": "s", "reference": "r", "seed": seed, "scores": scores},
            **{"reported": {"split": "test", "accuracy": 0.9, "loss": 0.3}, "metric": "loss"},
            **{"scored": "test", "rows": {"learned": 3000, "scored": 20}, "note": "a part"},
            **{"failed": "loss is NaN at epoch 1"},
        }

    runs = [
        run(0, {"accuracy": 0.5, "loss": 0.1}),
        run(1, {"accuracy": 0.7, "loss": 12.0}),
        run(2, {"accuracy": 0.8, "loss": 0.2}),
    ]
    assert _rows(markdown(runs))["s", "r"] == [
        "accuracy 0.9000, loss 0.3000",
        "accuracy 0.7000, loss 12.00 (0.5000 … 0.8000)",
        "the same",
        "3,000 rows to learn, 20 of test (a part)",
    ]
    assert _rows(markdown([run(0, {})]))["s", "r"][1] == "diverged: loss is NaN at epoch 1"
    assert _rows(markdown([*runs[:2], run(2, {})]))["s", "r"][1].endswith("; 1 diverged)")
