from __future__ import annotations

import pickle
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from study_texts import BASE, SHORT, SPACE, STUDY, spec

from tuner.errors import SpecError
from tuner.space import SearchSpace
from tuner.spec import Choice, CsvDataset, StudySpec, apply_settings
from tuner.spec.models import Objective
from tuner.spec.quantities import seconds, size
from tuner.studies.catalog import find_study, shipped_studies
from tuner.trials.checking import check_spec

# --- What a study is


def test_a_study_file_is_read() -> None:
    study = spec()
    assert (study.name, study.title, study.base) == ("small", "A small study", BASE)
    assert (study.dataset, study.model) == ("wine", "mlp")
    assert study.search_space.names() == ("units", "rate")
    assert (study.objective.metric, study.objective.direction) == ("accuracy", "maximize")
    assert (study.budget.n_trials, study.budget.timeout) == (60, 1200.0)
    assert (study.budget.trial.timeout, study.budget.trial.memory) == (5400.0, 3 * 2**30)
    assert study.sampler == Choice(name="tpe", options={"multivariate": True}, seed=7)
    assert study.pruner == Choice(name="hyperband", options={"reduction_factor": 3})
    assert study.early_stopping is not None
    assert study.early_stopping.patience == 5
    (reference,) = study.references
    assert (reference.name, reference.note) == ("document", "section 6")
    assert reference.reported == {"split": "test", "accuracy": 0.9954}
    assert repr(reference.params) == "{'units': 48, 'rate': 0.0}"


@pytest.mark.parametrize(
    ("metric", "direction", "meant"),
    [
        ("mae", "maximize", "minimize"),
        ("accuracy", "minimize", "maximize"),
        ("f1_macro", "minimize", "maximize"),
        ("mae", "minimize", None),
        ("accuracy", "maximize", None),
        ("profit", "minimize", None),
    ],
)
def test_doubt_names_the_usual_direction_of_a_metric(
    metric: str, direction: Literal["minimize", "maximize"], meant: str | None
) -> None:
    doubt = Objective(metric=metric, direction=direction).doubt()
    assert (doubt is None) == (meant is None)
    assert doubt is None or f'is direction = "{meant}" meant?' in doubt


def test_study_file_has_defaults() -> None:
    study = spec(SHORT + SPACE)
    assert study.title == "small"
    assert study.budget.n_trials == 50
    assert study.budget.timeout is study.budget.trial.timeout is study.budget.trial.memory is None
    assert study.sampler == Choice(name="tpe", options={}, seed=0)
    assert study.pruner == Choice(name="hyperband", options={})
    assert study.early_stopping is None
    assert study.references == ()


def test_dataset_and_model_may_be_a_csv_file_and_functions() -> None:
    study = spec(SHORT + SPACE, 'dataset={ csv = "a.csv", target = "y" }', "model=my.net:build")
    assert study.dataset == CsvDataset(csv="a.csv", target="y")
    assert study.model == "my.net:build"


def test_a_named_space_is_looked_up_from_the_base() -> None:
    asked: list[Any] = []

    def find(name: str, base: Path) -> SearchSpace:
        asked.extend((name, base))
        return spec().search_space

    table = tomllib.loads(SHORT) | {"search_space": "net"}
    study = StudySpec.from_table(table, name="s", base=BASE, where="s.toml", load_space=find)
    assert asked == ["net", BASE]
    assert study.search_space == spec().search_space


def test_a_study_cannot_be_changed_and_can_be_sent_to_a_worker() -> None:
    study = spec()
    with pytest.raises(ValueError, match="frozen"):
        study.model = "cnn"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(study)) == study


# --- Settings


def test_settings_are_toml_and_bare_words_are_strings() -> None:
    table = {"sampler": {"name": "tpe"}, "other": [1]}
    given_settings = [
        "sampler.name=random",
        "a.b.c=1",
        "d = [1, 2]",
        "e=20m",
        'f="x"',
        "g=",
        "h=1=2",
    ]
    result = apply_settings(table, given_settings, "s.toml")
    assert result == {
        "sampler": {"name": "random"},
        "other": [1],
        "a": {"b": {"c": 1}},
        "d": [1, 2],
        "e": "20m",
        "f": "x",
        "g": "",
        "h": "1=2",
    }
    assert table == {"sampler": {"name": "tpe"}, "other": [1]}


