"""Parameters that all trials share: ``[fixed]``, and defaults that have changed since."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import optuna
import pytest
from study_texts import read, spec_of

import tuner
from tuner.errors import SpecError
from tuner.learners.registry import shipped
from tuner.search import make_pruner
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.studies import definition, lifecycle, provenance
from tuner.studies.catalog import find_study
from tuner.trials.checking import check_learner, check_spec

TABLE: dict[str, Any] = {
    "dataset": "line",
    "model": "linear",
    "search_space": {"learning_rate": {"type": "float", "low": 0.01, "high": 0.1}},
    "objective": {"metric": "mae", "direction": "minimize"},
}


def spec(**fixed: Any) -> StudySpec:
    return read(TABLE | ({"fixed": fixed} if fixed else {}))


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        (3, r"fixed: must be a table, but got 3; write \[fixed\] and below it NAME = VALUE"),
        ({"units": [3, 4]}, r"fixed\.units: must be one number, .* belongs under \[search_space\]"),
        ({"learning_rate": 0.1}, r"fixed\.learning_rate: is a parameter of the search space, too"),
        ({"l2": float("nan")}, r"fixed\.l2: must be a finite number"),
    ],
)
def test_invalid_fixed_parameters_are_refused(fixed: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read(TABLE | {"fixed": fixed})


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"target_scaling": "minmax"}, 'fixed: target_scaling must be "standard" or "none"'),
        ({"target_scalin": "none"}, 'no parameter "target_scalin"; did you mean target_scaling'),
        ({"epochs": 0}, "fixed: epochs must be at least 1, but got 0"),
    ],
)
def test_family_checks_fixed_parameters(fixed: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        check_spec(spec(**fixed))


def test_output_and_loss_must_fit_the_task_together(make_splits: Any) -> None:
    with pytest.raises(SpecError, match='fixed: output = "softmax" is not for a regression task'):
        check_learner(spec(output="softmax"), shipped("linear"), make_splits("regression"))


def test_fixed_is_stored_compared_and_read_back() -> None:
    study = spec(epochs=7, target_scaling="none")
    assert StudySpec.from_dict(study.to_dict(), study.base) == study
    assert spec().differences(study) == [
        "fixed.epochs: 7 in the database, now absent",
        'fixed.target_scaling: "none" in the database, now absent',
    ]
    # Without it a study has the same fingerprint as before the key existed.
    assert "fixed" not in spec().to_dict()


def test_hyperband_knows_the_fixed_epochs() -> None:
    assert make_pruner(spec(epochs=27))._max_resource == 27  # type: ignore[attr-defined]


def test_hyperband_knows_the_parameter_that_counts_steps() -> None:
    pruner = make_pruner(spec(epochs=27, max_iter=9), steps="max_iter")
    assert pruner._max_resource == 9  # type: ignore[attr-defined]


def test_hyperband_knows_the_folds() -> None:
    folded = spec_of(
        {"epochs": {"type": "int", "low": 1, "high": 50}},
        validation={"folds": 5, "repeats": 2},
        pruner={"name": "hyperband", "min_resource": 2},
    )
    assert make_pruner(folded)._max_resource == 10  # type: ignore[attr-defined]
    options = folded.pruner.model_copy(update={"options": {"min_resource": 20}})
    with pytest.raises(SpecError, match=r"at most max_resource, which is 10 \(the most folds of"):
        make_pruner(folded.model_copy(update={"pruner": options}))


class Stored:
    """A database with studies of this version and of earlier ones."""

    def __init__(self, path: Path) -> None:
        self.database = Database(f"sqlite:///{path / 't.db'}")

    def begin(self, study: StudySpec, *, before: bool = False) -> optuna.Study:
        data = {"fingerprint": "f", "rows": {}, "task": "regression"}
        made = lifecycle.create_or_resume(self.database, "s", study, data)
        if before:
            storage = made._storage
            attrs = {k: v for k, v in made.user_attrs.items() if k != "tuner:defaults"}
            storage.delete_study(made._study_id)
            made = optuna.create_study(storage=storage, study_name="s", direction="minimize")
            for key, value in attrs.items():
                made.set_user_attr(key, value)
        return made

    def scaling(self, study: StudySpec) -> Any:
        made = lifecycle.create_or_resume(
            self.database, "s", study, {"fingerprint": "f", "rows": {}}
        )
        return definition.common_params(study, made.user_attrs)["target_scaling"]


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    made = Stored(tmp_path)
    yield made
    made.database.close()


def test_new_study_scales_targets_unless_it_says_otherwise(stored: Stored) -> None:
    stored.begin(spec())
    assert stored.scaling(spec()) == "standard"
    with pytest.raises(SpecError, match="target_scaling: absent in the database"):
        stored.scaling(spec(target_scaling="none"))


def test_study_with_target_scaling_none_is_not_resumed_without_it(stored: Stored) -> None:
    stored.begin(spec(target_scaling="none"))
    assert stored.scaling(spec(target_scaling="none")) == "none"
    with pytest.raises(SpecError, match='target_scaling: "none" in the database, now absent'):
        stored.scaling(spec())


def test_study_stored_before_the_defaults_keeps_the_first_defaults(stored: Stored) -> None:
    """Its trials learned raw targets, and so do those that are added."""
    stored.begin(spec(), before=True)
    assert stored.scaling(spec()) == "none"
    assert stored.scaling(spec(target_scaling="none")) == "none"
    assert stored.scaling(spec(target_scaling="none")) == "none"
    words = 'target_scaling: "none" in the database, now "standard"'
    with pytest.raises(SpecError, match=words):
        stored.scaling(spec(target_scaling="standard"))


def test_baseline_is_added_to_a_study_stored_without_one(stored: Stored) -> None:
    study = stored.begin(spec(), before=True)
    known = {"predicts": "always the median, 2", "value": 1.0}
    data = {"fingerprint": "f", "rows": {}, "baseline": known}
    provenance.accept_data(stored.database, study, data)
    assert stored.begin(spec()).user_attrs["tuner:data"]["baseline"] == known
    provenance.accept_data(stored.database, study, {**data, "baseline": None})
    assert stored.begin(spec()).user_attrs["tuner:data"]["baseline"] == known


@pytest.mark.slow
def test_users_network_gets_fixed_parameters(tmp_path: Path) -> None:
    (tmp_path / "own_net.py").write_text(
        textwrap.dedent("""
        import keras

        def build_model(params, data):
            assert params["units"] == 3 and 0.01 <= params["rate"] <= 0.1, params
            layers = [keras.Input((1,)), keras.layers.Dense(params["units"]), keras.layers.Dense(1)]
            model = keras.Sequential(layers)
            model.compile(keras.optimizers.SGD(params["rate"]), "mse", metrics=["mae"])
            return model
        """)
    )
    (tmp_path / "own.toml").write_text(
        textwrap.dedent("""
        dataset = "line"
        model = "own_net:build_model"
        [fixed]
        units = 3
        epochs = 4
        batch_size = 20
        [search_space.rate]
        type = "float"
        low = 0.01
        high = 0.1
        [objective]
        metric = "mae"
        direction = "minimize"
        [budget]
        n_trials = 1
        """)
    )
    assert find_study(str(tmp_path / "own.toml")).fixed["units"] == 3
    url = f"sqlite:///{tmp_path / 't.db'}"
    result = tuner.run(str(tmp_path / "own.toml"), workers=1, storage=url)
    assert result.best is not None
    assert result.best.configuration is not None
    assert result.best.configuration.batch_size == 20
    assert result.best.configuration.params.keys() == {"units", "epochs", "batch_size", "rate"}
    assert result.trials[0].epochs == 4
    assert result.baseline is not None
    assert result.baseline["predicts"].startswith("always the median, 2.")
