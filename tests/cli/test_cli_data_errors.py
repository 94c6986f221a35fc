"""Data that a study cannot use: one line of error, and nothing is stored.

Those marked slow start a worker, which loads TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Command, contents
from laboratory import Laboratory

STUDY = """
dataset = { csv = "cats.csv", target = "weight" }
model = "mlp"
objective = { metric = "loss", direction = "minimize" }
budget = { n_trials = 2 }

[search_space.epochs]
type = "int"
low = 1
high = 2
"""
HEADER = "age,length,weight"
ROWS = "\n".join(f"{i},{40 + i % 7},{3 + i / 10}" for i in range(30))


@pytest.fixture
def cats(command: Command, tmp_path: Path) -> Path:
    """The study "cats" without its CSV file, whose path is returned."""
    (tmp_path / "cats.toml").write_text(STUDY)
    return tmp_path / "cats.csv"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (f"{HEADER}\n{ROWS}\n1,2,3,4", r"cats\.csv, line 32: 4 cells, but the header has 3"),
        (f'{HEADER}\n{ROWS}\n"1,2,3', r'cats\.csv.*: a quote \("\) is opened and never closed'),
        (f"{HEADER}\n{ROWS}\n7,3,long", r'cats\.csv.*line 32, column "weight": "long" is not a n'),
        (f"{HEADER}\n{ROWS}\n7,1e99,3", r'cats\.csv: line 32, column "length": "1e99" is beyond'),
        (
            f"{HEADER.replace('weight', 'wieght')}\n{ROWS}",
            r'no column "weight" \(the target\); di',
        ),
        (ROWS, r"cats\.csv: the first line must name the columns, but it holds 3 numbers"),
        ("", r"cats\.csv is empty; the first line must name the columns"),
        (f"{HEADER}\n1,2,3\n", r"cats\.csv: below the header: 1 row; at least 10 are needed"),
        (
            "PK\x03\x04 and so on",
            r"cats\.csv is a broken zip archive or Excel workbook .*; get it again",
        ),
        ("a\0b", r"cats\.csv is a binary file, not a CSV file"),
    ],
)
def test_unusable_csv_file_is_refused(text: str, match: str, cats: Path, command: Command) -> None:
    cats.write_text(text)
    command("run", "cats").refused(2, match)
    assert not [line for line in contents(Path("tuner.db")) if 'INTO "studies"' in line]


def test_all_faults_of_a_csv_file_are_listed(cats: Path, command: Command) -> None:
    cats.write_text(f"{HEADER}\n{ROWS}\n7,1e99,heavy\n1e99,1,3\n")
    answer = command("run", "cats")
    assert (answer.status, answer.out) == (2, "")
    head, *faults = answer.err.splitlines()
    assert head.endswith("cats.csv: 3 faults:")
    assert [fault.split(":")[0] for fault in faults] == [
        '  line 32, column "weight"',
        '  line 33, column "age"',
        '  line 32, column "length"',
    ]


def test_missing_csv_file_is_refused_without_waiting(cats: Path, command: Command) -> None:
    cats.with_name("cast.csv").write_text(HEADER)
    answer = command("run", "cats")
    answer.refused(
        2, r"cats\.toml: dataset: there is no file .*cats\.csv; did you mean cast\.csv\?"
    )
    assert "starting workers" not in answer.err
    assert not Path("tuner.db").exists()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("--set dataset=scripted:load_dat", r"scripted.*load_dat.*did you mean load_data\?"),
        ("--set dataset=scriptd:load_data", r"there is no module.*scriptd|scriptd.*did you mean"),
        ("--set model=scripted:build_modle", r"build_modle.*did you mean build_model\?"),
        ("--set model=scripted:load_data", r'"scripted:load_data"'),
        pytest.param(
            "--set objective.metric=accuracy --set objective.direction=maximize",
            r'does not measure "accuracy".* It measures: loss, mae; the target was read as a quan',
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "--set objective.metric=maee",
            r'does not measure "maee"; did you mean mae\?',
            marks=pytest.mark.slow,
        ),
    ],
)
def test_unfit_function_or_metric_is_refused(
    words: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete", study_name="another")
    before = contents(laboratory.database)
    command("run", "scripted", "--workers", "1", *words.split()).refused(2, match)
    assert contents(laboratory.database) == before


@pytest.mark.slow
def test_several_workers_store_nothing_before_the_model_is_checked(
    command: Command, laboratory: Laboratory
) -> None:
    asked = ("--set", "objective.metric=accuracy", "--set", "objective.direction=maximize")
    command("run", "scripted", "--workers", "4", *asked).refused(2, r'does not measure "accuracy"')
    assert not [line for line in contents(laboratory.database) if 'INTO "studies"' in line]


@pytest.mark.slow
def test_changed_data_are_refused(command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete", fingerprint="0" * 64)
    before = contents(laboratory.database)
    command("run", "scripted").refused(
        2,
        r"study 'scripted' in sqlite:///tuner\.db was made with other data: scripted, "
        r"72 \+ 24 \+ 24 rows with fingerprint 000000000000; now scripted:load_data, "
        r"72 \+ 24 \+ 24 rows with fingerprint [0-9a-f]{12}\. Put the data back as they were; if a "
        r"load_data of yours shuffles, give it a fixed seed, or start another study with "
        r"--study-name NAME$",
    )
    assert contents(laboratory.database) == before


def test_model_for_another_kind_of_data_is_refused(command: Command) -> None:
    command(
        "run", "xor", "--workers", "1", "--set", "model=cnn", "--set", "search_space=cnn"
    ).refused(2, r"reference")
    Path("wrong.toml").write_text(
        'dataset = "xor"\nmodel = "cnn"\nsearch_space = "cnn"\n'
        '[objective]\nmetric = "accuracy"\ndirection = "maximize"\n'
    )
    command("run", "wrong.toml", "--workers", "1").refused(
        2, r'model: "cnn" reads images, but xor holds a table of numbers'
    )
