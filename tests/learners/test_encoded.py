"""Learners of numbers on mixed tables: encoded by the training rows, saved with the model."""

from __future__ import annotations

import gc
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixed_tables import mixed_rows, mixed_splits

from tuner.data import Development
from tuner.errors import BundleError, ModelError, SpecError
from tuner.learners.base import Fitted, Learner
from tuner.learners.checks import check_data, check_space
from tuner.learners.encoded import EncodedModel, reading_mixed
from tuner.learners.encoding import FILE, Encoder
from tuner.learners.registry import LEARNERS, open_learner, open_saved, own_class, shipped
from tuner.learners.setup import Script, Setup
from tuner.learners.watch import Watch
from tuner.scoring import score
from tuner.space import SearchSpace

OWN = """
import keras

def build(params, data):
    assert data.kind == "table"
    assert set(params) == {"units"}
    assert "shop = Oslo" in data.feature_names
    model = keras.Sequential([
        keras.Input(data.input_shape),
        keras.layers.Dense(params["units"], "relu"),
        keras.layers.Dense(1, "sigmoid"),
    ])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model
"""


class Recording(Learner):
    """A learner that keeps what it was given."""

    given: list[tuple[dict[str, Any], Development]]

    def fit(self, params, data, seed, watch) -> Fitted:
        self.given = [*getattr(self, "given", []), (dict(params), data)]
        return Sums()

    def load(self, folder, info) -> Fitted:
        assert info["data"]["kind"] == "table"
        assert info["data"]["input_shape"] == [len(info["data"]["feature_names"])]
        return Sums()


class Sums(Fitted):
    """The sum of the columns."""

    def predict(self, x):
        assert x.dtype == np.float32
        return x.sum(axis=1)

    def save(self, folder) -> None:
        (folder / "nothing").touch()


def recording() -> Any:
    return reading_mixed(Recording)("own:Recording", Setup())


def learnt(learner: Learner, params: dict[str, Any], data: Development, steps: int = 30) -> Fitted:
    held = data.validation

    def scored(predictions: Any) -> float:
        return score(["accuracy"], data.task, held.y, predictions)["accuracy"]

    watch = Watch(steps, "accuracy", "maximize", score=scored, word=learner.step_word)
    with learner.restored():
        fitted = learner.fit(params, data, 1, watch)
        assert watch.result().value == pytest.approx(scored(fitted.predict(held.x)))
    return fitted


def info_of(data: Development) -> dict[str, Any]:
    return {
        "data": {
            "kind": data.kind,
            "task": data.task,
            "input_shape": list(data.input_shape),
            "n_classes": data.n_classes,
            "feature_names": list(data.feature_names),
        }
    }


def test_learner_of_mixed_tables_or_of_no_tables_stays_as_it_is() -> None:
    class Native(Recording):
        kinds = ("table", "mixed")

    assert reading_mixed(Native) is Native
    assert "mixed" not in shipped("cnn").kinds
    assert all(
        "mixed" in shipped(name).kinds for name in LEARNERS if "table" in shipped(name).kinds
    )


def test_derived_class_is_the_learner_itself_in_all_else() -> None:
    derived = reading_mixed(Recording)
    assert issubclass(derived, Recording)
    assert (derived.__name__, derived.__module__) == ("Recording", __name__)
    assert derived is reading_mixed(Recording)
    assert own_class("own:Recording", Recording) is derived


def test_learner_sees_the_training_rows_encoded() -> None:
    data = mixed_splits().development
    learner = recording()
    fitted = learner.fit({"power": 2.0, "encode_max_levels": 3}, data, 0, Watch(1))
    [(params, seen)] = learner.given
    assert params == {"power": 2.0}
    assert (seen.kind, seen.task) == ("table", "binary")
    encoder = Encoder.fit(data.train.x, "one_hot", encode_max_levels=3)
    np.testing.assert_array_equal(seen.train.x, encoder.transform(data.train.x))
    np.testing.assert_array_equal(seen.validation.x, encoder.transform(data.validation.x))
    assert seen.feature_names == tuple(column.name for column in encoder.layout)
    np.testing.assert_array_equal(fitted.predict(data.train.x), seen.train.x.sum(axis=1))


def test_encoded_rows_are_kept_as_long_as_their_data_and_parameters_stay() -> None:
    data = mixed_splits().development
    learner = recording()
    for params in ({}, {"power": 3.0}, {"encode_min_rows": 5}):
        learner.fit(params, data, 0, Watch(1))
    first, second, third = (seen for _, seen in learner.given)
    assert first is second
    assert third is not second
    assert len(learner._encodings) == 1
    del data
    gc.collect()
    assert len(learner._encodings) == 0


