"""The dataset of a study that is a CSV file: its keys, their rules, and what its identity is."""

from __future__ import annotations

import tomllib

import pytest
from study_texts import BASE, SHORT, SPACE, read

from tuner.errors import SpecError
from tuner.spec import CsvDataset, StudySpec

PLAIN = 'csv = "a.csv", target = "y"'


def study(keys: str = "") -> StudySpec:
    table = tomllib.loads(SHORT + SPACE)
    return read(table | tomllib.loads(f"dataset = {{ {PLAIN}{keys} }}"))


ALL = (
    ', task = "regression", drop = ["id"], sep = "|", decimal = ",", thousands = "."'
    ', encoding = "cp1252", missing = ["-999"], not_missing = ["NA"]'
)


def test_every_key_is_read_and_stored() -> None:
    spec = study(ALL)
    assert spec.dataset == CsvDataset(
        csv="a.csv",
        target="y",
        task="regression",
        drop=["id"],
        sep="|",
        decimal=",",
        thousands=".",
        encoding="cp1252",
        missing=["-999"],
        not_missing=["NA"],
    )
    assert StudySpec.from_dict(spec.to_dict(), BASE) == spec


def test_unset_keys_are_not_stored() -> None:
    assert study().to_dict()["dataset"] == {"csv": "a.csv", "target": "y"}
    # As computed before there were further keys: stored studies can be resumed.
    assert study().fingerprint == (
        "8b7a7b5785c1119095cd475d6b9dcd786ab413300d4675411cf84b792a729e16"
    )


@pytest.mark.parametrize(
    "key", ['sep = ";"', 'decimal = ","', 'missing = ["x"]', 'encoding = "l1"']
)
def test_dialect_is_not_part_of_the_identity(key: str) -> None:
    assert study(f", {key}").differences(study()) == []
    assert study(f", {key}").fingerprint == study().fingerprint


@pytest.mark.parametrize(
    ("key", "difference"),
    [
        ('task = "regression"', 'dataset.task: absent in the database, now "regression"'),
        ('drop = ["id"]', 'dataset.drop: absent in the database, now ["id"]'),
        ('select = "all"', 'dataset.select: absent in the database, now "all"'),
        ('group = "g"', 'dataset.group: absent in the database, now "g"'),
    ],
)
def test_target_and_task_are_part_of_the_identity(key: str, difference: str) -> None:
    assert study(f", {key}").differences(study()) == [difference]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('sep = ";;"', r'sep: must be one character, but got ";;"; write sep = ";", "\\t" for'),
        ('sep = ""', r'sep: must be one character, but got ""'),
        ('decimal = ";"', r'decimal: must be "." or ",", but got ";"'),
        ('thousands = "."', r'thousands: must not be the decimal sign.*write decimal = "," beside'),
        ('decimal = ",", thousands = ","', r'thousands: must not be .*write decimal = "\."'),
        (
            'encoding = "latin-x"',
            r'encoding: must be an encoding that Python knows, but got "latin-x',
        ),
        (
            'missing = "-999"',
            r'missing: must be a list, but got "-999", a string; write missing = \[',
        ),
        (
            "missing = [-999]",
            r'missing: must be a string, but got -999.*; write missing = \["-999"\]',
        ),
        ('missing = [""]', "missing: must not be empty"),
        ('task = "clasification"', r"task: must be .* did you mean classification\?"),
        ('drop = ["y"]', r'drop: must not name the target, but got \["y"\]; leave it out there'),
        ('group = "y"', r'group: must not name the target column, but got "y"'),
        ('weight = "g", group = "g"', r'weight: must not name the group column, but got "g"'),
        ('drop = ["t"], time = "t"', r'time: must not name a column of drop, but got "t"'),
        ("time_feature = true", r"time_feature: needs a column of times; name it with time, or"),
        ('group = "g", time = "t"', r"time: cannot stand beside group: rows are divided by one of"),
        ('select = "usefull"', r"select: must be .* did you mean useful\?"),
        ('dropp = ["a"]', r"dataset\.dropp: unknown key; did you mean drop\?"),
    ],
)
def test_a_key_that_breaks_a_rule_is_refused(key: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        study(f", {key}")
