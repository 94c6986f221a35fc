from __future__ import annotations

from pathlib import Path

import pytest
from test_export import configuration

from tuner.errors import RequestError
from tuner.results.configuration_file import read, write

STUDY = 'dataset = "wine"\n[objective]\nmetric = "mse"\n[search_space.units]\ntype = "int"\n'


def place(folder: Path, what: str) -> Path:
    """Puts something at ``best.toml`` and returns the path."""
    path = folder / "best.toml"
    match what:
        case "study":
            path.write_text(STUDY)
        case "space":
            path.write_text('[units]\ntype = "int"\nlow = 1\nhigh = 4\n')
        case "other":
            path.write_text("[tool.ruff]\nline-length = 100\n")
        case "broken":
            path.write_text("tuner_export = 1\n[params\n")
        case "binary":
            path.write_bytes(b"\xff\x00" * 8)
        case "empty":
            path.touch()
        case "dangling":
            path.symlink_to(folder / "nowhere")
        case "loop":
            path.symlink_to(path)
        case "link":
            (folder / "mine.toml").write_text(STUDY)
            path.symlink_to(folder / "mine.toml")
    return path


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("study", "a study file"),
        ("space", "a search space"),
        ("other", "a file of 30 bytes"),
        ("broken", "a file of 25 bytes"),
        ("binary", "a file of 16 bytes"),
        ("empty", "a file of 0 bytes"),
        ("dangling", "a link to a file that is not there"),
        ("loop", "a link to a file that is not there"),
        ("link", "a study file"),
    ],
)
def test_another_file_is_replaced_only_on_request(tmp_path: Path, what: str, words: str) -> None:
    path = place(tmp_path, what)
    before = {
        file.name: (file.is_symlink(), file.lstat().st_mtime_ns) for file in tmp_path.iterdir()
    }
    with pytest.raises(
        RequestError,
        match=rf"best\.toml is there already, {words}, and was not written by this command: add "
        r"--force to replace it, or choose another name with -o",
    ):
        write(configuration(), path)
    after = {
        file.name: (file.is_symlink(), file.lstat().st_mtime_ns) for file in tmp_path.iterdir()
    }
    assert after == before

    write(configuration(base=tmp_path), path, force=True)
    assert read(path).trial == 37
    if what == "link":  # the link is replaced, what it leads to is not touched
        assert (tmp_path / "mine.toml").read_text() == STUDY


@pytest.mark.parametrize("name", ["best.toml", "best.json"])
def test_earlier_export_is_replaced(tmp_path: Path, name: str) -> None:
    write(configuration(trial=1), tmp_path / name)
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(text + "\n", encoding="utf-8-sig")  # saved by some editor
    write(configuration(trial=2), tmp_path / name)
    assert read(tmp_path / name).trial == 2


def test_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "best.toml").mkdir()
    with pytest.raises(RequestError, match=r"cannot write .*best\.toml: Is a directory"):
        write(configuration(), tmp_path / "best.toml", force=True)
