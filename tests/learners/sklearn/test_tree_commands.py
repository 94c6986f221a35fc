"""A study of boosted trees through every command, without TensorFlow."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Command

from tuner.bundle import export, load_bundle
from tuner.data import load
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.results.configuration_file import read
from tuner.scoring import score
from tuner.studies.catalog import find_study
from tuner.workers import forkserver

STUDY = """
dataset = { csv = "rows.csv", target = "kind" }
model = "hist_gradient_boosting"
objective = { metric = "log_loss", direction = "minimize" }
budget = { n_trials = 7 }
pruner = { name = "hyperband", min_resource = 2 }
early_stopping = { patience = 4 }

[fixed]
max_leaf_nodes = 4
min_samples_leaf = 5

[search_space.learning_rate]
type = "float"
low = 0.003
high = 1.0
log = true

[search_space.max_iter]
type = "int"
low = 20
high = 40

[search_space.max_depth]
type = "categorical"
choices = ["none", 2]

[[reference]]
name = "usual"
reported = { split = "test", log_loss = 0.4 }
params = { learning_rate = 0.1, max_iter = 30, max_depth = "none" }
"""
WITHOUT_TENSORFLOW = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        assert name.partition(".")[0] not in ("tensorflow", "keras"), name

assert not {"tensorflow", "keras"} & set(sys.modules)
sys.meta_path.insert(0, Refuse())
"""
DATA = """
import numpy as np
from tuner.data import Split, Splits

def load_data():
    rng = np.random.default_rng(0)
    def rows(n):
        x = rng.normal(size=(n, 2)).astype(np.float32)
        return Split(x, (x[:, 0] * x[:, 1]).astype(np.float32), rng.random(n, np.float32))
    return Splits(rows(90), rows(30), rows(30), task="regression", name="products")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study of three classes."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    kinds = np.digitize(x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + rng.normal(0, 0.4, 300), (-0.5, 0.5))
    rows = [f"{a:.3f},{b:.3f},{c:.3f},{'xyz'[kind]}" for (a, b, c), kind in zip(x, kinds)]  # noqa: B905
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,kind", *rows]))
    (tmp_path / "trees.toml").write_text(STUDY)
    return tmp_path


def run(command: Command, storage: str, workers: int = 1, *more: str) -> dict[str, Any]:
    words = ("--workers", workers, "--storage", f"sqlite:///{storage}", "--json", *more)
    answer = command("run", "trees.toml", *map(str, words))
    assert answer.status == 0, answer.err
    assert "TensorFlow" not in answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


@pytest.mark.slow
def test_trees_go_through_every_command(folder: Path, command: Command) -> None:
    run(command, "t.db", 2, "--n-trials", "4")
    result = run(command, "t.db", 2)  # resumed
    assert result["trials"]["complete"] + result["trials"]["pruned"] == 7
    assert [one["name"] for one in result["references"]] == ["usual"]
    best = result["best"]

    where = ("trees", "--storage", "sqlite:///t.db")
    trials = json.loads(command("trials", *where, "--json").out)
    assert any("no better val_log_loss for 4 iterations" in str(one["reason"]) for one in trials)
    assert f", iteration {best['epoch']}" in command("show", *where).out
    for name in ("best.toml", "best.json", "best.py"):
        assert command("export", *where, "-o", name).status == 0
    trained = command("train", "best.toml", "-o", "model", *where[1:], "--json")
    assert (trained.status, trained.err) == (0, "training\n")
    scores = json.loads(trained.out)["scores"]
    assert scores["validation"] == {"log_loss": best["value"]}
    assert scores["test"]["accuracy"] > 0.6
    assert sorted(file.name for file in (folder / "model").iterdir()) == [
        *("MODEL.md", "bundle.json", "model.skops")
    ]
    assert f"trained for {best['epoch']} iterations" in (folder / "model/MODEL.md").read_text()

    lines = command("predict", "model", "rows.csv").out.splitlines()
    assert lines[0] == "prediction,probability_x,probability_y,probability_z"
    known = [line[-1] for line in (folder / "rows.csv").read_text().split()[1:]]
    assert np.mean([a[0] == b for a, b in zip(lines[1:], known, strict=True)]) > 0.7
    check_script(folder)


def check_script(folder: Path) -> None:
    """The script fits the model that the bundle has, with the same scores, by scikit-learn."""
    code = (
        "import sys; sys.modules['tuner'] = None; import best; import numpy as np; "
        "rows = np.load('best-data.npz')['x_test']; model = best.main(); "
        "predict = getattr(model, 'predict_proba', model.predict); np.save('said', predict(rows))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    scores = ast.literal_eval(done.stdout.removeprefix("test "))
    known = load_bundle(folder / "model").info["scores"]["test"]
    assert {name: known[name] for name in scores} == pytest.approx(scores)
    rows = np.load(folder / "best-data.npz")["x_test"]
    np.testing.assert_array_equal(
        load_bundle(folder / "model").predict(rows), np.load(folder / "said.npy")
    )


@pytest.mark.slow
def test_same_seed_gives_the_same_trials(folder: Path, command: Command) -> None:
    tables = []
    for storage in ("one.db", "other.db"):
        result = run(command, storage)
        where = ("trees", "--storage", f"sqlite:///{storage}", "--json")
        tables.append(
            [one | {"duration_s": 0} for one in json.loads(command("trials", *where).out)]
        )
    assert tables[0] == tables[1]

    best = result["best"]
    answer = command("export", "trees", "--storage", "sqlite:///one.db", "-o", "best.toml")
    assert answer.status == 0
    configuration = read(folder / "best.toml")
    spec = find_study("trees.toml")
    data = load(spec.dataset, spec.base).development
    held = data.validation
    watch = Watch(
        configuration.epochs,
        "log_loss",
        score=lambda said: score(["log_loss"], data.task, held.y, said)["log_loss"],
    )
    learner = open_learner(spec.model, Setup(spec.base))
    learner.fit(configuration.params, data, configuration.seed, watch)
    assert watch.result().value == best["value"]


@pytest.mark.slow
def test_neither_supervisor_nor_worker_imports_tensorflow(folder: Path) -> None:
    (folder / "products.py").write_text(WITHOUT_TENSORFLOW + DATA)
    study = STUDY.replace('{ csv = "rows.csv", target = "kind" }', '"products:load_data"')
    study = study.replace("log_loss", "rmse")
    (folder / "trees.toml").write_text(study)
    code = (
        "import sys\nfrom tuner.cli import main\ntry:\n    main()\n"
        "finally:\n    assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    words = ("run", "trees.toml", "--workers", "1", "--n-trials", "2", "--json")
    words += ("--storage", "sqlite:///t.db")
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"]["fail"] == 0


@pytest.mark.slow
def test_weighted_quantities_are_trained_and_written_as_a_script(
    folder: Path, command: Command
) -> None:
    (folder / "products.py").write_text(DATA)
    table = {
        "tuner_export": 1,
        "study": "trees",
        "metric": "rmse",
        "direction": "minimize",
        "dataset": "products:load_data",
        "model": "hist_gradient_boosting",
        "base": ".",
        "epochs": 9,
        "batch_size": 32,
        "seed": 5,
        "params": {"loss": "absolute_error", "max_depth": "none", "max_iter": 40},
    }
    (folder / "best.json").write_text(json.dumps(table))
    assert command("train", "best.json", "-o", "model").status == 0
    export(read(folder / "best.json"), folder / "best.py")
    script = (folder / "best.py").read_text()
    assert 'loss="absolute_error",\n        max_depth=None,\n        max_iter=9,' in script
    check_script(folder)


def test_imports_begin_early_for_trees_but_not_for_tensorflow(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(forkserver, "_running_server", lambda model, base: begun.append(model))
    for study in ("wine", "trees.toml"):
        spec = find_study(study)
        forkserver.begin_loading(spec.model, spec.base)
    assert begun == ["hist_gradient_boosting"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("max_leaf_nodes = 4", "max_leaf_nodes = 1"),
            r"fixed: max_leaf_nodes must be at least 2, but got 1",
        ),
        (
            ("max_leaf_nodes = 4", 'max_leaf_nodes = "all"'),
            r'fixed: max_leaf_nodes must be a whole number or "none", such as 31, but got "all"',
        ),
        (
            ("max_leaf_nodes = 4", 'loss = "poisson"'),
            r'loss must be "auto" or "log_loss" where the target is classes, but got "poisson"',
        ),
        (
            ("max_leaf_nodes = 4", "quantile = 0.4"),
            r"quantile is for quantities, but the target of rows is classes; remove it",
        ),
        (
            ("max_leaf_nodes = 4", "epochs = 4"),
            r'model "hist_gradient_boosting" has no parameter "epochs"',
        ),
        (
            ("log_loss", "loss"),
            r'objective\.metric: the model does not measure "loss"; did you mean log_loss\? '
            r"From predictions: accuracy, .*get_scorer_names\(\); the target was read as 3 classes",
        ),
        (
            ("log_loss", "r2"),
            r'measure "r2": r2 is not for a multiclass task\. From predictions: accuracy, ',
        ),
    ],
)
def test_faults_of_a_study_are_found_before_workers_start(
    folder: Path, command: Command, change: tuple[str, str], said: str
) -> None:
    (folder / "trees.toml").write_text(STUDY.replace(*change))
    command("run", "trees.toml", "--storage", "sqlite:///t.db").refused(2, said)


@pytest.mark.slow
def test_several_targets_are_refused_before_any_trial(folder: Path, command: Command) -> None:
    several = DATA.replace("(x[:, 0] * x[:, 1]).astype(np.float32)", "x * 2")
    (folder / "products.py").write_text(several)
    study = STUDY.replace('{ csv = "rows.csv", target = "kind" }', '"products:load_data"')
    (folder / "trees.toml").write_text(study.replace("log_loss", "rmse"))
    answer = command("run", "trees.toml", "--workers", 1, "--storage", "sqlite:///t.db")
    answer.refused(2, r'"hist_gradient_boosting" predicts one quantity, but products has 2 targets')
