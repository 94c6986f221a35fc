"""Trials that a user added by hand with any values: shown as such, trained if they fit."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from made_studies import PARAMS, MakeResult, MakeStudy, added, make_spec, reference, trial

from tuner import api
from tuner.errors import RequestError, SpecError, StudyError
from tuner.results import views
from tuner.results.configuration_file import about
from tuner.results.stored_study import read_result
from tuner.results.study_text import summary
from tuner.search import derive_seed
from tuner.workers.engines import best_so_far


def test_added_trial_may_be_best_and_shows_its_origin(make_result: MakeResult) -> None:
    result = make_result(make_spec(), trial(value=0.5), added(0.99))

    assert result.best is not None
    assert result.to_dict()["best"] == {
        "number": 1,
        "value": 0.99,
        "epoch": None,
        "params": PARAMS,
        "origin": "added by hand",
    }
    assert "best      trial 1   accuracy 0.9900, added by hand and not measured here" in summary(
        result
    )
    assert "added by hand, not measured here" in views.best(result)
    assert "on validation" not in views.best(result)
    assert "added by hand" in views.trials(result)


def test_added_trial_in_the_space_is_exported_with_all_epochs(
    make_result: MakeResult,
) -> None:
    result = make_result(make_spec(), trial(value=0.5), added(0.99))
    configuration = result.configuration()

    assert result.best is not None
    assert result.best.configuration == configuration
    assert (configuration.params, configuration.epochs, configuration.value) == (PARAMS, 50, None)
    assert configuration.seed == derive_seed(0, 1)
    assert "trial 1, which was added by hand: its value was not measured here." in " ".join(
        about(configuration, Path("best.toml"))
    )
    assert "tuner export wine" in summary(result)


def test_added_trial_outside_the_space_is_not_exported(
    make_result: MakeResult,
) -> None:
    result = make_result(make_spec(), trial(value=0.5), added(0.99, units_1=1))

    with pytest.raises(
        StudyError,
        match=r"trial 1 of wine was added by hand and is not in the search space, so it cannot be "
        r"trained: units_1 = 1 is wrong: it must lie between 4 and 512\. Choose .* --trial N",
    ):
        result.configuration()
    assert result.best is not None
    assert result.best.configuration is None
    with pytest.raises(RequestError, match="trial 1 cannot be trained: tuner did not run it"):
        api.train(result.best, "model")
    assert "added by hand and not measured here; not in the search space" in summary(result)
    assert "tuner export" not in summary(result)
    assert result.configuration(0).value == 0.5


def test_gain_is_not_known_if_an_added_trial_is_best(make_result: MakeResult) -> None:
    mine, document = trial(value=0.6), trial(value=0.5, origin="document")
    result = make_result(make_spec(reference()), mine, document, added(0.99))

    assert "  gain      not known: the best trial was added by hand\n" in summary(result)


@pytest.mark.parametrize("origin", [{}, {"origin": "document"}])
def test_trial_ended_by_another_program_is_exported_like_an_added_one(
    origin: dict[str, str], make_result: MakeResult
) -> None:
    ended = added(0.99)
    ended.user_attrs = {"worker": {"pid": 1}, "seed": 42, **origin}
    result = make_result(make_spec(reference()), ended)
    configuration = result.configuration()

    assert (configuration.seed, configuration.value, configuration.epochs) == (42, None, 50)
    assert result.trials[0].origin == origin.get("origin", "added by hand")


@pytest.mark.parametrize(
    "attrs", [{"worker": "gpu-3"}, {"epoch": 0}, {"seed": "x", "reason": ["a"], "attempts": None}]
)
def test_foreign_attributes_of_an_added_trial_are_ignored(
    attrs: dict[str, object], make_result: MakeResult
) -> None:
    made = added(0.99)
    for key, value in attrs.items():
        made.set_user_attr(key, value)
    result = make_result(make_spec(), trial(value=0.5), made)

    assert result.best is not None
    assert (result.best.number, result.best.origin) == (1, "added by hand")
    assert result.configuration().epochs == 50


def test_study_of_another_program_has_no_added_trials(make_result: MakeResult) -> None:
    result = make_result(None, added(0.5))

    assert result.best is not None
    assert (result.best.origin, result.best.configuration) == ("search", None)
    assert "best      trial 0   value 0.5000 on validation\n" in summary(result)


def test_no_reference_may_have_the_name_of_added_trials() -> None:
    with pytest.raises(SpecError, match=r'the name "added by hand" is taken by trials that tuner'):
        make_spec(reference("added by hand"))


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_values_that_are_not_finite_are_shown_as_none(
    make_study: MakeStudy, direction: str
) -> None:
    values = [math.inf, -math.inf, 0.5]
    trials = [added(value) for value in values] + [added(-math.inf, "pruned")]
    study = make_study(make_spec(direction=direction), *trials, *(added(i / 9) for i in range(9)))
    result = read_result(study, "sqlite:///tuner.db")

    assert result.best is not None
    assert math.isfinite(result.best.value)
    assert best_so_far(study, result.objective) == (result.best.number, result.best.value)
    assert [row.value for row in result.trials[:4]] == [None, None, 0.5, None]
    assert [row.state for row in result.trials[:4]] == 3 * ["complete"] + ["pruned"]
    json.dumps(result.to_dict(), allow_nan=False)
    for form in ("table", "json", "csv"):
        text = views.trials(result, form) + views.best(result, form)
        text += views.show(result, form)
        assert "inf" not in text.lower()
        assert "nan" not in text.lower()


def test_best_ignores_constraints_that_are_not_numbers(make_study: MakeStudy) -> None:
    made = added(0.5)
    made.system_attrs = {"constraints": ["x"]}

    spec = make_spec()
    study = make_study(spec, trial(value=0.25), made)
    assert best_so_far(study, spec.objective) == (1, 0.5)


def test_trial_with_an_infinite_value_is_not_best(make_result: MakeResult) -> None:
    result = make_result(make_spec(), added(math.inf))

    assert result.best is None
    assert "none yet" in summary(result)


BRUTE = {
    "sampler": {"name": "bruteforce"},
    "search_space": {"batch_norm": {"type": "categorical", "choices": [True, False]}},
}


def test_used_up_space_is_shown_in_words_and_json(make_result: MakeResult) -> None:
    yes, no = {"batch_norm": True}, {"batch_norm": False}
    half = make_result(make_spec(**BRUTE), trial("fail", params=yes))
    whole = make_result(make_spec(**BRUTE), trial("fail", params=yes), trial("fail", params=no))

    assert half.to_dict()["is_used_up"] is False
    assert "tuner run wine" in summary(half)
    assert whole.to_dict()["is_used_up"] is True
    words = (
        "2 trials in 2 s: 0 complete, 0 pruned, 2 failed\nevery combination of the search space "
    )
    assert f"{words}has been tried, 2 in all\n" in summary(whole)
    assert "tuner run wine" not in summary(whole)
