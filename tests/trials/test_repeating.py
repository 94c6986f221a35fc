"""A trial is trained again by the code of the search, as far as it came, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import optuna
import pytest
from study_texts import spec_of

from tuner.data import Splits
from tuner.errors import RequestError, TrialFailed
from tuner.learners.base import Fitted, Learner
from tuner.learners.settings import Setting
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.storage.attributes import TrialAttrs
from tuner.storage.database import Database
from tuner.trials.evaluate import run_trial
from tuner.trials.repeated import Known, Repeated
from tuner.trials.repeating import repeat

SPEC = spec_of(
    {"epochs": {"type": "int", "low": 6, "high": 6}},
    early_stopping={"patience": 2},
    pruner={"name": "nop"},
)


class Scripted(Learner):
    """Logs what the test says, and that of its seed."""

    steps_setting = "epochs"
    settings = MappingProxyType({"epochs": Setting(6)})
    values: tuple[float, ...] = (0.1, 0.2, 0.3, 0.2, 0.2, 0.2)

    def fit(self, params: Any, data: Any, seed: int, watch: Watch) -> Fitted:
        watch.loop = "fit"
        for step, value in enumerate(self.values, start=1):
            if watch.observe(step, {"val_accuracy": value, "seed": float(seed)}).stop:
                break
        return None  # type: ignore[return-value]  # a trial keeps no model

    def load(self, folder: Path, info: Any) -> Fitted:
        raise NotImplementedError


def again(learner: Learner, data: Any, **changes: Any) -> Repeated:
    known: dict[str, Any] = {
        "number": 0,
        "params": {"epochs": 6},
        "common": {},
        "attrs": TrialAttrs(),
        "seed": 5,
        "steps": None,
    }
    seen: list[int] = []
    found = repeat(
        Known(**known | changes),
        SPEC,
        learner,
        data,
        on_start=seen.append,
        on_epoch=lambda step, value: None,
    )
    assert seen == [6]
    return found


@pytest.fixture
def data(make_splits: Callable[..., Splits]) -> Any:
    return make_splits("binary").development


@pytest.fixture
def learner() -> Scripted:
    return Scripted("own:Scripted", Setup())


def test_repeated_trial_equals_what_the_search_stored(
    learner: Scripted, data: Any, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db", lease={})
    database.upgrade()
    study = optuna.create_study(
        storage=database.storage, study_name="s", direction="maximize", pruner=None
    )
    trial = study.ask()
    run_trial(
        trial,
        SPEC,
        learner,
        data,
        database,
        checkpoints=str(tmp_path),
        on_start=lambda steps: None,
        on_epoch=lambda step, value: None,
        ran_on={"cpu": "A CPU", "threads": 1},
    )
    stored = study.trials[0]
    assert stored.user_attrs["ran_on"] == {"cpu": "A CPU", "threads": 1, "loop": "fit"}
    curves = database.curves(study, 0)
    found = again(learner, data, seed=stored.user_attrs["seed"], steps=stored.user_attrs["epochs"])
    assert (found.state, found.value, found.epoch) == ("complete", stored.value, 3)
    assert found.values == stored.intermediate_values
    assert found.reason == stored.user_attrs["reason"]
    assert curves["seed"].tolist() == [float(f) for f in curves["seed"]]
    assert [logs["val_accuracy"] for logs in found.logs] == pytest.approx(
        curves["val_accuracy"].tolist()
    )
    assert len(study.trials) == 1
    database.close()


def test_pruned_trial_is_trained_as_far_as_it_was(learner: Scripted, data: Any) -> None:
    found = again(learner, data, steps=2)
    assert (found.state, found.loop) == ("pruned", "fit")
    assert list(found.values) == [1, 2]


def test_reference_does_not_stop_early(learner: Scripted, data: Any) -> None:
    assert len(again(learner, data).logs) == 5
    assert len(again(learner, data, attrs=TrialAttrs(role="reference")).logs) == 6


def test_failure_has_its_reason_and_what_it_logged(learner: Scripted, data: Any) -> None:
    learner.values = (0.1, float("nan"))
    found = again(learner, data)
    assert found.state == "fail"
    assert "val_accuracy is NaN at epoch 2" in str(found.reason)
    assert len(found.logs) == 1


def test_users_error_is_a_failure_too(
    learner: Scripted, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise TrialFailed("it does not like them")

    monkeypatch.setattr(learner, "fit", fail)
    assert again(learner, data).reason == "it does not like them"


def test_parameters_outside_the_space_are_refused(learner: Scripted, data: Any) -> None:
    with pytest.raises(RequestError, match=r"trial 0 of .* cannot be replayed: its param"):
        again(learner, data, params={"epochs": 7})
