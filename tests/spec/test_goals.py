"""Several objectives in a study file: what is read, what is stored, what is refused."""

from __future__ import annotations

import tomllib

import pytest
from study_texts import SPACE, read

from tuner.errors import SpecError
from tuner.spec import StudySpec, apply_settings
from tuner.spec.goals import amount

HEAD = 'dataset = "wine"\nmodel = "mlp"\n'
ACCURACY = '[[objective]]\nmetric = "accuracy"\ndirection = "maximize"\n'


def spec(*objectives: str) -> StudySpec:
    each = "".join(f"[[objective]]\n{text}\n" for text in objectives)
    return read(tomllib.loads(HEAD + ACCURACY + each + SPACE))


def refused(text: str, match: str) -> None:
    with pytest.raises(SpecError, match=match) as error:
        read(tomllib.loads(HEAD + text + SPACE))
    assert "\n" not in str(error.value)


def test_roles_and_directions_follow_from_the_metric_and_the_bound() -> None:
    found = spec(
        'metric = "n_params"',
        'metric = "predict_s"\nat_most = 0.05',
        'metric = "recall"\nat_least = 1',
        'metric = "train_s"\nrole = "store"',
        'metric = "own"\nat_most = 3',
    )
    assert found.objective.metric == "accuracy"
    assert [(goal.metric, goal.role, goal.direction) for goal in found.goals] == [
        ("n_params", "optimize", "minimize"),
        ("predict_s", "constrain", "minimize"),
        ("recall", "constrain", "maximize"),
        ("train_s", "store", "minimize"),
        ("own", "constrain", "minimize"),
    ]
    assert [one.metric for one in found.objectives] == [
        *("accuracy", "n_params", "predict_s", "recall", "train_s", "own")
    ]
    assert [one.metric for one in found.optimized] == ["accuracy", "n_params"]
    assert [one.metric for one in found.constraints] == ["predict_s", "recall", "own"]


def test_spec_with_several_objectives_is_the_same_when_it_is_read_back() -> None:
    found = spec('metric = "n_params"', 'metric = "predict_s"\nat_most = 0.05')
    again = StudySpec.from_dict(found.to_dict(), found.base)
    assert (again, again.fingerprint) == (found, found.fingerprint)
    assert found.to_dict()["objective"][2] == {
        "metric": "predict_s",
        "direction": "minimize",
        "role": "constrain",
        "at_most": 0.05,
    }


def test_one_objective_is_stored_as_a_table_however_it_is_written() -> None:
    table = read(tomllib.loads(HEAD + ACCURACY.replace("[[objective]]", "[objective]") + SPACE))
    assert spec() == table
    assert spec().to_dict()["objective"] == {"metric": "accuracy", "direction": "maximize"}


def test_another_bound_is_another_study() -> None:
    one, other = (spec(f'metric = "n_params"\nat_most = {bound}') for bound in (500, 600))
    assert one.fingerprint != other.fingerprint
    assert other.differences(one) == [
        "objective.n_params.at_most: 500.0 in the database, now 600.0"
    ]


def test_another_order_is_another_study() -> None:
    goals = 'metric = "n_params"', 'metric = "predict_s"'
    one, other = spec(*goals), spec(*reversed(goals))
    assert other.differences(one) == [
        "objective: in the order ['accuracy', 'n_params', 'predict_s'] in the database, "
        "now ['accuracy', 'predict_s', 'n_params']"
    ]


