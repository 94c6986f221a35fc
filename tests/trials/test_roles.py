"""A trial's role: stored when the trial begins, and obeyed while it is fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import optuna
import pytest
from study_texts import spec_of

from tuner.data import Splits
from tuner.learners.base import Fitted, Learner
from tuner.learners.settings import Setting
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.spec import Role
from tuner.storage.database import Database
from tuner.trials.evaluate import run_trial

SPEC = spec_of(
    {"epochs": {"type": "int", "low": 6, "high": 6}},
    early_stopping={"patience": 2},
    pruner={"name": "nop"},
)


class Flat(Learner):
    """Never improves after its first epoch."""

    steps_setting = "epochs"
    settings = MappingProxyType({"epochs": Setting(6)})

    def fit(self, params: Any, data: Any, seed: int, watch: Watch) -> Fitted:
        for step in range(1, watch.steps + 1):
            if watch.observe(step, {"val_accuracy": 0.5}).stop:
                break
        return None  # type: ignore[return-value]  # a trial keeps no model

    def load(self, folder: Path, info: Any) -> Fitted:
        raise NotImplementedError


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('roles')}/t.db", lease={})
    made.upgrade()
    return made


@pytest.mark.parametrize(
    ("attrs", "role", "epochs"),
    [
        (None, "search", 3),
        ({"origin": "document"}, "reference", 6),  # enqueued before there were roles
        ({"role": "search", "origin": "document"}, "search", 3),
        ({"role": "boss"}, "boss", 3),  # an attribute of the user's own
        *(({"role": role.value}, role.value, 3 if role.may_stop_early else 6) for role in Role),
    ],
)
def test_role_is_stored_and_decides_whether_the_trial_stops_early(
    attrs: dict[str, str] | None,
    role: str,
    epochs: int,
    database: Database,
    make_splits: Callable[[], Splits],
) -> None:
    study = optuna.create_study(storage=database.storage, direction="maximize")
    study.enqueue_trial({"epochs": 6}, user_attrs=attrs)
    outcome = run_trial(
        *(study.ask(), SPEC, Flat("flat", Setup()), make_splits().development, database),
        checkpoints="",
        on_start=lambda epochs: None,
        on_epoch=lambda epoch, value: None,
    )
    (trial,) = study.trials
    assert (outcome.state, outcome.values) == ("complete", (0.5,))
    assert (trial.user_attrs["role"], trial.user_attrs["epochs"]) == (role, epochs)


@pytest.mark.parametrize(("reuses", "n_fitted"), [(True, 1), (False, 2)])
def test_equal_trial_is_fitted_only_if_the_study_repeats(
    reuses: bool, n_fitted: int, database: Database, make_splits: Callable[[], Splits]
) -> None:
    study = optuna.create_study(storage=database.storage, direction="maximize")
    learner, begun = Flat("flat", Setup()), []
    outcomes = [
        run_trial(
            *(study.ask(), SPEC, learner, make_splits().development, database),
            checkpoints="",
            on_start=begun.append,
            on_epoch=lambda epoch, value: None,
            reuses=reuses,
        )
        for _ in range(2)
    ]
    assert [(one.state, one.values) for one in outcomes] == [("complete", (0.5,))] * 2
    assert begun == [6, 6], "an observer sees both begin"
    first, second = study.trials
    assert (second.user_attrs["seed"] == first.user_attrs["seed"]) is reuses
    assert second.user_attrs.get("reused") == (0 if reuses else None)
    assert second.intermediate_values == first.intermediate_values
    assert second.user_attrs["epoch"] == first.user_attrs["epoch"] == 1
    assert len({one.user_attrs["seed"] for one in study.trials}) == n_fitted
    curves = [database.curves(study, number)["val_accuracy"].tolist() for number in (0, 1)]
    assert curves[0] == curves[1] == [0.5, 0.5, 0.5]


def test_references_are_enqueued_with_their_role(database: Database) -> None:
    study = optuna.create_study(storage=database.storage)
    database.enqueue_references(study, {"document": {"epochs": 6}})
    (trial,) = study.trials
    assert trial.user_attrs == {"role": "reference", "origin": "document"}
