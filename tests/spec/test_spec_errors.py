"""Errors for wrong study files."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Table, anything, studies
from study_texts import BASE, SPACE, STUDY, read, slow_inputs, spec

from tuner.errors import SpecError
from tuner.spec import StudySpec


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
        (
            "training",
            {"checkpoint": "soon"},
            r'training\.checkpoint: must be a duration, but got "soon"; write "90s"',
        ),
        (
            "training",
            {"checkpoint": 0},
            r"training\.checkpoint: must be above 0 and finite, but got 0; write",
        ),
        (
            "training",
            {"checkpoints": "1m"},
            r"training\.checkpoints: unknown key; did you mean checkpoint\?",
        ),
        ("validation", {"folds": 0}, r"validation\.folds: must be at least 1, but got 0; write"),
        (
            "validation",
            {"repeats": 2},
            r"validation\.repeats: must be 1 without folds, but got 2; write folds",
        ),
        ("validation", {"fold": 5}, r"validation\.fold: unknown key; did you mean folds\?"),
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
        (
            "budget.stop",
            True,
            r'budget\.stop: must be a table, .* write stop = \{ when = "unlikely"',
        ),
        ("budget.stop", {}, r'budget\.stop\.when: is missing; write when = "unlikely"'),
        (
            "budget.stop",
            {"when": "never"},
            r'budget\.stop\.when: must be "unlikely", but got "never"; the values are: unlikely',
        ),
        (
            "budget.stop",
            {"when": "unlikely", "min_trials": -5},
            r"budget\.stop\.min_trials: must be at least 2, but got -5; write min_trials = 20",
        ),
        (
            "budget.stop",
            {"when": "unlikely", "patience": 0},
            r"budget\.stop\.patience: must be at least 1, but got 0; write patience = 10",
        ),
        (
            "budget.stop",
            {"when": "unlikely", "error": -0.1},
            r"budget\.stop\.error: must be above 0\.0, but got -0\.1; write error = 0\.005",
        ),
        (
            "budget.stop",
            {"when": "unlikely", "patient": 3},
            r"budget\.stop\.patient: unknown key; did you mean patience\?",
        ),
        ("duplicates", "again", r'duplicates: must be "reuse" or "repeat", but got "again"; write'),
        ("duplicates", True, r'duplicates: must be "reuse" or "repeat", but got true; write dupl'),
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
def test_wrong_study_is_refused(key: str, value: Any, match: str) -> None:
    with pytest.raises(SpecError, match=match) as caught:
        read(table_with(key, value))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("small.toml: ")


def test_two_references_of_one_name_are_refused() -> None:
    table = table_with("title", "x")
    table["reference"] *= 2
    with pytest.raises(SpecError, match=r'names must be unique, but "document" occurs twice; ren'):
        read(table)


def test_stored_study_of_an_unknown_form_is_refused_in_one_line() -> None:
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


def test_rule_to_stop_needs_one_objective_that_is_optimised() -> None:
    table = table_with("budget", {"stop": {"when": "unlikely"}})
    goal = {"metric": "accuracy", "direction": "maximize"}
    table["objective"] = [goal, {"metric": "n_params", "direction": "minimize"}]
    with pytest.raises(
        SpecError,
        match=r"budget\.stop: needs one objective that is optimised, but there are 2; remove it",
    ):
        read(table)