def test_violations_are_said_in_the_unit_of_the_metric() -> None:
    at_most, at_least = spec(
        'metric = "n_params"\nat_most = 50_000', 'metric = "recall"\nat_least = 0.9'
    ).constraints
    assert (at_most.excess(50_010), at_most.excess(50_000)) == (10, 0)
    assert at_most.violation(50_000) is None
    assert at_most.violation(51_234) == "n_params 51,234 is above 50,000"
    assert at_least.violation(0.85) == "recall 0.8500 is below 0.9000"
    assert at_least.excess(0.95) < 0
    assert (at_most.words(), at_least.words()) == (
        "n_params at most 50,000",
        "recall at least 0.9000",
    )
    assert [amount("train_s", seconds) for seconds in (0.00312, 11.55, 754.26)] == [
        *("0.00312", "11.6", "754.26")
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            ACCURACY + ACCURACY,
            r'objective\.accuracy: metrics must be unique, but "accuracy" occurs twice; remove one',
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "n_params"\nrole = "store"\nat_most = 5',
            r'objective\.n_params\.at_most: is a bound, which only the role "constrain" has, but '
            r'the role is "store"; remove at_most or the role',
        ),
        (
            '[[objective]]\nmetric = "n_params"\nat_most = 5',
            r"objective: must have one to optimise, but there are only constraints and stored",
        ),
        (
            '[[objective]]\nmetric = "recall"\nat_least = 0.5\n' + ACCURACY,
            r'objective\.recall: the first objective must be one to optimise, but its role is "con',
        ),
        (
            '[[objective]]\nmetric = "n_params"\n' + ACCURACY,
            r"objective\.n_params: the first objective must be measured after each epoch, but n_pa",
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "n_params"\nrole = "optimise"',
            r'objective\.n_params\.role: must be "optimize", "constrain" or "store", but got '
            r'"optimise"; did you mean optimize\?',
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "n_params"\nrole = "constrain"',
            r'objective\.n_params\.role: "constrain" needs a bound; write at_most = 50_000 or at_l',
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "n_params"\nat_most = 5\nat_least = 1',
            r"objective\.n_params: must have one bound, but has at_most and at_least",
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "n_params"\nat_most = "5"',
            r'objective\.n_params\.at_most: must be a number, but got "5", a string; write at_most',
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "n_param"',
            r'objective\.n_param\.direction: is missing; write metric = "n_params" if you mean',
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "own"',
            r'objective\.own\.direction: is missing; write direction = "maximize"',
        ),
        (
            ACCURACY + '[[objective]]\nmetric = "n_params"\nat_mots = 5',
            r"objective\.n_params\.at_mots: unknown key; did you mean at_most\?",
        ),
        (
            ACCURACY
            + "".join(
                f'[[objective]]\nmetric = "{name}"\n' for name in ("n_params", "predict_s", "rmse")
            ),
            r'objective: at most 3 can be optimised, but there are 4; write role = "store" or a',
        ),
        ("objective = []\n", r"objective: must not be empty; write \[\[objective\]\] and below"),
        ("objective = [1]\n", r"objective\.1: must be a table, but got 1, a whole number; write"),
    ],
)
def test_wrong_objectives_are_refused_in_one_line(text: str, match: str) -> None:
    refused(text, rf"^small\.toml: {match}")


def test_setting_inside_one_of_several_objectives_is_refused() -> None:
    table = tomllib.loads(HEAD + ACCURACY + SPACE)
    with pytest.raises(SpecError, match=r"objective in small\.toml is a list, not a table"):
        apply_settings(table, ["objective.metric=loss"], "small.toml")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("cmaes", r'sampler\.name: "cmaes" optimises one objective, but the study optimises 2; w'),
        ("portfolio", r'"portfolio" optimises one objective, .* write name = "tpe", "random"'),
    ],
)
def test_samplers_of_one_objective_are_refused(name: str, match: str) -> None:
    from tuner.search import make_sampler

    found = spec('metric = "n_params"')
    changed = found.model_copy(update={"sampler": found.sampler.model_copy(update={"name": name})})
    with pytest.raises(SpecError, match=match):
        make_sampler(changed, "small.toml")


def test_samplers_that_ignore_constraints_are_refused() -> None:
    from tuner.search import make_sampler

    found = spec('metric = "n_params"\nat_most = 5')
    named = found.sampler.model_copy(update={"name": "cmaes"})
    match = r'"cmaes" takes no constraints, but the study has one on n_params; write name = "tpe"'
    with pytest.raises(SpecError, match=match):
        make_sampler(found.model_copy(update={"sampler": named}), "small.toml")
