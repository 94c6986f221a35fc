"""Results that are not there, and places where none can be written: one clear line."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from commands import Command, contents
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
    ("words", "match"),
    [
        ("best scripted", r"no trial of scripted is complete yet; `tuner run scripted` goes on"),
        ("best scripted --format csv", r"no trial of scripted is complete yet; `tuner run"),
        ("export scripted -o best.toml", r"no trial of scripted is complete yet; `tuner run"),
        (
            "export scripted -o best.toml --trial 0",
            r"trial 0 of scripted is pruned, so its best epoch is not known; choose a complete one",
        ),
        ("export scripted -o best.toml --trial 1", r"trial 1 of scripted is fail"),
    ],
)
def test_a_study_without_a_complete_trial(
    words: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("pruned", "fail")
    before = contents(laboratory.database)
    command(*words.split()).refused(1, match)
    assert contents(laboratory.database) == before
    assert not Path("best.toml").exists()


def test_as_json_a_study_without_a_complete_trial_has_no_best(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("pruned", "fail")
    answer = command("best", "scripted", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out)["best"] is None
    assert json.loads(answer.out)["trials"]["pruned"] == 1


@pytest.mark.parametrize(
    ("words", "status", "match"),
    [
        (
            "-o best.yaml",
            2,
            r"cannot export to best\.yaml: its name ends in \.yaml; write NAME\.tom",
        ),
        (
            "-o best",
            2,
            r"cannot export to best: its name has no ending; write NAME\.toml, NAME\.jso",
        ),
        (
            "-o best.toml --trial 99",
            2,
            r"scripted has no trial 99; its trials: 0 to 1",
        ),
        ("-o best.toml --trial=-1", 2, r"scripted has no trial -1; its trials: 0 to 1"),
        (
            "-o best.toml --trial 1",
            1,
            r"trial 1 of scripted is pruned, so its best epoch is not kn",
        ),
        (
            "-o nowhere/best.toml",
            1,
            r"cannot write nowhere/best\.toml: No such file or directory; n",
        ),
        ("-o scripted.py/best.toml", 1, r"cannot write scripted\.py/best\.toml: Not a directory"),
    ],
)
def test_exports(
    words: str, status: int, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete", "pruned")
    before = sorted(path.name for path in laboratory.folder.iterdir())
    command("export", "scripted", *words.split()).refused(status, match)
    assert sorted(path.name for path in laboratory.folder.iterdir()) == before


def test_an_export_of_a_study_that_is_not_ours(command: Command, laboratory: Laboratory) -> None:
    import optuna

    study = optuna.create_study(study_name="stock", storage=laboratory.url)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    command("export", "stock", "-o", "best.toml").refused(
        1, r"the study stock was not created by tuner: it does not say which data set and model"
    )


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
            1,
            r"full is not empty and holds no model bundle; nothing in it was t",
        ),
        ("best.toml -o scripted.py", 1, r"scripted\.py is a file; choose a folder for the bundle"),
        ("best.toml -o scripted.py/m", 1, r"cannot write .*/scripted\.py/m: .*; nothing was left"),
        ("best.toml -o m", 2, r"there is no file .*cats\.csv; "),
    ],
)
def test_trainings(
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


def test_a_training_where_a_bundle_is_already(command: Command, bundle: Path) -> None:
    before = (bundle / "bundle.json").read_bytes()
    command("train", bundle.parent / "best.toml", "-o", bundle).refused(
        1, r"model already holds a model bundle; add --force to replace it, or choose another"
    )
    assert (bundle / "bundle.json").read_bytes() == before


def test_predictions_without_a_bundle(command: Command, laboratory: Laboratory) -> None:
    command("predict", ".", "rows.csv").refused(
        1, r"\. is not a model bundle: it holds no bundle\.json; write one with `tuner train CONFI"
    )
    command("predict", "nowhere", "rows.csv").refused(
        1, r"nowhere is not a model bundle: it is not a folder; write one with `tuner train CONFIG"
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
def test_rows_that_the_model_cannot_take(
    text: str | None, match: str, command: Command, bundle: Path
) -> None:
    if text is not None:
        Path("rows.csv").write_text(text)
    command("predict", bundle, "rows.csv", "-o", "out.csv").refused(2, match)
    assert not Path("out.csv").exists()


def test_predictions_that_cannot_be_written(command: Command, bundle: Path) -> None:
    Path("rows.csv").write_text("age,length\n1,2\n")
    command("predict", bundle, "rows.csv", "-o", "nowhere/out.csv").refused(
        1, r"cannot write nowhere/out\.csv: No such file or directory"
    )


@pytest.mark.parametrize(
    ("host", "match"),
    [
        (
            "127.0.0.1",
            r"listen on 127\.0\.0\.1:\d+: Address already in use; choose another with --h",
        ),
        (
            "nowhere.invalid",
            r"listen on nowhere\.invalid:\d+: .*; choose another with --host or --",
        ),
    ],
)
def test_an_address_that_the_dashboard_cannot_have(
    host: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command("dashboard", "--host", host, "--port", port).refused(2, match)
