"""What a study takes from another one, and that it takes it once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial
from servers import Postgres
from study_texts import spec_of

from tuner.errors import RequestError, SpecError, StorageError, UnknownNameError
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.studies import lifecycle
from tuner.studies.warm_start import WarmStart, read_start, spread

SPACE = {
    "units": {"type": "int", "low": 4, "high": 64},
    "rate": {"type": "float", "low": 0.0, "high": 1.0},
}
KNOWN = {"name": "document", "params": {"units": 8, "rate": 0.5}}
DISTRIBUTIONS = {
    "units": IntDistribution(0, 1000),
    "rate": FloatDistribution(0, 10),
    "activation": CategoricalDistribution(["relu", "elu"]),
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/t.db")
    yield opened
    opened.close()


def spec(*references: Mapping[str, Any], **other: Any) -> StudySpec:
    return spec_of(SPACE, reference=list(references), **other)


def store(
    database: Database,
    *trials: tuple[float, Mapping[str, Any]],
    name: str = "old",
    direction: str = "maximize",
    **changes: Any,
) -> None:
    """Stores a study that tuner did not make: values and parameters of complete trials."""
    database.upgrade()
    study = optuna.create_study(storage=database.storage, study_name=name, direction=direction)
    for value, params in trials:
        made = {
            "state": TrialState.COMPLETE,
            "value": value,
            "params": dict(params),
            "distributions": {key: DISTRIBUTIONS[key] for key in params},
        } | changes
        study.add_trial(create_trial(**made))


def start(database: Database, asked: str = "old", *references: Any) -> WarmStart:
    found = read_start(asked, spec(*references), "new", database, None)
    assert found is not None
    return found


def test_best_configurations_wait_behind_the_references(database: Database) -> None:
    store(database, (0.7, {"units": 16, "rate": 0.1}), (0.9, {"units": 32, "rate": 0.2}))
    study = lifecycle.store(database, "new", spec(KNOWN), start(database, "old", KNOWN))
    assert [trial.user_attrs for trial in study.trials] == [
        {"role": "reference", "origin": "document"},
        {"role": "default", "origin": "old trial 1"},
        {"role": "default", "origin": "old trial 0"},
    ]
    assert [trial.system_attrs["fixed_params"] for trial in study.trials[1:]] == [
        {"units": 32, "rate": 0.2},
        {"units": 16, "rate": 0.1},
    ]
    assert study.user_attrs["tuner:warm_start"] == [
        {"source": "old", "trials": ["old trial 1", "old trial 0"]}
    ]


def test_less_is_better_where_the_source_minimizes(database: Database) -> None:
    store(
        database,
        *((value, {"units": 16 + value, "rate": 0.1}) for value in (3, 1, 2, 4, 5)),
        direction="minimize",
    )
    assert next(iter(start(database).configurations)) == "old trial 1"


def test_second_run_adds_nothing_even_if_the_source_is_gone(database: Database) -> None:
    store(database, (0.7, {"units": 16, "rate": 0.1}))
    study = lifecycle.store(database, "new", spec(), start(database))
    optuna.delete_study(study_name="old", storage=database.url)
    assert read_start("old", spec(), "new", database, study) is None
    lifecycle.store(database, "new", spec())
    assert len(study.trials) == 1


def test_run_that_began_at_the_same_time_adds_nothing(database: Database) -> None:
    store(database, (0.7, {"units": 16, "rate": 0.1}))
    both = start(database), start(database)
    for one in both:
        study = lifecycle.store(database, "new", spec(), one)
    assert len(study.trials) == 1
    assert len(study.user_attrs["tuner:warm_start"]) == 1


def test_study_with_trials_takes_what_it_has_not_tried_yet(database: Database) -> None:
    tried = {"units": 32, "rate": 0.2}
    store(database, (0.7, {"units": 16, "rate": 0.1}), (0.9, tried))
    study = lifecycle.store(database, "new", spec(KNOWN))
    study.enqueue_trial(tried)
    found = read_start("old", spec(KNOWN), "new", database, study)
    assert found is not None
    assert list(found.configurations) == ["old trial 0"]


def test_configurations_that_coincide_here_count_once(database: Database) -> None:
    same = [(0.9 - i / 100, {"units": 100 + i, "rate": 0.1}) for i in range(3)]
    store(database, *same, (0.5, {"units": 8, "rate": 0.5}))
    found = start(database, "old", KNOWN)
    assert found.configurations == {"old trial 0": {"units": 64, "rate": 0.1}}
    assert found.notes == (
        "warm start from old: trial 0",
        "units: 100 in old is above 64 here; 64 is used",
    )


def test_source_with_nothing_new_is_no_error(database: Database) -> None:
    store(database, (0.5, {"units": 8, "rate": 0.5}))
    found = start(database, "old", KNOWN)
    assert found.configurations == {}
    assert found.notes == (
        "warm start from old: nothing new, its best configurations are in this study already",
    )


def test_parameters_that_differ_are_reported(database: Database) -> None:
    store(database, (0.9, {"units": 16, "activation": "elu"}))
    found = start(database, "old", KNOWN)
    assert found.configurations == {"old trial 0": {"units": 16, "rate": 0.5}}
    assert found.notes[1:] == (
        "rate: not in old; 0.5 is used, the reference's",
        "left out, no parameter here: activation",
    )


def test_parameters_that_the_source_has_fixed_count_as_its_own(database: Database) -> None:
    there = spec_of({"units": SPACE["units"]}, reference=[], fixed={"rate": 0.25})
    study = lifecycle.store(database, "old", there)
    params = {"units": 16}
    distributions = {"units": IntDistribution(4, 64)}
    study.add_trial(create_trial(value=0.9, params=params, distributions=distributions))
    assert start(database).configurations == {"old trial 0": {"units": 16, "rate": 0.25}}


@pytest.mark.parametrize(
    "changes",
    [
        {"state": TrialState.PRUNED},
        {"value": float("inf")},
        {"system_attrs": {"constraints:memory": 1.0}},
    ],
)
def test_trials_without_a_proper_value_do_not_count(
    database: Database, changes: dict[str, Any]
) -> None:
    store(database, (0.9, {"units": 16, "rate": 0.1}), **changes)
    with pytest.raises(RequestError, match=r"study 'old' in .* has no complete trial; run it"):
        start(database)


def test_first_objective_decides_among_several(database: Database) -> None:
    study = optuna.create_study(
        storage=database.url, study_name="old", directions=["maximize", "minimize"]
    )
    for values in ((0.1, 1.0), (0.9, 5.0)):
        params = {"units": round(10 * values[0]) + 4, "rate": 0.1}
        distributions = {key: DISTRIBUTIONS[key] for key in params}
        study.add_trial(create_trial(values=values, params=params, distributions=distributions))
    assert next(iter(start(database).configurations)) == "old trial 1"


def test_source_in_another_database_is_stored_with_it(database: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path}/other.db")
    store(other, (0.9, {"units": 16, "rate": 0.1}), name="new")  # of the same name
    other.close()
    found = start(database, f"new@{other.url}")
    assert found.source == f"new@{other.url}"
    assert found.notes == (f"warm start from new@{other.url}: trial 0",)


def test_password_of_the_other_database_is_not_stored(database: Database, server: Postgres) -> None:
    other = Database(server.new_database().replace("tuner@", "tuner:secret@"))
    store(other, (0.9, {"units": 16, "rate": 0.1}))
    other.close()
    found = start(database, f"old@{other.url}")
    assert "secret" not in found.source + "".join(found.notes)
    assert found.source.startswith("old@postgresql+psycopg://tuner:***@")
    assert found.configurations == {"old trial 0": {"units": 16, "rate": 0.1}}


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_exported_file_is_a_source(database: Database, tmp_path: Path, suffix: str) -> None:
    import tomli_w

    table = {"tuner_export": 1, "study": "old", "trial": 7, "params": {"units": 16, "rate": 2}}
    path = tmp_path / f"best.{suffix}"
    path.write_text(json.dumps(table) if suffix == "json" else tomli_w.dumps(table))
    found = start(database, str(path))
    assert found.configurations == {"old trial 7": {"units": 16, "rate": 1.0}}
    assert found.notes == (
        f"warm start from {path}: old trial 7",
        f"rate: 2 in best.{suffix} is above 1.0 here; 1.0 is used",
    )


@pytest.mark.parametrize(
    ("asked", "error", "match"),
    [
        ("odl", UnknownNameError, "no study 'odl' is stored in .*; did you mean old?"),
        ("old@sqlite:///none.db", StorageError, "there is no database .*none.db yet"),
        ("old@redis://host/db", StorageError, "'redis' is not a database that Optuna"),
        ("new", RequestError, "--warm-start new: a study cannot begin with its own trials"),
        ("none.json", SpecError, "--warm-start none.json: there is no such file"),
        ("none.toml", UnknownNameError, 'no study file "none.toml"'),
        ("study.json", SpecError, "study.json: is not an exported configuration; write one with"),
        ("cut.json", SpecError, "--warm-start cut.json: cannot be read: Expecting"),
        ("bare.toml", SpecError, "bare.toml: params: must be a table of parameters"),
        (
            "other",
            RequestError,
            "--warm-start other: it and new have no parameter in common; the parameters there "
            "are: activation; the parameters here are: units, rate",
        ),
    ],
)
def test_wrong_source_is_refused(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    error: type[Exception],
    match: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.json").write_text("{}")
    Path("cut.json").write_text('{"tuner_export": ')
    Path("bare.toml").write_text("tuner_export = 1")
    store(database, (0.9, {"units": 16, "rate": 0.1}))
    store(database, (0.9, {"activation": "elu"}), name="other")
    with pytest.raises(error, match=match):
        start(database, asked)


def test_damaged_attribute_is_refused(database: Database) -> None:
    store(database, (0.7, {"units": 16, "rate": 0.1}))
    study = lifecycle.store(database, "new", spec())
    study.set_user_attr("tuner:warm_start", "old")
    with pytest.raises(SpecError, match="stored study new: tuner:warm_start: must be a list"):
        read_start("old", spec(), "new", database, study)


def test_spread_takes_the_best_and_then_the_farthest() -> None:
    space = spec().search_space
    rates = {"a": 0.5, "b": 0.51, "c": 0.9, "d": 0.0}
    candidates = {name: {"units": 8, "rate": rate} for name, rate in rates.items()}
    assert list(spread(space, candidates, 3)) == ["a", "d", "c"]
    assert list(spread(space, candidates, 9)) == ["a", "d", "c", "b"]
