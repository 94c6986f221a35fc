"""Faults of a study are found before TensorFlow is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command

from tuner.bundle import export
from tuner.data import DATASETS, look_up
from tuner.errors import ModelError
from tuner.results.configuration_file import read
from tuner.spec import CsvDataset

STUDY = """
dataset = {dataset}
model = "{model}"
objective = {{ metric = "{metric}", direction = "minimize" }}
budget = {{ n_trials = 2 }}

[search_space.{parameter}
"""
EPOCHS = 'epochs]\ntype = "int"\nlow = 1\nhigh = 2'
OUTPUT = 'output]\ntype = "categorical"\nchoices = ["auto", "softmax"]'
CODE = "import keras\n\ndef load_data():\n    pass\n\ndef build_model(params, data):\n    pass\n"
CSV = '{ csv = "cats.csv", target = "weight" }'


def study(
    folder: Path,
    dataset: str = CSV,
    model: str = "mlp",
    metric: str = "loss",
    parameter: str = EPOCHS,
) -> None:
    """Writes the study "cats", its code and its 30 rows; the weight is a quantity."""
    text = STUDY.format(dataset=dataset, model=model, metric=metric, parameter=parameter)
    (folder / "cats.toml").write_text(text)
    (folder / "cat_code.py").write_text(CODE)
    rows = "\n".join(f"{i},{40 + i % 7},{3 + i / 10}" for i in range(30))
    (folder / "cats.csv").write_text(f"age,length,weight\n{rows}\n")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"model": "cat_code:build_modle"},
            r'cats\.toml: model: "cat_code:build_modle": cat_code\.py has no function "build_mo.*; '
            r"did you mean build_model\?",
        ),
        (
            {"model": "cat_cod:build_model"},
            r'model: .*no module "cat_cod".*did you mean cat_code\?',
        ),
        ({"model": "cat_code:load_data"}, r"model: .*load_data\(\) is called with 2 arguments"),
        ({"dataset": '"cat_code:load_date"'}, r"dataset: .*did you mean load_data\?"),
        ({"dataset": '"cat_code:build_model"'}, r"dataset: .*is called without arguments"),
        ({"dataset": CSV.replace("weight", "wieght")}, r"dataset: .*\"wieght\".*mean weight\?"),
        ({"dataset": CSV.replace("cats", "cast")}, r"dataset: there is no file .*mean cats\.csv\?"),
        (
            {"metric": "accuracy"},
            r'cats\.toml: objective\.metric: the model does not measure "accuracy".*: loss, mse',
        ),
        ({"metric": "mse", "dataset": '"wine"'}, r'does not measure "mse".* loss, accuracy'),
        (
            {"model": "cnn"},
            r'cats\.toml: model: "cnn" reads images, but cats holds a table of ',
        ),
        (
            {"model": "embedding", "dataset": '"wine"'},
            r'"embedding" reads texts, but wine holds a t',
        ),
        ({"parameter": OUTPUT}, r'cats\.toml: search_space: output = "softmax" is not for a regr'),
    ],
)
def test_faults_are_found_before_a_worker_starts(
    tmp_path: Path, command: Command, changes: dict[str, str], match: str
) -> None:
    study(tmp_path, **changes)
    answer = command("run", "cats")
    answer.refused(2, match)
    assert "starting workers" not in answer.err
    assert not (tmp_path / "tuner.db").exists()


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (os.mkfifo, r"cats\.toml: dataset: .*cats\.csv is a named pipe, not a regular file"),
        (os.mkdir, r"cats\.toml: dataset: .*cats\.csv cannot be read: Is a directory"),
        (lambda path: path.symlink_to(path), r"cats\.toml: dataset: .*cats\.csv"),
    ],
)
def test_csv_that_is_not_a_regular_file_is_refused(
    tmp_path: Path, command: Command, make: Callable[[Path], object], match: str
) -> None:
    study(tmp_path)
    (tmp_path / "cats.csv").unlink()
    make(tmp_path / "cats.csv")
    command("run", "cats").refused(2, match)


def test_check_spec_imports_no_tensorflow(tmp_path: Path) -> None:
    study(tmp_path, model="cat_code:build_model", dataset=CSV)
    code = (
        "import sys\nfrom tuner.studies.catalog import find_study\n"
        "from tuner.trials.checking import check_spec\n"
        "check_spec(find_study('cats'))\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'cat_code'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_a_submitted_study_needs_neither_its_data_nor_its_code(
    tmp_path: Path, command: Command
) -> None:
    study(tmp_path, model="nowhere:build_model", dataset=CSV.replace("cats", "nowhere"))
    assert command("submit", "cats").status == 0
    study(tmp_path, model="cat_code:build_modle")
    command("submit", "cats", "--study-name", "other").refused(2, r"did you mean build_model\?")


CONFIGURATION = """
tuner_export = 1
study = "cats"
metric = "loss"
direction = "minimize"
model = "cat_code:build_modle"
dataset = { csv = "cats.csv", target = "weight" }
epochs = 1
batch_size = 8
seed = 1
params = {}
"""


def test_configuration_is_checked_before_it_is_trained(tmp_path: Path, command: Command) -> None:
    study(tmp_path)
    (tmp_path / "best.toml").write_text(CONFIGURATION)
    match = r"study cats: model: .*did you mean build_model\?"
    command("train", "best.toml", "-o", "model").refused(2, match)
    assert not (tmp_path / "model").exists()
    with pytest.raises(ModelError, match=match):
        export(read(tmp_path / "best.toml"), tmp_path / "best.py")


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_look_up_agrees_with_the_loaded_data_set(name: str) -> None:
    found = look_up(name, Path())
    assert found is not None
    if DATASETS[name].status().state == "lack":
        pytest.skip(f"the data of {name} are not here")
    loaded = DATASETS[name].load()
    assert (found.name, found.kind, found.task) == (loaded.name, loaded.kind, loaded.task)


def test_look_up_reads_a_small_csv_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study(tmp_path)
    dataset = CsvDataset(csv="cats.csv", target="weight")
    found = look_up(dataset, tmp_path)
    assert found is not None
    assert (found.kind, found.task, found.input_shape) == ("table", "regression", (2,))
    assert look_up("cat_code:load_data", tmp_path) is None
    monkeypatch.setattr("tuner.data.known._MOST_BYTES", 100)
    assert look_up(dataset, tmp_path) is None
