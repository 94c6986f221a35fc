from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuner.data import DATASETS, Splits, fetch
from tuner.data.arrays import About, split_up
from tuner.data.sets.dataset import Dataset, Download, Form
from tuner.data.sets.fetching import fetch_dataset
from tuner.errors import DataError


def read(path: Path, about: About) -> Splits:
    if path.read_text("utf-8") != "whole":
        raise DataError(f"{path} is broken")
    return split_up(np.arange(20)[:, np.newaxis], np.arange(20) / 3, "regression", about)


def dataset(home: Path, *downloads: Download) -> Dataset:
    forms = (Form(lambda: home / "line" / "toy.txt", read),)
    return replace(DATASETS["line"], downloads=downloads, forms=forms)


def source(tmp_path: Path, content: str = "whole", checksum: str | None = "") -> Download:
    """A file as its official source offers it."""
    path = tmp_path / "toy.txt"
    path.write_text(content, encoding="utf-8")
    if checksum == "":
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return Download(path.as_uri(), checksum)


@pytest.mark.slow  # imports Keras
class TestThroughKeras:
    def test_a_file_comes_whole_into_the_data_folder(
        self, home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert fetch_dataset(dataset(home, source(tmp_path))) == home / "line"
        assert [path.name for path in (home / "line").iterdir()] == ["toy.txt"]
        assert (home / "line" / "toy.txt").read_text("utf-8") == "whole"
        assert capfd.readouterr().out == ""

    def test_what_is_there_is_not_fetched_again_nor_deleted(
        self, home: Path, tmp_path: Path
    ) -> None:
        (home / "line").mkdir()
        (home / "line" / "toy.txt").write_text("mine", encoding="utf-8")
        with pytest.raises(DataError, match=r"line/toy.txt is broken"):
            fetch_dataset(dataset(home, source(tmp_path)))
        assert (home / "line" / "toy.txt").read_text("utf-8") == "mine"

    @pytest.mark.parametrize(
        ("download", "words"),
        [
            (
                Download("http://127.0.0.1:9/toy.txt"),
                r"http://127.0.0.1:9/toy.txt cannot be fetched \(URL fetch failure .*refused.*\); "
                r"check the network, or get the file on another machine and put it into .*/line$",
            ),
            (Download("file:///nowhere/toy.txt"), r"cannot be fetched \(.*No such file"),
            (None, r"cannot be fetched \(Incomplete or corrupted file detected"),
        ],
    )
    def test_a_failure_is_one_line_and_leaves_nothing(
        self, home: Path, tmp_path: Path, download: Download | None, words: str
    ) -> None:
        wanted = download or source(tmp_path, checksum="0" * 64)
        with pytest.raises(DataError, match=words) as caught:
            fetch_dataset(dataset(home, wanted))
        assert "\n" not in str(caught.value)
        assert list((home / "line").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wine", "wine comes with tuner: there is nothing to fetch"),
        ("celeba-gender", "celeba-gender cannot be fetched by tuner; get CelebA from its authors"),
        ("faces", "faces cannot be fetched by tuner; run pip install 'scikit-image"),
    ],
)
def test_nothing_to_fetch(name: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        fetch(name)


def test_a_data_folder_that_cannot_be_written(home: Path) -> None:
    home.rmdir()
    home.write_text("a file", encoding="utf-8")
    with pytest.raises(DataError, match="mnist cannot be written: Not a directory"):
        fetch("mnist")
