"""A study in the database names files and code: a worker, an export and a training refuse them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import Command
from laboratory import Laboratory

import tuner
from tuner.errors import DataError, RequestError, SpecError
from tuner.storage.database import Database

TABLE = "a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(40))


def stored_with(laboratory: Laboratory, **changes: object) -> None:
    """Changes the stored study as any user of the database could."""
    database = Database(laboratory.url)
    study = database.study("scripted")
    for key, value in changes.items():
        if key == "base":
            study.set_user_attr("tuner:base", value)
        else:
            study.set_user_attr("tuner:spec", study.user_attrs["tuner:spec"] | {key: value})
    database.close()


def csv(path: Path | str) -> dict[str, str]:
    return {"csv": str(path), "target": "b"}


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("outside") / "secret.csv"
    file.write_text(TABLE)
    return file


@pytest.mark.parametrize("way", ["absolute", "relative", "base", "link"])
def test_worker_reads_files_only_below_its_folders(
    way: str, laboratory: Laboratory, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(laboratory.folder)
    (laboratory.folder / "link.csv").symlink_to(outside)
    laboratory.submit(n_trials=1)
    stored_with(
        laboratory,
        dataset=csv(
            {
                "absolute": outside,
                "relative": f"../../{outside.parent.name}/secret.csv",
                "base": "secret.csv",
                "link": "link.csv",
            }[way]
        ),
        base=str(outside.parent if way == "base" else laboratory.folder),
    )
    with pytest.raises(DataError, match=r"^scripted: the database names the file .*--data-root"):
        laboratory.serve()


def test_a_search_space_in_the_database_is_no_path(laboratory: Laboratory) -> None:
    laboratory.submit(n_trials=1)
    stored_with(laboratory, search_space="/etc/passwd")
    with pytest.raises(SpecError, match=r"search_space: must be a name, a path or a table"):
        laboratory.serve()


def test_the_folders_of_a_worker_must_exist(command: Command, laboratory: Laboratory) -> None:
    url = ("--storage", laboratory.url)
    laboratory.submit(n_trials=1)
    command("worker", *url, "--data-root", "absent").refused(
        2, r"--data-root absent: there is no such folder"
    )


def test_a_script_of_a_stored_study_runs_no_code_of_the_database(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    stored_with(laboratory, base=str(laboratory.folder))
    words = ("export", "scripted", "-o", "best.py", "--storage", laboratory.url)
    own = laboratory.study.read_text()
    laboratory.study.unlink()
    refusal = r"code that the database names, scripted:build_model and scripted:load_data, is not"
    command(*words).refused(2, refusal)
    # A file of that name, but of another network.
    laboratory.study.write_text(own.replace("scripted:build_model", "scripted:other"))
    command(*words).refused(2, refusal)
    # Such a file in another folder: the database names the folder of the code.
    laboratory.study.write_text(own)
    elsewhere = laboratory.folder / "elsewhere"
    elsewhere.mkdir()
    stored_with(laboratory, base=str(elsewhere))
    command(*words).refused(2, refusal)
    assert not Path("best.py").exists()


@pytest.mark.parametrize("allowed", ["file", "option"])
def test_script_of_the_users_own_study_needs_no_permission(
    allowed: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    stored_with(laboratory, base=str(laboratory.folder))
    words = ["export", "scripted", "-o", "best.py", "--storage", laboratory.url]
    if allowed == "option":
        laboratory.study.unlink()
        words.append("--allow-code")
    # The laboratory's data are made up, so it gets as far as comparing them.
    command(*words).refused(2, r"the data scripted:load_data are not those of the study scripted")


def test_a_training_of_a_stored_study_reads_no_other_file(
    laboratory: Laboratory, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(laboratory.folder)
    laboratory.store("complete")
    stored_with(laboratory, dataset=csv(outside), model="mlp")
    result = tuner.load("scripted", laboratory.url)
    with pytest.raises(DataError, match=r"the database names the file .*secret\.csv, which is"):
        tuner.train(result.best, laboratory.folder / "model")
    shutil.copy(outside, laboratory.folder / "mine.csv")
    stored_with(laboratory, dataset=csv("mine.csv"))
    result = tuner.load("scripted", laboratory.url, data_roots=[outside.parent])
    with pytest.raises(DataError, match=r"the database names the file .*mine\.csv, which is"):
        tuner.train(result.best, laboratory.folder / "model")
    with pytest.raises(RequestError, match=r"--data-root nowhere: there is no such folder"):
        tuner.load("scripted", laboratory.url, data_roots=["nowhere"])
