"""No search reaches the test rows; `tuner train` opens them once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Command
from sealed_rows import MARK, arrays_from, is_marked

from tuner.data import SealedTest, Split, Splits, load, load_splits
from tuner.learners.registry import LEARNERS
from tuner.spec import CsvDataset

# Model to the kind of its data, the metric and parameters that make it small.
STUDIES = {
    "linear": ("table", "mse", {"epochs": 2}),
    "mlp": ("table", "mse", {"epochs": 2, "n_layers": 1, "units": 4}),
    "cnn": ("images", "accuracy", {"epochs": 2, "n_blocks": 1, "filters": 2, "units": 4}),
    "embedding": ("texts", "accuracy", {"epochs": 2, "embedding_width": 2, "units": 4}),
    "realmlp": ("table", "mse", {"epochs": 2, "n_layers": 1, "units": 4}),
    "tabm": ("table", "mse", {"epochs": 2, "n_layers": 1, "units": 4, "k": 2}),
    "automl": ("table", "mse", {"hist_gradient_boosting_max_iter": 2}),
    "hist_gradient_boosting": ("table", "mse", {"max_iter": 2}),
    "random_forest": ("table", "mse", {"n_estimators": 2, "n_parts": 2}),
    "extra_trees": ("table", "mse", {"n_estimators": 2, "n_parts": 2}),
    "linear_model": ("table", "mse", {"max_iter": 50}),
    "k_neighbors": ("table", "mse", {"n_neighbors": 2}),
    "lightgbm": ("table", "mse", {"n_estimators": 2}),
    "own:build_model": ("table", "loss", {"epochs": 2}),
}
WITHOUT_LEARNING_RATE = ("automl", "random_forest", "extra_trees", "linear_model", "k_neighbors")


def write_study(folder: Path, model: str) -> None:
    """Writes a study of one short trial beside the module with the poisoned rows."""
    data, metric, small = STUDIES[model]
    shutil.copy(Path(__file__).with_name("sealed_rows.py"), folder / "own.py")
    chosen = "".join(
        f'[search_space.{name}]\ntype = "int"\nlow = {value}\nhigh = {value}\n'
        for name, value in small.items()
    )
    if model not in WITHOUT_LEARNING_RATE:
        chosen += '[search_space.learning_rate]\ntype = "float"\nlow = 0.001\nhigh = 0.01\n'
    (folder / "sealed.toml").write_text(
        f'title = "Sealed"\ndataset = "own:load_{data}"\nmodel = "{model}"\n'
        f'[objective]\nmetric = "{metric}"\n'
        f'direction = "{"maximize" if metric == "accuracy" else "minimize"}"\n'
        '[budget]\nn_trials = 1\n[sampler]\nname = "random"\n'
        f"{chosen}"
    )


def search(model: str, command: Command, folder: Path) -> None:
    write_study(folder, model)
    answer = command("run", "sealed.toml", "--workers", "1", "--json")
    assert answer.status == 0, answer.err
    assert json.loads(answer.out)["trials"]["complete"] == 1, answer.err


@pytest.mark.slow
@pytest.mark.parametrize("model", LEARNERS)
def test_search_never_reads_test_rows(model: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "poisoned").touch()
    search(model, command, tmp_path)


@pytest.mark.slow
def test_build_model_cannot_reach_test_rows(command: Command, tmp_path: Path) -> None:
    search("own:build_model", command, tmp_path)


@pytest.mark.slow
def test_train_opens_the_test_rows_once(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(tmp_path, "linear")
    assert command("run", "sealed.toml", "--workers", "1").status == 0
    assert command("export", "sealed.toml", "-o", "best.toml").status == 0
    opened: list[tuple[str, str]] = []
    really_open = SealedTest.open

    def record(self: SealedTest, by: str, why: str) -> Split:
        opened.append((by, why))
        return really_open(self, by, why)

    monkeypatch.setattr(SealedTest, "open", record)
    assert command("train", "best.toml", "-o", "model").status == 0
    assert opened == [("tuner train", "score the final model")]


def test_opening_needs_a_name_and_a_purpose(make_splits: Callable[..., Splits]) -> None:
    data = make_splits()
    sealed = data.sealed().sealed_test
    assert len(sealed) == len(data.test)
    for by, why in [("", "to look"), ("tuner train", " ")]:
        with pytest.raises(ValueError, match="say who opens the test split and why"):
            sealed.open(by, why)
    assert sealed.openings == []
    assert sealed.open("a test", "to look") is data.test
    assert sealed.openings == [("a test", "to look")]


def slices(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(x[rows], y[rows]) for rows in (slice(0, 20), slice(20, 40), slice(40, 60))]


X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
X[40:] = MARK
Y = np.linspace(0, 1, 60)
Y[40:] = MARK
MIXED = pd.DataFrame(X.astype(float), columns=["a", "b", "c"]).assign(
    b=[str(MARK if value == MARK else round(value)) for value in X[:, 1]],  # one of test rows only
    c=[f"film number {number}" if number < 40 else str(MARK) for number in range(60)],
)
MIXED.loc[::9, "a"] = np.nan
FORMS = {
    "slices of a mixed frame": lambda: [
        (MIXED.iloc[a:b], pd.Series(Y).iloc[a:b]) for a, b in ((0, 20), (20, 40), (40, 60))
    ],
    "slices of one array": lambda: slices(X, Y),
    "slices of one frame": lambda: [
        (pd.DataFrame(X).iloc[:, :2].iloc[a:b], pd.Series(Y).iloc[a:b])
        for a, b in ((0, 20), (20, 40), (40, 60))
    ],
    "splits of slices": lambda: Splits(*(Split(*part) for part in slices(X, Y)), "regression"),
    "slices with weights": lambda: [
        (x, y, w) for (x, y), (_, w) in zip(slices(X, Y), slices(X, np.abs(Y)), strict=True)
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_development_holds_no_reference_to_test_rows(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.data.functions.import_function", lambda *_: FORMS[form])
    whole = load_splits("own:load_data", Path())
    assert any(map(is_marked, arrays_from([whole])))  # the walk finds what there is
    development = load("own:load_data", Path()).development
    reached = list(arrays_from([development]))
    assert any(array is development.train.y for array in reached)
    assert not any(map(is_marked, reached))
    assert load("own:load_data", Path()).fingerprint == whole.fingerprint


def test_development_of_a_file_holds_no_reference_to_test_rows(tmp_path: Path) -> None:
    lines = [f"{n}.25,{n % 7}.5" for n in range(100)]
    (tmp_path / "own.csv").write_text("\n".join(["a,y", *lines]))
    dataset = CsvDataset(csv="own.csv", target="y")
    held = set(load_splits(dataset, tmp_path).test.x.ravel().tolist())
    development = load(dataset, tmp_path).development
    reached = [array.ravel().tolist() for array in arrays_from([development])]
    assert len(held) == 20
    assert not any(held & set(values) for values in reached)


def test_development_of_a_mixed_file_holds_no_reference_to_test_rows(tmp_path: Path) -> None:
    lines = [f"{n}.25,city {n // 2},sentence number {n} of them,{n % 7}.5" for n in range(100)]
    (tmp_path / "own.csv").write_text("\n".join(["a,b,c,y", *lines]))
    dataset = CsvDataset(csv="own.csv", target="y", kind={"b": "category", "c": "text"})
    test = load_splits(dataset, tmp_path).test.x
    development = load(dataset, tmp_path).development
    assert development.kind == "mixed"
    others = set(development.rows.x["b"])
    held = {*test["a"], *test["c"], *(set(test["b"]) - others)}
    reached = [array.ravel().tolist() for array in arrays_from([development])]
    assert len(held) >= 40
    assert not any(held & set(values) for values in reached)


def test_a_mapped_file_is_not_copied(tmp_path: Path) -> None:
    parts = []
    for name in ("train", "validation", "test"):
        np.save(tmp_path / f"{name}.npy", np.ones((20, 3), np.float32))
        parts.append(Split(np.load(tmp_path / f"{name}.npy", mmap_mode="r"), np.arange(20) / 7))
    data = Splits(*parts, "regression")
    assert np.shares_memory(data.development.train.x, data.train.x)
