from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import Table, anything, shuffled, studies

from tuner.errors import SpecError, UnknownNameError
from tuner.space import SearchSpace
from tuner.spec import Choice, CsvDataset, StudySpec, apply_settings
from tuner.spec.units import seconds, size

BASE = Path("somewhere")
SPACE = """
[search_space.units]
type = "int"
low = 4
high = 512

[search_space.rate]
type = "float"
low = 0.0
high = 1.0
"""
STUDY = """
title = "A small study"
dataset = "wine"
model = "mlp"

[objective]
metric = "accuracy"
direction = "maximize"

[budget]
n_trials = 60
timeout = "20m"
trial = { timeout = "1h30m", memory = "3GiB" }

[sampler]
name = "tpe"
seed = 7
multivariate = true

[pruner]
name = "hyperband"
reduction_factor = 3

[early_stopping]
patience = 5

[[reference]]
name = "document"
note = "section 6"
reported = { split = "test", accuracy = 0.9954 }
params = { units = 48, rate = 0 }
"""
SHORT = """
dataset = "wine"
model = "mlp"
objective = { metric = "accuracy", direction = "maximize" }
"""

slow_inputs = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def load_space(name: str, base: Path) -> SearchSpace:
    raise UnknownNameError(f"no search space {name} beside {base}")


def read(table: Table, name: str = "small") -> StudySpec:
    return StudySpec.from_table(
        table, name=name, base=BASE, where="small.toml", load_space=load_space
    )


def spec(text: str = STUDY + SPACE, *settings: str) -> StudySpec:
    return read(apply_settings(tomllib.loads(text), settings, "small.toml"))


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


def test_defaults() -> None:
    study = spec(SHORT + SPACE)
    assert study.title == "small"
    assert study.budget.n_trials == 50
    assert study.budget.timeout is study.budget.trial.timeout is study.budget.trial.memory is None
    assert study.sampler == Choice(name="tpe", options={}, seed=0)
    assert study.pruner == Choice(name="hyperband", options={})
    assert study.early_stopping is None
    assert study.references == ()


def test_a_csv_file_and_functions() -> None:
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


# --- Round trip, fingerprint, differences


@given(studies())
@slow_inputs
def test_to_dict_is_read_back_equal(table: Table) -> None:
    study = read(table, "some name")
    stored = json.dumps(study.to_dict(), allow_nan=False)
    again = StudySpec.from_dict(json.loads(stored), BASE)
    assert again == study
    assert json.dumps(again.to_dict()) == stored
    assert again.fingerprint == study.fingerprint
    assert again.differences(study) == []


@given(studies(), st.data())
@slow_inputs
def test_the_fingerprint_does_not_see_the_order_of_keys(table: Table, data: st.DataObject) -> None:
    assert read(shuffled(data.draw, table)).fingerprint == read(table).fingerprint


@given(studies(), studies())
@slow_inputs
def test_differences_are_empty_exactly_when_fingerprints_agree(one: Table, two: Table) -> None:
    first, second = read(one), read(two)
    assert (first.differences(second) == []) == (first.fingerprint == second.fingerprint)
    mixed = read(one | {"sampler": two.get("sampler", {}), "budget": two.get("budget", {})})
    assert (first.differences(mixed) == []) == (first.fingerprint == mixed.fingerprint)


