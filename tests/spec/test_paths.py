"""Paths that start at the home folder, and files of another kind than their names suggest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from commands import Command

from tuner.errors import SpecError
from tuner.results.configuration import Configuration
from tuner.spec import CsvDataset
from tuner.spec.paths import expanded
from tuner.storage.url import chosen_url
from tuner.studies.catalog import find_space, find_study, read_toml

STUDY = """
dataset = { csv = "~/rows.csv", target = "y" }
model = "mlp"
search_space = "~/space.toml"

[objective]
metric = "accuracy"
direction = "maximize"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_only_a_leading_tilde_is_the_home_folder(home: Path) -> None:
    assert expanded("~/a.toml") == home / "a.toml"
    assert expanded("a/~/b") == Path("a/~/b")
    assert expanded("~nobody-of-that-name/a") == Path("~nobody-of-that-name/a")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///~/x.db", "sqlite:///{home}/x.db"),
        ("sqlite+pysqlite:///~/x.db", "sqlite+pysqlite:///{home}/x.db"),
        ("sqlite:///~x.db", "sqlite:///~x.db"),
        ("sqlite:///a/~/x.db", "sqlite:///a/~/x.db"),
        ("postgresql://u:~/@h/d", "postgresql://u:~/@h/d"),
    ],
)
def test_a_storage_url_may_start_at_the_home_folder(home: Path, url: str, expected: str) -> None:
    assert chosen_url(url) == expected.format(home=home)


def test_a_study_names_files_of_the_home_folder(home: Path) -> None:
    (home / "space.toml").write_text('[units]\ntype = "int"\nlow = 1\nhigh = 4\n')
    (home / "mine.toml").write_text(STUDY)
    spec = find_study("~/mine.toml")
    assert isinstance(spec.dataset, CsvDataset)
    assert spec.dataset.csv == "~/rows.csv"  # as it was written: another machine has another home
    assert spec.dataset.path(spec.base) == home / "rows.csv"


def test_an_export_finds_the_data_of_the_home_folder(home: Path, tmp_path: Path) -> None:
    table = {
        **{"tuner_export": 1, "study": "s", "metric": "mse", "direction": "minimize"},
        **{"model": "mlp", "epochs": 1, "batch_size": 8, "seed": 1, "params": {}},
        "dataset": {"csv": "~/rows.csv", "target": "y"},
    }
    read = Configuration.from_dict(table, folder=tmp_path, where="best.toml")
    assert isinstance(read.dataset, CsvDataset)
    assert read.dataset.csv == str(home / "rows.csv")


def test_a_byte_order_mark_is_read_over(home: Path) -> None:
    space = '[units]\ntype = "int"\nlow = 1\nhigh = 4\n'
    (home / "space.toml").write_text(space, encoding="utf-8-sig")
    (home / "mine.toml").write_text(STUDY, encoding="utf-8-sig")
    assert find_study(f"{home}/mine.toml").model == "mlp"
    assert find_space("space", home).names() == ("units",)


def strange_files(folder: Path) -> None:
    """One file of each kind that is not a study in spite of its name."""
    folder.mkdir(exist_ok=True)
    (folder / "loop.toml").symlink_to("loop.toml")
    (folder / "dangling.toml").symlink_to("nowhere")
    (folder / "folder.toml").mkdir()
    (folder / "binary.toml").write_bytes(bytes(range(256)))
    (folder / "deep.toml").write_text("a = " + "[" * 100_000)
    (folder / "empty.toml").touch()
    os.mkfifo(folder / "pipe.toml")
    (folder / "latin.toml").write_bytes(b'title = "caf\xe9"\n')


KINDS = [
    ("loop", "cannot be read: Too many levels of symbolic links"),
    ("dangling", "is a link to a file that is not there"),
    ("folder", "cannot be read: Is a directory"),
    ("binary", "line 2: not UTF-8"),
    ("deep", "not valid TOML: lists or tables nest too deeply"),
    ("empty", "dataset: is missing"),
    ("pipe", "is a named pipe, not a regular file"),
    ("latin", "line 1: not UTF-8"),
]


@pytest.mark.parametrize(("name", "words"), KINDS)
def test_file_that_is_not_regular_is_refused_in_one_line(
    command: Command, tmp_path: Path, name: str, words: str
) -> None:
    strange_files(tmp_path)
    command("submit", f"./{name}.toml").refused(2, rf"{name}\.toml: {words}")
    if name != "empty":
        with pytest.raises(SpecError, match=words):
            read_toml(tmp_path / f"{name}.toml")


def test_files_that_are_not_regular_hide_no_study(command: Command, tmp_path: Path) -> None:
    strange_files(tmp_path)
    strange_files(tmp_path / "studies")
    (tmp_path / "wine.toml").symlink_to("nowhere")  # the shipped study stays in reach
    answer = command("studies", "--format", "csv")
    assert (answer.status, answer.err) == (0, "")
    lines = {line.split(",")[0]: line for line in answer.out.splitlines()}
    assert "shipped" in lines["wine"]
    assert "Red or white wine" in lines["wine"]
    for name, words in KINDS:  # those in studies/ are listed with what is wrong with them
        assert words in lines[name]
