"""Options of the command in place of keys, and the command that asks for the same again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.option_words import errors_in_options, in_options
from tuner.errors import BundleError, DataError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('or, if these are classes: task = "classification"', "classes: --task classification"),
        ('leave them out: drop = ["a", "zip code"]', "out: --drop a --drop 'zip code'"),
        ('declare it: kind = { zip = "category" }', "declare it: --kind zip=category"),
        ('what separates them: sep = ":"', "what separates them: --sep :"),
        ('if it is a class: not_missing = ["NA"]', "if it is a class: --not-missing NA"),
        ('give time = "day"', "give --time-column day"),
    ],
)
def test_declarations_are_shown_as_options(text: str, said: str) -> None:
    assert said in in_options(text)


@pytest.mark.parametrize(
    "text",
    ["time = number, but line 3 holds x", 'drop = ["a", …]', "kind = text", 'lead_time = "a"'],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert in_options(text) == text


def test_errors_keep_their_class() -> None:
    with pytest.raises(DataError, match="a: --drop b"), errors_in_options():
        raise DataError('a: drop = ["b"]')
    with pytest.raises(BundleError, match=r'drop = \["b"\]'), errors_in_options():
        raise BundleError('drop = ["b"]')


def test_command_asks_for_the_same_and_shows_no_password(tmp_path: Path) -> None:
    request = AutoMLRequest(
        data="my homes.csv",
        target="price",
        out="model",
        drop=("id", "zip code"),
        kind={"rooms": "category"},
        time_column="sold",
        metric="mae",
        dialect={"sep": ";"},
        workers=1,
        seed=3,
        fast=True,
        storage="postgresql://me:secret@host/db",
    )
    words = request.words(option="--more", time="60s")
    assert "secret" not in words
    assert shlex.split(words)[:3] == ["tuner", "automl", "my homes.csv"]
    for part in (
        "--target price",
        "--drop id --drop 'zip code'",
        "--kind rooms=category",
        "--time-column sold",
        "--metric mae",
        "--sep ';'",
        "--workers 1",
        "--seed 3",
        "--fast",
        "-o model --more 60s",
    ):
        assert part in words
    plain = AutoMLRequest(data="homes.csv", target="price", out="model")
    assert plain.words(time="60s") == "tuner automl homes.csv --target price -o model --time 60s"