def test_folds_are_encoded_each_by_its_own_training_rows() -> None:
    data = mixed_splits().development
    half = np.arange(len(data.rows)) % 2 == 0
    folds = [data.fold(np.flatnonzero(half), np.flatnonzero(~half))]
    folds.append(data.fold(np.flatnonzero(~half), np.flatnonzero(half)))
    learner = recording()
    fitted = learner.fit_folds({"encode_numbers": "none"}, folds, [0, 1], [Watch(1), Watch(1)])
    assert all(isinstance(one, EncodedModel) for one in fitted)
    assert [params for params, _ in learner.given] == [{}, {}]
    for fold, one, (_, seen) in zip(folds, fitted, learner.given, strict=True):
        np.testing.assert_array_equal(seen.train.x, one.encoder.transform(fold.train.x))
    assert fitted[0].encoder != fitted[1].encoder


def test_table_of_numbers_is_passed_on_as_it_is(make_splits) -> None:
    data = make_splits().development
    learner = recording()
    assert isinstance(learner.fit({}, data, 0, Watch(1)), Sums)
    assert learner.given[0][1] is data


def test_parameters_of_the_encoder_are_those_of_the_learner() -> None:
    mlp, trees = shipped("mlp"), shipped("hist_gradient_boosting")
    numbers = {"encode_numbers": {"type": "categorical", "choices": ["robust", "quantile"]}}
    check_space(mlp, SearchSpace.parse(numbers, "test"))
    with pytest.raises(SpecError, match='has no parameter "encode_numbers"'):
        check_space(trees, SearchSpace.parse(numbers, "test"))
    levels = {"encode_max_levels": {"type": "int", "low": 0, "high": 9}}
    with pytest.raises(SpecError, match="encode_max_levels must be at least 1, but got 0"):
        check_space(mlp, SearchSpace.parse(levels, "test"))


def test_parameters_of_the_encoder_are_refused_for_other_data(make_splits) -> None:
    words = "encode_min_rows is for mixed tables, .* but blobs holds a table of numbers; remove it"
    with pytest.raises(SpecError, match=words):
        check_data(shipped("linear"), make_splits(), None, {"encode_min_rows": 3})
    check_data(shipped("linear"), mixed_splits(), None, {"encode_min_rows": 3})


def test_script_of_a_mixed_table_is_refused() -> None:
    data = mixed_splits().development
    about = Script("", "a.py", "a.npz", "", 1, 0, weighted=False)
    with pytest.raises(ModelError, match=r"export it as \.toml or \.json, which `tuner train`"):
        open_learner("mlp", Setup()).script({}, data, about)


@pytest.mark.parametrize(
    "task",
    [
        "binary",
        *(pytest.param(task, marks=pytest.mark.slow) for task in ("multiclass", "regression")),
    ],
)
def test_trees_and_networks_fit_mixed_tables_and_are_read_back(tmp_path: Path, task: str) -> None:
    data = mixed_splits(task, 200).development
    metric, wanted = ("mse", 2.0) if task == "regression" else ("accuracy", 0.7)
    cases: dict[str, dict[str, Any]] = {
        "mlp": {"learning_rate": 0.02, "units": 16},
        "hist_gradient_boosting": {"min_samples_leaf": 5},
    }
    for model, params in cases.items():
        learner = open_learner(model, Setup())
        with learner.restored():
            fitted = learner.fit(params, data, 1, Watch(25))
            found = score([metric], task, data.validation.y, fitted.predict(data.validation.x))
            assert (found[metric] < wanted) is (task == "regression")
            folder = tmp_path / model
            folder.mkdir()
            info = info_of(data) | dict(fitted.save(folder) or {})
            reader = open_saved(model, learner.library, Setup())
            again = reader.load(folder, info)
            assert fitted.agrees(again, data.validation.x)
            np.testing.assert_allclose(
                again.predict(data.train.x), fitted.predict(data.train.x), rtol=1e-5, atol=1e-6
            )


