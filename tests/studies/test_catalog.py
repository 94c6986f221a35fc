from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from study_files import write, write_space, write_study

import tuner
from tuner.errors import SpecError
from tuner.spec import StudySpec
from tuner.studies import catalog
from tuner.studies.catalog import find_space, find_study, shipped_studies, study_names


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- What is shipped


@pytest.mark.parametrize("name", shipped_studies())
def test_every_shipped_study_is_read_and_comes_back_from_the_database(name: str) -> None:
    study = find_study(name)
    assert study.name == name
    assert study.title
    assert study.base.is_absolute()
    assert StudySpec.from_dict(study.to_dict(), study.base) == study


def test_wine_is_the_document_task() -> None:
    wine = find_study("wine")
    (document,) = wine.references
    assert wine.title == "Red or white wine, from twelve measurements"
    assert document.reported == {"split": "test", "accuracy": 0.9954, "loss": 0.0248}
    assert document.params == {
        **{"n_layers": 3, "units_1": 48, "units_2": 24, "units_3": 12, "activation": "relu"},
        **{"dropout": 0.0, "batch_norm": False, "l2": 0.0},
        **{"optimizer": "adam", "learning_rate": 0.07, "batch_size": 32, "epochs": 25},
    }
    assert wine.search_space.is_conditional
    assert wine.search_space.largest("epochs") == 40


def test_an_installed_copy_is_preferred_to_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "tuner"
    monkeypatch.setattr(catalog.resources, "files", lambda _: package)
    write_study(str(package.parent / "studies" / "checkout.toml"))
    package.mkdir()
    assert shipped_studies() == ["checkout"]
    write_study(str(package / "shipped" / "studies" / "installed.toml"))
    assert shipped_studies() == ["installed"]


def test_finding_studies_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tuner.studies.catalog import find_study, study_names\n"
        "[find_study(name) for name in study_names()]\n"
        "print({'tensorflow', 'keras', 'pandas', 'optuna', 'sklearn'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- Which file a name means


def test_the_working_directory_comes_before_what_is_shipped(tmp_path: Path) -> None:
    assert find_study("wine").title != "mine"
    write_study("wine.toml", "loose")
    assert find_study("wine").title == "loose"
    write_study("studies/wine.toml", "in studies")
    study = find_study("wine")
    assert study.title == "in studies"
    assert study.base == tmp_path / "studies"
    assert find_study("./wine.toml").title == "loose"
    assert find_study("wine.toml").title == "loose"
    assert find_study(str(tmp_path / "studies" / "wine.toml")) == study


def test_study_names_are_those_that_are_found() -> None:
    write_study("studies/mine.toml")
    write_study("loose.toml")
    write_space("not_a_study.toml", 3)
    write("broken.toml", "a = ")
    assert study_names() == sorted([*shipped_studies(), "loose", "mine"])
    for name in study_names():
        assert find_study(name).name == name


def test_a_space_is_looked_up_beside_the_study_first(tmp_path: Path) -> None:
    base = tmp_path / "project" / "studies"
    write_study("project/studies/net.toml", space="net")

    def high() -> float | None:
        return find_study("project/studies/net.toml").search_space.largest("units")

    write_space("net.toml", 1)
    assert high() == 1
    write_space("search_spaces/net.toml", 2)
    assert high() == 2
    write_space("project/search_spaces/net.toml", 3)
    assert high() == 3
    write_space("project/studies/search_spaces/net.toml", 4)
    assert high() == 4
    assert find_space("../search_spaces/net.toml", base).largest("units") == 3
    assert find_space("search_spaces/net.toml", Path("/")).largest("units") == 2


def test_a_study_beside_its_space_of_another_name() -> None:
    write_study("mine.toml", space="net")
    write_space("net.toml", 7)
    assert find_study("mine").search_space.largest("units") == 7


def test_users_study_finds_a_shipped_space() -> None:
    write_study("mine.toml", space="mlp")
    assert find_study("mine").search_space == find_study("wine").search_space


# --- Settings


def test_settings_are_applied_before_validation() -> None:
    wine = find_study("wine", ["budget.n_trials=3", "sampler.name=random"])
    assert (wine.budget.n_trials, wine.sampler.name) == (3, "random")


def test_a_setting_reaches_into_a_named_space() -> None:
    wine = find_study("wine", ["search_space.units.high=64", "title=smaller"])
    assert wine.search_space.largest("units") == 64
    assert wine.differences(find_study("wine")) == [
        "search_space.units.high: 512 in the database, now 64"
    ]


def test_a_setting_can_name_another_space() -> None:
    write_space("net.toml", 48)
    with pytest.raises(SpecError, match=r"settings\): reference\.document\.params: must be one t"):
        find_study("wine", ["search_space=net.toml"])
    assert find_study("wine", ["search_space=net.toml", "reference=[]"]).references == ()


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("budget.n_trials=0", r"wine\.toml \(with settings\): budget\.n_trials: must be at least"),
        ("search_space.units.high=1", r"search_space\.units\.low: low <= high must hold"),
        ("search_space.unit.high=9", r"search_space\.unit\.type: is missing"),
        ("search_space.units.high=32", r"units_1 = 48 is wrong: it must lie between 4 and 32"),
    ],
)
def test_wrong_setting_is_refused(setting: str, match: str) -> None:
    with pytest.raises(SpecError, match=match):
        find_study("wine", [setting])


def test_shipped_files_are_found_in_the_package() -> None:
    package = Path(tuner.__file__).parent
    assert find_study("wine").base in (package / "shipped/studies", package.parent / "studies")
