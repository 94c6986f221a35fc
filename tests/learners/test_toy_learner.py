"""A user's learner, in fewer than forty lines, from its study file to a bundle."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import Command

from tuner.bundle import load_bundle
from tuner.data.source import derives_from
from tuner.errors import BundleError, ModelError
from tuner.learners.registry import known_class, open_learner, runtime_of
from tuner.learners.setup import Setup

LEARNER = Path(__file__).with_name("nearest_mean.py")
STUDY = """
dataset = {{ csv = "rows.csv", target = "side" }}
model = "{model}"
objective = {{ metric = "accuracy", direction = "maximize" }}
budget = {{ n_trials = 4 }}

[search_space.{parameter}]
type = "float"
low = 0.5
high = 4.0
"""
SPY = """
import sys
from pathlib import Path
from nearest_mean import NearestMean

class Spy(NearestMean):
    def fit(self, *given):
        Path(__file__).with_name("modules").write_text(" ".join(sys.modules))
        return super().fit(*given)
"""

BROKEN = """
from nearest_mean import Means, NearestMean

class WithoutPredictions(Means):
    def predict(self, x):
        raise KeyError("predict")

class WithoutFile(Means):
    def save(self, folder):
        raise KeyError("save")

class Predict(NearestMean):
    def fit(self, *given):
        return WithoutPredictions([[0.0, 0.0]] * 2, 2.0) if super().fit(*given) else None

class Save(NearestMean):
    def fit(self, *given):
        return WithoutFile([[0.0, 0.0]] * 2, 2.0) if super().fit(*given) else None

