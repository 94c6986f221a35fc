"""Refused trainings and predictions: one line of error, and no folder is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Command
from laboratory import Laboratory

EXPORT = """
tuner_export = 1
study = "cats"
metric = "loss"
direction = "minimize"
dataset = { csv = "cats.csv", target = "weight" }
model = "mlp"
epochs = 1
batch_size = 8
seed = 1
params = { n_layers = 0 }
"""
ROWS = "\n".join(f"{i},{40 + i % 7},{3 + i / 10}" for i in range(30))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model bundle of a really trained network: ``age`` and ``length`` in, ``weight`` out."""
    from tuner import api

    folder = tmp_path_factory.mktemp("cats")
    (folder / "cats.csv").write_text(f"age,length,weight\n{ROWS}\n")
    (folder / "best.toml").write_text(EXPORT)
    api.train(folder / "best.toml", folder / "model")
    return folder / "model"


@pytest.mark.parametrize(
    ("words", "status", "match"),
    [
        (
            "nothing.toml -o m",
            2,
            r"nothing\.toml does not exist; write it with `tuner export STUDY",
        ),
        (
            "scripted.toml -o m",
            2,
            r"scripted\.toml is not an exported configuration: the key tuner",
        ),
        (
            "scripted.py -o m",
            2,
            r"scripted\.py: an exported configuration ends in \.toml or \.json",
        ),
        ("broken.json -o m", 2, r"broken\.json:1:2 is not JSON: .*; correct it or export it again"),
        (
            "best.toml -o full",
            2,
            r"full is not empty and holds no model bundle; nothing in it was t",
        ),
        ("best.toml -o scripted.py", 2, r"scripted\.py is a file; choose a folder for the bundle"),
        ("best.toml -o scripted.py/m", 2, r"cannot write .*/scripted\.py/m: .*; nothing was left"),
        ("best.toml -o m", 2, r"there is no file .*cats\.csv; "),
    ],
)
def test_wrong_training_is_refused(
    words: str, status: int, match: str, command: Command, laboratory: Laboratory
) -> None:
    (laboratory.folder / "best.toml").write_text(EXPORT)
    (laboratory.folder / "broken.json").write_text("{")
    (laboratory.folder / "full").mkdir()
    (laboratory.folder / "full" / "thesis.txt").write_text("mine")
    before = sorted(path.name for path in laboratory.folder.iterdir())
    command("train", *words.split()).refused(status, match)
    assert sorted(path.name for path in laboratory.folder.iterdir()) == before
    assert [path.name for path in (laboratory.folder / "full").iterdir()] == ["thesis.txt"]


def test_training_into_an_existing_bundle_is_refused(command: Command, bundle: Path) -> None:
    before = (bundle / "bundle.json").read_bytes()
    command("train", bundle.parent / "best.toml", "-o", bundle).refused(
        2, r"model already holds a model bundle; add --force to replace it, or choose another"
    )
    assert (bundle / "bundle.json").read_bytes() == before


def test_prediction_without_a_bundle_is_refused(command: Command, laboratory: Laboratory) -> None:
    command("predict", ".", "rows.csv").refused(
        2, r"\. is not a model bundle: it holds no bundle\.json; write one with `tuner train CONFI"
    )
    command("predict", "nowhere", "rows.csv").refused(
        2, r"nowhere is not a model bundle: it is not a folder; write one with `tuner train CONFIG"
    )


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "lenght,age\n1,2\n",
            r'rows\.csv lacks 1 column that the model takes: "length"; did you m',
        ),
        ("age,length\n1,\n", r'rows\.csv: 1 empty cell in column "length"'),
        ("age,length\n1,long\n", r'rows\.csv.*"length".*"long"'),
        ("age,length\n", r"rows\.csv has no rows below its header"),
        ("", r"rows\.csv is empty; the first line must name the columns"),
        (None, r"there is no file rows\.csv; "),
    ],
)
def test_prediction_of_unfit_rows_is_refused(
    text: str | None, match: str, command: Command, bundle: Path
) -> None:
    if text is not None:
        Path("rows.csv").write_text(text)
    command("predict", bundle, "rows.csv", "-o", "out.csv").refused(2, match)
    assert not Path("out.csv").exists()


def test_predictions_that_cannot_be_written_are_an_error(command: Command, bundle: Path) -> None:
    Path("rows.csv").write_text("age,length\n1,2\n")
    command("predict", bundle, "rows.csv", "-o", "nowhere/out.csv").refused(
        2, r"cannot write nowhere/out\.csv: No such file or directory"
    )
