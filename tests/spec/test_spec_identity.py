"""Round trips, fingerprints and differences: what makes two studies the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Table, shuffled, studies
from study_texts import BASE, SPACE, STUDY, read, slow_inputs, spec

from tuner.errors import SpecError
from tuner.spec import StudySpec


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
def test_fingerprint_ignores_the_order_of_keys(table: Table, data: st.DataObject) -> None:
    assert read(shuffled(data.draw, table)).fingerprint == read(table).fingerprint


@pytest.mark.slow
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
        "validation.keep=true",
    ],
)
def test_title_and_budget_are_no_part_of_the_identity(setting: str) -> None:
    other = spec(STUDY + SPACE, setting)
    assert other != spec()
    assert other.fingerprint == spec().fingerprint
    assert other.differences(spec()) == []


def test_folds_are_part_of_the_identity() -> None:
    folded = spec(STUDY + SPACE, "validation.folds=5", "validation.keep=true")
    assert (folded.n_folds, spec().n_folds) == (5, 1)
    assert folded.differences(spec()) == [
        "validation.folds: absent in the database, now 5",
        "validation.repeats: absent in the database, now 1",
    ]
    assert StudySpec.from_dict(folded.to_dict(), folded.base) == folded


@pytest.mark.parametrize(
    ("setting", "difference"),
    [
        ("search_space.units.high=256", "search_space.units.high: 512 in the database, now 256"),
        ("search_space.units.log=true", "search_space.units.log: absent in the database, now true"),
        ("model=cnn", 'model: "mlp" in the database, now "cnn"'),
        (
            "objective.direction=minimize",
            'objective.direction: "maximize" in the database, now',
        ),
        ("sampler.seed=8", "sampler.seed: 7 in the database, now 8"),
        ("pruner={}", "pruner.reduction_factor: 3 in the database, now absent"),
        ("early_stopping.patience=6", "early_stopping.patience: 5 in the database, now 6"),
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
    assert 'reference."b.c".params.units: absent in the database, now 5' in lines
    swapped = table | {"reference": table["reference"][::-1]}
    (line,) = read(swapped).differences(read(table))
    assert line.startswith("reference: in the order ['document', 'b.c'] in the database,")