def test_the_fingerprint_is_the_same_in_another_process(tmp_path: Path) -> None:
    stored = tmp_path / "spec.json"
    stored.write_text(json.dumps(spec().to_dict(), sort_keys=True))
    code = (
        "import json, pathlib, sys; from tuner.spec import StudySpec\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "print(StudySpec.from_dict(json.loads(path.read_text()), path.parent).fingerprint)"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(stored)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == spec().fingerprint


@pytest.mark.parametrize(
    "setting",
    [
        "title=Another",
        "budget.n_trials=7",
        "budget.timeout=1h",
        "budget.trial.memory=1GiB",
    ],
)
def test_title_and_budget_are_no_part_of_the_identity(setting: str) -> None:
    other = spec(STUDY + SPACE, setting)
    assert other != spec()
    assert other.fingerprint == spec().fingerprint
    assert other.differences(spec()) == []


@pytest.mark.parametrize(
    ("setting", "difference"),
    [
        ("search_space.units.high=256", "search_space.units.high: 512 in the database, 256 in"),
        ("search_space.units.log=true", "search_space.units.log: absent in the database, true"),
        ("model=cnn", 'model: "mlp" in the database, "cnn" in the file'),
        ("objective.direction=minimize", 'objective.direction: "maximize" in the database, "min'),
        ("sampler.seed=8", "sampler.seed: 7 in the database, 8 in the file"),
        ("pruner={}", "pruner.reduction_factor: 3 in the database, absent in the file"),
        ("early_stopping.patience=6", "early_stopping.patience: 5 in the database, 6 in the file"),
        ("dataset.csv=a.csv", None),
    ],
)
def test_differences_are_named_by_their_keys(setting: str, difference: str | None) -> None:
    if difference is None:
        with pytest.raises(SpecError, match=r"dataset in small\.toml is a string, not a table"):
            spec(STUDY + SPACE, setting)
        return
    other = spec(STUDY + SPACE, setting)
    assert other.fingerprint != spec().fingerprint
    (line,) = other.differences(spec())
    assert line.startswith(difference)


def test_references_differ_by_name_and_by_order() -> None:
    table = tomllib.loads(STUDY + SPACE)
    second = {"name": "b.c", "params": {"units": 5, "rate": 0.5}}
    table["reference"].append(second)
    lines = read(table).differences(spec())
    assert 'reference."b.c".params.units: absent in the database, 5 in the file' in lines
    swapped = table | {"reference": table["reference"][::-1]}
    (line,) = read(swapped).differences(read(table))
    assert line.startswith("reference: in the order ['document', 'b.c'] in the database,")


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


def test_a_setting_cannot_smuggle_in_other_keys() -> None:
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
def test_errors_of_settings(setting: str, match: str) -> None:
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
    ],
)
def test_durations(value: object, expected: float) -> None:
    assert seconds(value) == expected


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
def test_sizes(value: object, expected: int) -> None:
    assert size(value) == expected


# --- What a study file may not say


