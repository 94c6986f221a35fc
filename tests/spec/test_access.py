"""What a study from a database may read and run: files below some folders, no code."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from tuner.bundle.predict import predict
from tuner.data import load, texts_from_file
from tuner.errors import DataError, RequestError
from tuner.spec import CsvDataset
from tuner.spec.access import Access

TABLE = "a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(40))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``root/data.csv``, ``secret/passwords.csv`` and links between them; works in ``root``."""
    for name in ("root/data.csv", "root/deep/data.csv", "secret/passwords.csv"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(TABLE)
    (tmp_path / "root/link.csv").symlink_to(tmp_path / "secret/passwords.csv")
    (tmp_path / "root/inside.csv").symlink_to("deep/data.csv")
    (tmp_path / "root/folder").symlink_to(tmp_path / "secret")
    (tmp_path / "root/loop.csv").symlink_to("loop.csv")
    (tmp_path / "root-too").mkdir()
    (tmp_path / "root-too/data.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path / "root")
    return tmp_path


@pytest.mark.parametrize("csv", ["data.csv", "deep/data.csv", "deep/../data.csv", "inside.csv"])
def test_files_below_a_root_are_read(csv: str, tree: Path) -> None:
    found = load(CsvDataset(csv=csv, target="b"), tree / "root", Access.given())
    assert found.development.feature_names == ("a",)


@pytest.mark.parametrize(
    "csv",
    [
        "../secret/passwords.csv",
        "deep/../../secret/passwords.csv",
        "/etc/passwd",
        "/etc",
        "/proc/self/environ",
        "link.csv",
        "folder/passwords.csv",
        "../secret/absent.csv",
        "../root-too/data.csv",
    ],
)
def test_files_outside_of_the_roots_are_refused(csv: str, tree: Path) -> None:
    with pytest.raises(DataError, match=r"outside of the folders .*--data-root FOLDER") as refused:
        load(CsvDataset(csv=csv, target="b"), tree / "root", Access.given())
    said = str(refused.value)
    assert "passwords.csv;" not in said, "no neighbours are listed"
    assert "\n" not in said


def test_a_loop_of_links_is_refused_in_one_line(tree: Path) -> None:
    with pytest.raises(
        DataError, match=r"is not a path|cannot be read|outside of|there is no"
    ) as e:
        load(CsvDataset(csv="loop.csv", target="b"), tree / "root", Access.given())
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("csv", ["nu\0l.csv", "x" * 5000])
def test_path_that_is_no_file_name_is_refused(csv: str) -> None:
    with pytest.raises(ValidationError, match=r"null character|too long for the path"):
        CsvDataset(csv=csv, target="b")


def test_another_root_can_be_named(tree: Path) -> None:
    access = Access.given([tree / "secret", tree / "root"])
    assert (
        load(CsvDataset(csv="link.csv", target="b"), tree / "root", access).development.name
        == "passwords"
    )
    with pytest.raises(DataError, match="outside of the folders"):
        load(CsvDataset(csv="data.csv", target="b"), tree / "root-too", access)
    for absent in ("absent", "~nobody-of-that-name/data"):
        with pytest.raises(RequestError, match=rf"--data-root {absent}: there is no such folder"):
            Access.given([absent])


def test_a_study_of_the_users_own_reads_any_file(tree: Path) -> None:
    assert load(CsvDataset(csv="../secret/passwords.csv", target="b"), tree / "root")


def test_data_by_code_need_permission(tree: Path) -> None:
    (tree / "root/own_rows.py").write_text("raise AssertionError\n")
    with pytest.raises(RequestError, match=r"names, own_rows:load, is not run here.*--allow-code"):
        load("own_rows:load", tree / "root", Access.given())
    assert load("xor", tree / "root", Access.given()).development.name == "xor"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
def test_only_regular_files_are_opened(kind: str, tree: Path) -> None:
    file = tree / "root" / "rows.csv"
    if kind == "a device":
        file = Path("/dev/zero")
    elif kind == "a named pipe":
        os.mkfifo(file)
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("rows.csv")
    with pytest.raises(DataError, match=f"is {kind}, not a regular file"):
        load(CsvDataset(csv=str(file), target="b"), tree / "root")


@pytest.mark.timeout(20)
def test_predictions_open_regular_files_only(tree: Path, scripted_bundle: object) -> None:
    for name in ("rows.npy", "texts.txt"):
        os.mkfifo(name)
    with pytest.raises(DataError, match="named pipe"):
        texts_from_file(Path("texts.txt"))
    with pytest.raises(DataError, match="named pipe"):
        predict(scripted_bundle, "rows.npy")  # type: ignore[arg-type]


@pytest.fixture
def scripted_bundle() -> object:
    from tuner.bundle import Bundle

    about = {"kind": "image", "feature_names": [], "input_shape": [2, 2], "task": "regression"}
    bundle = Bundle(Path("model"), {"data": about, "model": "cnn"})
    bundle.__dict__["model"] = np
    return bundle
