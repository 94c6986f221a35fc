from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

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


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a web server that has ``toy.txt``."""
    folder = tmp_path_factory.mktemp("official")
    (folder / "toy.txt").write_text("whole", encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "checksum",
    [hashlib.sha256(b"whole").hexdigest(), f"md5:{hashlib.md5(b'whole').hexdigest()}"],
    ids=["sha256", "md5"],
)
def test_fetch_writes_only_the_verified_file(
    home: Path, official: str, checksum: str, capfd: pytest.CaptureFixture[str]
) -> None:
    toy = dataset(home, Download(f"{official}/toy.txt", checksum))
    assert fetch_dataset(toy) == home / "line"
    assert [path.name for path in (home / "line").iterdir()] == ["toy.txt"]
    assert (home / "line" / "toy.txt").read_text("utf-8") == "whole"
    assert capfd.readouterr() == ("", "")


def test_fetch_never_replaces_a_file_of_the_user(home: Path, official: str) -> None:
    (home / "line").mkdir()
    (home / "line" / "toy.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"line/toy.txt is broken"):
        fetch_dataset(dataset(home, Download(f"{official}/toy.txt", "0" * 64)))
    assert (home / "line" / "toy.txt").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "http://127.0.0.1:9/toy.txt",
            r"http://127.0.0.1:9/toy.txt cannot be fetched \(.*Connection refused\); "
            r"check the network, or get the file on another machine and put it into .*/line$",
        ),
        ("{official}/none.txt", r"cannot be fetched \(404 Client Error: File not found"),
        ("{official}/toy.txt", r"cannot be fetched \(.*does not match the known hash: expected 00"),
    ],
    ids=["refused", "missing", "checksum"],
)
def test_failed_fetch_is_one_line_and_leaves_nothing(
    home: Path, official: str, url: str, words: str
) -> None:
    toy = dataset(home, Download(url.format(official=official), "0" * 64))
    with pytest.raises(DataError, match=words) as caught:
        fetch_dataset(toy)
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
def test_fetch_is_refused_without_downloads(name: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        fetch(name)


def test_fetch_names_a_data_folder_that_cannot_be_written(home: Path) -> None:
    home.rmdir()
    home.write_text("a file", encoding="utf-8")
    with pytest.raises(DataError, match="mnist cannot be written: Not a directory"):
        fetch("mnist")