def table_with(keys: str, value: Any) -> Table:
    table = copy.deepcopy(tomllib.loads(STUDY + SPACE))
    *path, last = keys.split(".")
    inner: Any = table
    for key in path:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return table


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("datset", "wine", r"datset: unknown key; did you mean dataset\?"),
        ("Title", "wine", r"Title: unknown key; did you mean title\?"),
        ("zzz", 1, r"zzz: unknown key; the keys are: title, dataset, model,"),
        ("dataset", None, r'dataset: is missing; write dataset = "wine"'),
        ("model", None, r'model: is missing; write model = "mlp"'),
        ("search_space", None, r'search_space: is missing; write search_space = "mlp"'),
        ("objective", None, r"objective: is missing; write \[objective\] and below it metric ="),
        ("title", 3, r"title: must be a string, but got 3, a whole number; write it in quotes"),
        ("title", " ", r"title: must not be empty"),
        ("dataset", 3, r'dataset: must be a name, a function or a table, but got 3; write "wine"'),
        ("dataset", "a.csv", r'dataset: a CSV file needs .*; write \{ csv = "a\.csv", target ='),
        ("dataset", "a:b:c", r'dataset: a function is named "module:function", but got "a:b:c"'),
        ("dataset", {"csv": "a.csv"}, r'dataset\.target: is missing; write target = "price"'),
        ("dataset", {"cvs": "a", "target": "b"}, r"dataset\.cvs: unknown key; did you mean csv\?"),
        ("model", ["mlp"], r'model: must be a string, but got \["mlp"\], a list'),
        ("model", "nets.py:build net", r'model: a function is named "module:function"'),
        ("search_space", "net", r"search_space: no search space net beside somewhere"),
        ("search_space", 3, r"search_space: must be a name, a path or a table, but got 3"),
        ("search_space.units.low", 600, r"search_space\.units\.low: low <= high must hold"),
        ("objective", "loss", r'objective: must be a table, but got "loss"; write \[objective\] a'),
        ("objective.metric", None, r'objective\.metric: is missing; write metric = "accuracy"'),
        ("objective.metric", "", r'objective\.metric: must not be empty, but got ""'),
        ("objective.metrics", "x", r"objective\.metrics: unknown key; did you mean metric\?"),
        (
            "objective.direction",
            "maximise",
            r'objective\.direction: must be "minimize" or "maximize", but got "maximise"; '
            r"did you mean maximize\?",
        ),
        ("objective.direction", 1, r'direction: must be "minimize" or "maximize", but got 1; the'),
        ("budget", 60, r"budget: must be a table, but got 60; write \[budget\] .* n_trials = 50"),
        ("budget.n_trials", 0, r"budget\.n_trials: must be at least 1, but got 0; write n_trials"),
        ("budget.n_trials", "60", r'budget\.n_trials: must be a whole number, but got "60", a str'),
        ("budget.n_trials", 60.0, r"budget\.n_trials: must be a whole number, but got 60\.0"),
        ("budget.n_trials", True, r"budget\.n_trials: must be a whole number, but got true, a boo"),
        ("budget.ntrials", 60, r"budget\.ntrials: unknown key; did you mean n_trials\?"),
        ("budget.timeout", "20 minutes", r'budget\.timeout: must be a duration, but got "20 min'),
        ("budget.timeout", "", r'timeout: must be a duration, but got ""; write "90s", "20m"'),
        ("budget.timeout", 0, r"budget\.timeout: must be above 0 and finite, but got 0"),
        ("budget.timeout", "0s", r'budget\.timeout: must be above 0 and finite, but got "0s"'),
        ("budget.timeout", float("inf"), r"budget\.timeout: must be above 0 and finite, but got i"),
        ("budget.timeout", True, r"budget\.timeout: must be a duration, but got true, a boolean"),
        ("budget.trial", "5m", r'budget\.trial: must be a table, but got "5m", a string; write t'),
        ("budget.trial.timeout", -1, r"budget\.trial\.timeout: must be above 0"),
        ("budget.trial.memory", "2Gb/s", r'budget\.trial\.memory: must be a size, but got "2Gb/s'),
        ("budget.trial.memory", 2.5, r"budget\.trial\.memory: must be a size, but got 2\.5, a num"),
        ("budget.trial.memory", 2, r"memory: must be at least 1 MiB, but got 2; write \"2GiB\""),
        ("budget.trial.ram", "2GiB", r"budget\.trial\.ram: unknown key; the keys are: timeout, m"),
        ("sampler", "random", r'sampler: must be a table, .* write \[sampler\] .*name = "random"'),
        ("sampler.name", 3, r"sampler\.name: must be a string, but got 3"),
        ("sampler.seed", -1, r"sampler\.seed: must be at least 0, but got -1; write seed = 0"),
        ("sampler.seed", 2**32, r"sampler\.seed: must be below 4294967296"),
        ("sampler.gamma", float("nan"), r"sampler\.gamma: must be a finite number, but got nan"),
        ("pruner", 3, r'pruner: must be a table, but got 3; write \[pruner\] .* name = "hyperband'),
        (
            "pruner.since",
            tomllib.loads("x = 2026-01-01")["x"],
            r"pruner\.since: takes strings, numbers, .* but got 2026-01-01, a date",
        ),
        ("early_stopping", 5, r"early_stopping: must be a table, but got 5; .* patience = 5"),
        ("early_stopping", {}, r"early_stopping\.patience: is missing; write patience = 5"),
        (
            "early_stopping.patience",
            -1,
            r"early_stopping\.patience: must be at least 0, but got -1",
        ),
        ("early_stopping.patence", 3, r"early_stopping\.patence: unknown key; did you mean patien"),
        ("early_stopping.min_delta", "x", r"early_stopping\.min_delta: must be a number, but got"),
        (
            "early_stopping.min_delta",
            float("inf"),
            r"early_stopping\.min_delta: must be a finite number, but got inf",
        ),
        ("references", [], r"references: unknown key; did you mean reference\?"),
        ("reference", {"name": "a"}, r"reference: must be a list of tables, but got a table; wri"),
        ("reference", [1], r"reference\.1: must be a table, but got 1; write \[\[reference\]\]"),
        ("reference.0.name", None, r'reference\.1\.name: is missing; write name = "document"'),
        ("reference.0.params", None, r"reference\.document\.params: is missing; write params ="),
        ("reference.0.params", [1], r"reference\.document\.params: must be a table, but got \[1\]"),
        ("reference.0.name", "search", r'reference\.search\.name: the name "search" is taken by'),
        ("reference.0.score", 1, r"reference\.document\.score: unknown key; the keys are: name"),
        (
            "reference.0.params.units",
            1024,
            r"reference\.document\.params: must be one trial of the search space: units = 1024 is "
            r"wrong: it must lie between 4 and 512\.",
        ),
        ("reference.0.params.units", None, r"document\.params: .*space: units is missing\."),
        ("reference.0.params.unit", 3, r"no parameter unit; did you mean units\?"),
        (
            "reference.0.params",
            {"units": 1, "rate": 3, "a": 1, "b": 1, "c": 1},
            r"document\.params: .* \(and 2 more\)$",
        ),
        (
            "reference.0.reported",
            {"accuracy": 0.9},
            r'reported\.split: is missing: .*; write split = "train", "validation" or "test"',
        ),
        (
            "reference.0.reported.split",
            "tset",
            r'reported\.split: must be "train", "validation" or "test", but got "tset"; did you m',
        ),
        ("reference.0.reported.split", 1, r'reported\.split: must be "train", .* but got 1$'),
        (
            "reference.0.reported.accuracy",
            "99 %",
            r'reported\.accuracy: must be a number, but got "99 %", a string; write accuracy = 0',
        ),
        ("reference.0.reported.loss", float("nan"), r"reported\.loss: must be a finite number"),
    ],
)
def test_errors(key: str, value: Any, match: str) -> None:
    with pytest.raises(SpecError, match=match) as caught:
        read(table_with(key, value))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("small.toml: ")