class Load(NearestMean):
    def load(self, *given):
        raise KeyError("load")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rows, the learner, and a study of it."""
    shutil.copy(LEARNER, tmp_path)
    (tmp_path / "spy.py").write_text(SPY)
    rng = np.random.default_rng(0)
    left = rng.random(80) < 0.5
    x = rng.normal(np.where(left, -1.0, 1.0)[:, None], 0.7, (80, 2))
    rows = [f"{a:.4f},{b:.4f},{'left' if on else 'right'}" for (a, b), on in zip(x, left)]  # noqa: B905
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,side", *rows]))
    write_study(tmp_path, "spy:Spy")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("spy", "nearest_mean"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def write_study(folder: Path, model: str, parameter: str = "power") -> None:
    (folder / "toy.toml").write_text(STUDY.format(model=model, parameter=parameter))


def test_toy_learner_is_short() -> None:
    assert len(LEARNER.read_text().splitlines()) < 40


def test_documentation_shows_the_toy_learner() -> None:
    documentation = Path(__file__).parents[2] / "docs" / "studies.md"
    assert f"```python\n{LEARNER.read_text()}```" in documentation.read_text()


@pytest.mark.slow
def test_toy_learner_goes_through_every_command(folder: Path, command: Command) -> None:
    run = command("run", "toy.toml", "--workers", 2, "--storage", "sqlite:///t.db", "--json")
    assert (run.status, run.err.splitlines()[0]) == (0, "starting workers")
    result = json.loads(run.out)
    assert result["trials"]["complete"] == 4
    assert result["best"]["value"] > 0.8
    modules = (folder / "modules").read_text().split()
    assert "tuner.workers.worker" in modules
    assert not {"tensorflow", "keras"} & set(modules)

    best = json.loads(command("best", "toy", "--storage", "sqlite:///t.db", "--json").out)
    assert best["best"] == result["best"]
    written = command("export", "toy", "--storage", "sqlite:///t.db", "-o", "best.toml")
    assert written.status == 0
    script = command("export", "toy", "--storage", "sqlite:///t.db", "-o", "best.py")
    script.refused(2, r"best\.py: the model \"spy:Spy\" cannot be written as a script; export NAME")

    trained = command("train", "best.toml", "-o", "model", "--json")
    assert trained.status == 0
    assert json.loads(trained.out)["scores"]["test"]["accuracy"] > 0.8
    assert sorted(file.name for file in (folder / "model").iterdir()) == [
        "MODEL.md",
        "bundle.json",
        "means.npz",
    ]
    predicted = command("predict", "model", "rows.csv", "--code", "spy.py")
    assert predicted.out.startswith("prediction,probability_left,probability_right\n")
    said = [line.partition(",")[0] for line in predicted.out.splitlines()[1:]]
    known = [line.rpartition(",")[2] for line in (folder / "rows.csv").read_text().split()[1:]]
    assert np.mean([a == b for a, b in zip(said, known, strict=True)]) > 0.8


def test_bundle_of_own_learner_needs_its_code(folder: Path, command: Command) -> None:
    (folder / "best.json").write_text(
        json.dumps(
            {
                "tuner_export": 1,
                "study": "toy",
                "metric": "accuracy",
                "direction": "maximize",
                "dataset": {"csv": "rows.csv", "target": "side"},
                "model": "nearest_mean:NearestMean",
                "base": ".",
                "epochs": 1,
                "batch_size": 32,
                "seed": 0,
                "params": {"power": 2.0},
            }
        )
    )
    assert command("train", "best.json", "-o", "model").status == 0
    assert load_bundle("model").predict(np.zeros((3, 2))).shape == (3, 2)  # its module is loaded
    del sys.modules["nearest_mean"]
    with pytest.raises(BundleError, match="no code of a bundle is run by itself: name your own"):
        load_bundle("model").predict(np.zeros((3, 2)))
    code = load_bundle("model", code=folder / "nearest_mean.py")
    np.testing.assert_allclose(code.predict(np.zeros((1, 2))).sum(), 1.0)
    del sys.modules["nearest_mean"]
    assert load_bundle("model", allow_code=True).predict(np.zeros((3, 2))).shape == (3, 2)
    (folder / "other.py").touch()
    with pytest.raises(BundleError, match=r"other\.py has no such learner; train it again"):
        load_bundle("model", code=folder / "other.py").predict(np.zeros((3, 2)))


def test_whatever_an_own_learner_raises_is_one_line(folder: Path, command: Command) -> None:
    (folder / "broken.py").write_text(BROKEN)
    table = {
        "tuner_export": 1,
        "study": "toy",
        "metric": "accuracy",
        "direction": "maximize",
        "dataset": {"csv": "rows.csv", "target": "side"},
        "base": ".",
        "epochs": 1,
        "batch_size": 32,
        "seed": 0,
        "params": {},
    }
    for name, said in (
        ("Predict", r"the model cannot be scored, .*: KeyError: 'predict' \(broken\.py, line 6\)"),
        ("Save", r"cannot write .*model: KeyError: 'save' \(broken\.py, line 10\)"),
        ("Load", r"the saved model cannot be used, .*: KeyError: 'load' \(broken\.py, line 22\)"),
    ):
        (folder / "best.json").write_text(json.dumps(table | {"model": f"broken:{name}"}))
        command("train", "best.json", "-o", "model").refused(1, said)
    assert not (folder / "model").exists()

    (folder / "best.json").write_text(json.dumps(table | {"model": "nearest_mean:NearestMean"}))
    assert command("train", "best.json", "-o", "model").status == 0
    (folder / "model" / "means.npz").write_bytes(b"")
    answer = command("predict", "model", "rows.csv", "--code", "nearest_mean.py")
    answer.refused(1, r"model cannot be loaded: EOFError: .*; train the bundle again")


@pytest.mark.slow
def test_parameters_of_own_learner_are_checked_before_any_trial(
    folder: Path, command: Command
) -> None:
    write_study(folder, "nearest_mean:NearestMean", "pover")
    run = command("run", "toy.toml", "--workers", 1, "--storage", "sqlite:///t.db")
    run.refused(2, 'model "NearestMean" has no parameter "pover"; did you mean power')


def test_source_shows_what_a_worker_needs(folder: Path) -> None:
    assert derives_from("nearest_mean:NearestMean", folder, "Learner")
    assert derives_from("spy:Spy", folder, "Learner")
    assert not derives_from("nearest_mean:Means", folder, "Learner")
    assert not derives_from("absent:Learner", folder, "Learner")
    assert known_class("spy:Spy", folder) is None
    assert runtime_of("spy:Spy", folder) == ((), "")
    assert runtime_of("nearest_mean:build", folder)[1] == "TensorFlow"
    assert runtime_of("mlp", folder)[1] == "TensorFlow"
    assert runtime_of("no such model", folder) == ((), "")


def test_learner_without_a_method_is_refused(folder: Path) -> None:
    (folder / "half.py").write_text(
        "from tuner.learners.base import Learner\nclass Half(Learner):\n    pass\n"
    )
    with pytest.raises(ModelError, match='"half:Half" is a learner without fit, load; write'):
        open_learner("half:Half", Setup(folder))


def test_setting_of_steps_must_be_a_setting(folder: Path) -> None:
    text = LEARNER.read_text().replace(
        "    settings =", '    steps_setting = "epochs"\n    settings ='
    )
    (folder / "stepping.py").write_text(text)
    with pytest.raises(ModelError, match='steps_setting is "epochs", which is not among its sett'):
        open_learner("stepping:NearestMean", Setup(folder))
