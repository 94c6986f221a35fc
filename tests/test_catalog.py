from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tuner
from tuner import catalog
from tuner.catalog import find_space, find_study, read_toml, shipped_studies, study_names
from tuner.errors import SpecError, UnknownNameError
from tuner.spec import StudySpec

SPACE = '[units]\ntype = "int"\nlow = 1\nhigh = {high}\n'
STUDY = """
title = "{title}"
dataset = "wine"
model = "mlp"
search_space = "{space}"
objective = {{ metric = "accuracy", direction = "maximize" }}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_study(path: str, title: str = "mine", space: str = "mlp") -> Path:
    return write(path, STUDY.format(title=title, space=space))


def write_space(path: str, high: int) -> Path:
    return write(path, SPACE.format(high=high))


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


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
    write_study(str(package / "studies" / "installed.toml"))
    assert shipped_studies() == ["installed"]


def test_finding_studies_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tuner.catalog import find_study, study_names\n"
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


def test_a_shipped_space_serves_a_study_of_ones_own() -> None:
    write_study("mine.toml", space="mlp")
    assert find_study("mine").search_space == find_study("wine").search_space


# --- Settings


def test_settings_are_put_in_before_the_file_is_read() -> None:
    wine = find_study("wine", ["budget.n_trials=3", "sampler.name=random"])
    assert (wine.budget.n_trials, wine.sampler.name) == (3, "random")


def test_a_setting_reaches_into_a_named_space() -> None:
    wine = find_study("wine", ["search_space.units.high=64", "title=smaller"])
    assert wine.search_space.largest("units") == 64
    assert wine.differences(find_study("wine")) == [
        "search_space.units.high: 512 in the database, 64 in the file"
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
def test_errors_of_settings(setting: str, match: str) -> None:
    with pytest.raises(SpecError, match=match):
        find_study("wine", [setting])


# --- What is not found, or cannot be read


def test_an_unknown_study_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r'^no study "wien"; did you mean wine\? `tuner st'):
        find_study("wien")
    with pytest.raises(UnknownNameError, match=r'^no study "zzz"; the studies are: .*wine\. `tun'):
        find_study("zzz")
    with pytest.raises(UnknownNameError, match=r'^no study ""; the studies are'):
        find_study("")


def test_an_unknown_path_is_answered_with_the_nearest() -> None:
    write_study("some/mine.toml")
    with pytest.raises(UnknownNameError, match=r'^no study file "some/mein\.toml"; did you mean m'):
        find_study("some/mein.toml")
    with pytest.raises(UnknownNameError, match=r'"nowhere/a\.toml"; there are no files in nowhere'):
        find_study("nowhere/a.toml")
    with pytest.raises(UnknownNameError, match="no study file"):
        find_study("./" + "long" * 200 + ".toml")
    with pytest.raises(UnknownNameError, match="no study"):
        find_study("long" * 200)


def test_an_unknown_space_names_the_study_that_wants_it() -> None:
    write_study("mine.toml", space="mpl")
    with pytest.raises(
        SpecError, match=r'^mine\.toml: search_space: no search space "mpl"; did you mean mlp\?'
    ):
        find_study("mine")
    write_study("mine.toml", space="nets/net.toml")
    write_space("nets/nets.toml", 3)
    with pytest.raises(SpecError, match=r'"nets/net\.toml"; did you mean nets\.toml\?'):
        find_study("mine")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('title = "a"\nmodel = \n', r"^bad\.toml: line 2, column 9: not valid TOML: Invalid value"),
        ("[a]\nb = 1\n[a]\n", r"^bad\.toml: line 3, column 3: not valid TOML: Cannot declare"),
        ("a = [1,\n", r"^bad\.toml: end of the file: not valid TOML: "),
        ("a = 1\na = 2\n", r"^bad\.toml: .*not valid TOML: Cannot overwrite a value"),
    ],
)
def test_broken_toml_is_told_with_its_place(text: str, match: str) -> None:
    write("bad.toml", text)
    with pytest.raises(SpecError, match=match) as caught:
        find_study("bad")
    assert "\n" not in str(caught.value)


def test_a_broken_space_is_told_with_its_own_file() -> None:
    write_study("mine.toml", space="net")
    write("search_spaces/net.toml", "[units]\ntype = \n")
    with pytest.raises(SpecError, match=r"^search_spaces/net\.toml: line 2, column 8: not valid"):
        find_study("mine")
    write_space("search_spaces/net.toml", 0)
    with pytest.raises(SpecError, match=r"^search_spaces/net\.toml: units\.low: low <= high must"):
        find_study("mine")


def test_a_file_that_is_no_text() -> None:
    Path("bad.toml").write_bytes(b'title = "a"\nmodel = "\xff"\n')
    with pytest.raises(SpecError, match=r"^bad\.toml: line 2: not UTF-8, which TOML must be; save"):
        find_study("bad")


def test_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("folder.toml").mkdir()
    with pytest.raises(SpecError, match=r"^folder\.toml: cannot be read: Is a directory"):
        find_study("./folder.toml")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    write_study("mine.toml")
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read whatever the mode says
    with pytest.raises(SpecError, match=r"^mine\.toml: cannot be read: Permission denied"):
        read_toml(Path("mine.toml"))


def test_a_file_outside_the_working_directory_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("bad.toml", "a = [\n").absolute()
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(SpecError, match=f"^{path}: end of the file: not valid TOML"):
        find_study(str(path))


def test_the_package_is_where_the_shipped_files_are_sought() -> None:
    package = Path(tuner.__file__).parent
    assert find_study("wine").base in (package / "studies", package.parent / "studies")