def test_two_references_of_one_name() -> None:
    table = table_with("title", "x")
    table["reference"] *= 2
    with pytest.raises(SpecError, match=r'names must be unique, but "document" occurs twice; ren'):
        read(table)


def test_a_stored_study_of_another_making_is_an_error_of_one_line() -> None:
    stored = spec().to_dict()
    with pytest.raises(SpecError, match=r"^stored study small: search_space: must be a name, a p"):
        StudySpec.from_dict(stored | {"search_space": "mlp"}, BASE)
    with pytest.raises(SpecError, match=r"^stored study small: future: unknown key"):
        StudySpec.from_dict(stored | {"future": 1}, BASE)


@given(studies(), st.data())
@slow_inputs
def test_any_table_is_a_study_or_an_error_of_one_line(table: Table, data: st.DataObject) -> None:
    holders: list[Any] = [table]
    for holder in holders:  # grows while it is walked: every table and list inside
        inner = holder.values() if isinstance(holder, dict) else holder
        holders.extend(value for value in inner if isinstance(value, dict | list) and value)
    holder = data.draw(st.sampled_from(holders))
    keys = [*sorted(holder), "new\n"] if isinstance(holder, dict) else range(len(holder))
    holder[data.draw(st.sampled_from(keys))] = data.draw(anything)
    message = ""
    try:
        study = read(table)
        assert StudySpec.from_dict(study.to_dict(), BASE).fingerprint == study.fingerprint
    except SpecError as error:
        message = str(error)
    assert "\n" not in message