PRUNED = {"pruner": {"name": "hyperband", "min_resource": 3}, "sampler": {"seed": 4, "group": 1}}


@pytest.mark.parametrize(
    ("settings", "part", "expected"),
    [
        (["pruner.name=median"], "pruner", {"name": "median"}),
        (["pruner.name=hyperband"], "pruner", {"name": "hyperband", "min_resource": 3}),
        (["pruner.bootstrap_count=1"], "pruner", PRUNED["pruner"] | {"bootstrap_count": 1}),
        (
            ["pruner.n_warmup_steps=2", "pruner.name=median", "pruner.interval_steps=3"],
            "pruner",
            {"n_warmup_steps": 2, "name": "median", "interval_steps": 3},
        ),
        (["pruner.name=nop", "pruner.name=median"], "pruner", {"name": "median"}),
        (["sampler.name=random"], "sampler", {"seed": 4, "name": "random"}),
        (["sampler.name=tpe"], "sampler", {"seed": 4, "group": 1, "name": "tpe"}),
        (["sampler=random", "pruner.name=nop"], "sampler", "random"),
    ],
)
def test_another_name_drops_the_options_of_the_former_one(
    settings: list[str], part: str, expected: object
) -> None:
    assert apply_settings(PRUNED, settings, "s.toml")[part] == expected


def test_the_example_of_the_help_fits_every_shipped_study() -> None:
    for name in shipped_studies():
        for pruner in ("median", "nop"):
            check_spec(find_study(name, [f"pruner.name={pruner}"]), elsewhere=True)
        check_spec(find_study(name, ["sampler.name=random"]), elsewhere=True)


def test_setting_changes_one_key_only() -> None:
    assert apply_settings({}, ["a=1\nb=2"], "s.toml") == {"a": "1\nb=2"}


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("n_trials", r"^--set n_trials: must be a key and a value; write KEY=VALUE, such as"),
        ("=3", r"^--set =3: must be a key and a value"),
        ("a..b=3", r"^--set a\.\.b=3: must be a key and a value"),
        ("model.name=x", r"^--set model\.name=x: model in small\.toml is a string, not a table"),
        (
            "reference.document.note=x",
            r"^--set .*: reference in small\.toml is a list, not a table",
        ),
        ("budgets.n_trials=3", r"^small\.toml: budgets: unknown key; did you mean budget\?"),
        ("budget.n_trials=0", r"^small\.toml: budget\.n_trials: must be at least 1, but got 0"),
        ("budget.n_trials=many", r'budget\.n_trials: must be a whole number, but got "many"'),
    ],
)
def test_wrong_setting_is_refused(setting: str, match: str) -> None:
    with pytest.raises(SpecError, match=match):
        spec(STUDY + SPACE, setting)


# --- Units


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20m", 1200),
        ("90s", 90),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1.5h", 5400),
        (7, 7),
        (0.5, 0.5),
        ("5", 5),
        (" 2.5 ", 2.5),
    ],
)
def test_duration_is_read_in_seconds(value: object, expected: float) -> None:
    assert seconds(value) == expected


@pytest.mark.parametrize("nothing", [0, "0", "0s", "0m0s"])
def test_duration_of_zero_is_accepted_only_where_allowed(nothing: object) -> None:
    assert seconds(nothing, zero=True) == 0
    with pytest.raises(ValueError, match="must be above 0 and finite"):
        seconds(nothing)
    with pytest.raises(ValueError, match="must be at least 0 and finite, but got -1"):
        seconds(-1, zero=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2GiB", 2 * 2**30),
        ("512MiB", 512 * 2**20),
        ("2GB", 2 * 10**9),
        ("1.5 gib", 3 * 2**29),
        ("4096KiB", 2**22),
        (2**30, 2**30),
    ],
)
def test_size_is_read_in_bytes(value: object, expected: int) -> None:
    assert size(value) == expected