@pytest.mark.slow
def test_own_network_gets_a_table_of_numbers(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "shirt_network.py").write_text(OWN)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "shirt_network", raising=False)
    data = mixed_splits().development
    learner = open_learner("shirt_network:build", Setup(tmp_path))
    params = {"units": 16, "encode_numbers": "standard"}
    with learner.restored():
        assert learner.try_out(params, data) == ("loss", "accuracy")
        assert learner.baseline("accuracy", data, params, ()) is not None
    fitted = learnt(learner, params, data)
    assert "loss" in fitted.evaluate(data.validation)


def test_own_learner_fits_mixed_tables(tmp_path: Path, monkeypatch: Any) -> None:
    shutil.copy(Path(__file__).with_name("nearest_mean.py"), tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "nearest_mean", raising=False)
    data = mixed_splits().development
    learner = open_learner("nearest_mean:NearestMean", Setup(tmp_path))
    fitted = learnt(learner, {"power": 2.0}, data, 1)
    right = fitted.predict(data.validation.x).argmax(axis=1) == data.validation.y
    assert right.mean() > 0.6


def test_rows_with_new_levels_and_other_columns_are_predicted() -> None:
    data = mixed_splits().development
    learner = open_learner("hist_gradient_boosting", Setup())
    fitted = learner.fit({}, data, 1, Watch(5))
    rows, _ = mixed_rows(20, seed=1)
    expected = fitted.predict(rows)
    moved = rows.assign(more="?")[["note", "more", "shop", "sold", "size"]]
    np.testing.assert_array_equal(fitted.predict(moved), expected)
    new = rows.assign(shop="elsewhere")
    assert np.isfinite(fitted.predict(new)).all()


def test_model_without_its_encoder_is_refused(tmp_path: Path) -> None:
    data = mixed_splits().development
    learner = recording()
    learner.fit({}, data, 0, Watch(1)).save(tmp_path)
    assert isinstance(learner.load(tmp_path, info_of(data)), EncodedModel)
    (tmp_path / FILE).unlink()
    with pytest.raises(BundleError, match=r"features\.json cannot be read"):
        learner.load(tmp_path, info_of(data))


def test_models_with_different_encoders_do_not_agree() -> None:
    data = mixed_splits().development
    one = EncodedModel(Encoder.fit(data.train.x, "one_hot"), Sums())
    other = EncodedModel(Encoder.fit(data.validation.x, "one_hot"), Sums())
    assert one.agrees(replace_encoder(one), data.train.x)
    assert not one.agrees(other, data.train.x)
    assert not one.agrees(Sums(), data.train.x)
    assert one.lost == Sums.lost


def replace_encoder(model: EncodedModel) -> EncodedModel:
    return EncodedModel(Encoder.from_dict(model.encoder.to_dict()), model.inner)


class Killed(BaseException):
    """Stands for the death of the process."""


class Kept:
    """Keeps the last checkpoint as bytes; raises after an epoch, unless that is 0."""

    def __init__(self, content: bytes = b"", dies_after: int = 0) -> None:
        self.content = content
        self.dies_after = dies_after

    def load(self, read: Any) -> Any:
        return read(self.content)[1] if self.content else None

    def due(self) -> bool:
        return True

    def save(self, step: int, pack: Any) -> None:
        self.content = pack()
        if step == self.dies_after:
            raise Killed("killed")


@pytest.mark.slow
def test_training_on_a_mixed_table_resumes_from_a_checkpoint() -> None:
    data = mixed_splits().development

    def fit(kept: Kept) -> tuple[list[float], Any]:
        learner = open_learner("mlp", Setup())
        watch = Watch(6, "loss", "minimize", checkpoints=kept)  # type: ignore[arg-type]  # a double
        with learner.restored():
            fitted = learner.fit({"dropout": 0.3, "epochs": 6}, data, 5, watch)
        return watch.result().history["val_loss"], fitted.predict(data.validation.x)

    whole, predicted = fit(Kept())
    killed = Kept(dies_after=3)
    with pytest.raises(Killed, match="killed"):
        fit(killed)
    resumed, again = fit(Kept(killed.content))
    assert resumed == pytest.approx(whole, rel=1e-5)
    np.testing.assert_allclose(again, predicted, rtol=1e-5)


def test_weights_groups_and_times_travel_along() -> None:
    data = mixed_splits().development
    n = np.arange(len(data.train))
    rows = replace(data.train, sample_weight=np.ones(len(n), np.float32), group=n, time=n)
    learner = recording()
    learner.fit({}, replace(data, train=rows), 0, Watch(1))
    seen = learner.given[0][1].train
    assert (seen.sample_weight is rows.sample_weight, seen.group is n, seen.time is n) == (
        True,
    ) * 3
