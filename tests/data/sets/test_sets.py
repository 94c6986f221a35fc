from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from whole_table import whole

from tuner.data import DATASETS, data_home, fetch, status
from tuner.data import load_splits as load
from tuner.errors import DataError, UnknownNameError

ALWAYS = ("line", "birth-life", "elderly", "and", "xor", "pima", "wine", "mnist", "faces")
# A new number here means another test split: results of older studies cannot be compared.
FINGERPRINTS = {
    "line": "0e240df4023dd8275a45edac12203837797ceebcf2735c49b2e5ab7947064ce6",
    "birth-life": "2da722dc0e923d94d7b1ec423cfefb1791f28e08d860d3d12ea6e87f1468d5b5",
    "elderly": "65c252c8c58ed23711fc563dcd7de0a6f07bb62ee9cef9e13b6a22076b7be30f",
    "and": "ca11793e3b238d0f375da8882b6be90450e6e48fbe8fbb830c8169a22b78ba12",
    "xor": "de97ac3915723dd3cb934f14d780f25803cfee97c6e3b161cf8f2eb1bf916d9c",
    "pima": "2d425d682435af201a267d060dc39f9c8e5bbcdce70e8db776ef007c587fd5d8",
    "wine": "daa09742e51346e24714a8fc018dbdf1e74145f2735c8d97269f07c79ba95e2b",
    "mnist": "b8078052e664310038e757fb028962ffeb536fe6b50e33862e178e61b705135f",
    "faces": "bfca296e2166e2d36dd72a6585b85daddc5e50cfb4438edb1b21c2ab414cfce9",
}


@pytest.mark.parametrize("name", ALWAYS)
def test_installed_data_set_is_the_published_one(name: str) -> None:
    dataset = DATASETS[name]
    data = load(name, Path())
    assert data.name == name
    assert data.task == dataset.task
    assert data.source
    assert data.licence == dataset.licence
    assert data.fingerprint == FINGERPRINTS[name]
    json.dumps(data.sealed().describe())


@pytest.mark.parametrize("name", ["line", "birth-life", "elderly", "pima", "wine", "faces"])
def test_every_row_is_in_one_split(name: str) -> None:
    data = load(name, Path())
    assert len(whole(data)) == DATASETS[name].rows


def test_status_says_what_is_there_and_how_to_get_the_rest(home: Path) -> None:
    lines = {line.name: line for line in status()}
    assert list(lines) == list(DATASETS)
    json.dumps([asdict(line) for line in lines.values()])
    assert (lines["wine"].state, lines["wine"].where) == ("have", "comes with tuner")
    assert lines["wine"].ways == ()
    assert lines["mnist"].state == "part"
    assert "5,000 of the 70,000 digits" in lines["mnist"].note
    assert lines["mnist"].ways[0] == "run tuner data fetch mnist (from the internet)"
    assert str(home / "mnist") in lines["mnist"].ways[1]
    assert lines["fashion-mnist"].state == "lack"
    assert lines["fashion-mnist"].where is None
    assert "sudo apt-get install dataset-fashion-mnist" in " ".join(lines["fashion-mnist"].ways)
    (home / "imdb" / "aclImdb").mkdir(parents=True)
    (line,) = (line for line in status() if line.name == "imdb")
    assert (line.state, line.where) == ("have", str(home / "imdb" / "aclImdb"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "fashion-mnist",
            "are not here; run tuner data fetch fashion-mnist .*, or run sudo apt-get",
        ),
        ("imdb", "run tuner data fetch imdb .* put the folder aclImdb .* into {home}/imdb"),
        (
            "celeba-gender",
            "put list_attr_celeba.txt and the folder img_align_celeba .* {home}/celeba",
        ),
    ],
)
def test_missing_data_set_is_refused_with_the_ways_to_get_it(
    home: Path, name: str, words: str
) -> None:
    with pytest.raises(DataError, match=words.format(home=home)) as caught:
        load(name, Path())
    assert "\n" not in str(caught.value)


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean mnist"):
        load("mnits", Path())
    with pytest.raises(UnknownNameError, match="did you mean mnist"):
        fetch("mnits")


def test_data_home_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TUNER_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_home() == tmp_path / ".tuner" / "data"
    monkeypatch.setenv("TUNER_DATA_HOME", "~/large")
    assert data_home() == tmp_path / "large"


@pytest.mark.parametrize("call", [lambda: "tuner.data", lambda: "tuner.data; tuner.data.status()"])
def test_data_imports_nothing_heavy(call: Callable[[], str]) -> None:
    code = (
        f"import sys; import {call()};"
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'sklearn', 'PIL', 'skimage',"
        " 'mlxtend') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
