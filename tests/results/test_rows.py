from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from made_studies import PARAMS, MakeResult, MakeStudy, make_spec, reference, trial

from tuner.errors import StudyError, UnknownNameError
from tuner.results.stored_study import read_result


def test_json_document_has_the_promised_keys(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(reference(split="test", accuracy=0.9954)),
        trial(value=0.99, origin="document"),
        trial(value=0.995, epoch=4, begin=1.0, seconds=9.0),
        trial("pruned", 0.4),
        trial("fail"),
        trial("running"),
        trial("waiting"),
    )

    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))

    assert document == {
        "study": "wine",
        "storage": "sqlite:///tuner.db",
        "metric": "accuracy",
        "direction": "maximize",
        "trials": {"complete": 2, "pruned": 1, "fail": 1, "running": 1, "waiting": 1},
        "best": {"number": 1, "value": 0.995, "epoch": 4, "params": PARAMS, "origin": "search"},
        "references": [
            {
                "name": "document",
                "number": 0,
                "value": 0.99,
                "reported": {"split": "test", "accuracy": 0.9954},
            }
        ],
        "baseline": None,
        "wall_s": 10.0,
    }


def test_row_has_the_promised_keys(make_result: MakeResult) -> None:
    pruned = trial("pruned", 0.4, epochs=2, reason="pruned at epoch 2: not good enough")
    row = make_result(make_spec(), pruned).trials[0]

    assert row.to_dict() == {
        "number": 0,
        "state": "pruned",
        "value": 0.4,
        "params": PARAMS,
        "epochs": 2,
        "reason": "pruned at epoch 2: not good enough",
        "duration_s": 2.0,
        "origin": "search",
    }


def test_waiting_trial_has_its_enqueued_parameters(make_result: MakeResult) -> None:
    row = make_result(make_spec(), trial("waiting", origin="document")).trials[0]

    assert row.params == PARAMS
    assert (row.state, row.origin, row.duration_s) == ("waiting", "document", None)


def test_running_trial_has_its_reported_epochs() -> None:
    study = optuna.create_study()
    running = study.ask()
    running.report(0.5, 1)
    running.report(0.4, 2)

    assert read_result(study, "").trials[0].epochs == 2


@pytest.mark.parametrize(("direction", "best"), [("maximize", 1), ("minimize", 0)])
def test_best_follows_the_direction(make_result: MakeResult, direction: str, best: int) -> None:
    trials = [trial(value=value) for value in (0.1, 0.9, 0.9, 0.1)]
    result = make_result(make_spec(direction=direction), *trials)

    assert result.best is not None
    assert result.best.number == best, "the earliest among equals"


def test_pruned_trial_is_never_best(make_result: MakeResult) -> None:
    result = make_result(make_spec(), trial("pruned", 0.99), trial(value=0.5))

    assert result.best is not None
    assert result.best.number == 1


def test_best_is_none_before_the_first_complete_trial(make_result: MakeResult) -> None:
    result = make_result(make_spec(reference()), trial("running"))

    assert result.best is None
    assert result.wall_s is None
    assert result.to_dict()["best"] is None
    with pytest.raises(StudyError, match=r"no trial of wine is complete yet; `tuner run wine`"):
        result.configuration()


def test_reference_has_a_value_only_if_complete(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(reference("pruned one"), reference("twice"), reference("absent")),
        trial("pruned", 0.9, origin="pruned one", reason="pruned at epoch 1: too slow"),
        trial("fail", origin="twice"),
        trial(value=0.8, origin="twice"),
    )

    pruned, twice, absent = result.references
    assert (pruned.number, pruned.value, pruned.state) == (0, None, "pruned")
    assert (twice.number, twice.value) == (2, 0.8)
    assert (absent.number, absent.value, absent.state) == (None, None, None)


def test_wall_time_is_that_of_the_run(make_result: MakeResult) -> None:
    assert make_result(make_spec(), trial(value=1.0), wall_s=4.5).wall_s == 4.5


def test_value_that_is_not_finite_is_none(make_result: MakeResult) -> None:
    row = make_result(make_spec(), trial("pruned", float("inf"))).trials[0]
    assert row.value is None


def test_best_has_its_configuration(make_result: MakeResult) -> None:
    found = make_result(make_spec(), trial(value=0.9, epoch=18, seed=42)).best

    assert found is not None
    configuration = found.configuration
    assert configuration is not None
    assert (configuration.study, configuration.trial) == ("wine", 0)
    assert (configuration.epochs, configuration.seed, configuration.batch_size) == (18, 42, 32)
    assert configuration.data_fingerprint == "f" * 64
    assert configuration.versions == {"keras": "3.15.1"}
    assert configuration.base == Path("studies").absolute()


def test_batch_size_is_that_of_the_trial(make_study: MakeStudy) -> None:
    study = optuna.create_study()
    study.set_user_attr("tuner:spec", make_spec(direction="minimize").to_dict())
    asked = study.ask()
    asked.suggest_int("batch_size", 64, 64)
    asked.set_user_attr("epoch", 1)
    asked.set_user_attr("seed", 1)
    study.tell(asked, 0.5)

    assert read_result(study, "").configuration().batch_size == 64


def test_configuration_takes_any_complete_trial(make_result: MakeResult) -> None:
    result = make_result(make_spec(), trial(value=0.9), trial(value=0.5), trial("fail"))

    assert result.configuration(1).value == 0.5
    with pytest.raises(UnknownNameError, match=r"wine has no trial 9; its trials: 0 to 2"):
        result.configuration(9)
    with pytest.raises(StudyError, match=r"trial 2 of wine is fail, so its best epoch"):
        result.configuration(2)


def test_study_of_another_program_has_a_best_trial_but_no_configuration() -> None:
    study = optuna.create_study(study_name="theirs")
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=3)

    result = read_result(study, "sqlite:///theirs.db")

    assert (result.metric, result.direction, result.references) == ("value", "minimize", ())
    assert result.best is not None
    assert result.best.configuration is None
    with pytest.raises(StudyError, match="theirs was not created by tuner"):
        result.configuration()


def test_results_are_imported_without_tensorflow_pandas_or_optuna() -> None:
    modules = ("study_text", "views", "configuration_file", "stored_study", "study_list")
    code = "import sys\n" + "".join(f"import tuner.results.{name}\n" for name in modules)
    code += "print([m for m in ('tensorflow', 'keras', 'pandas', 'optuna') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
