"""Studies and spaces that are not found or cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_files import write, write_space, write_study

from tuner.errors import SpecError, UnknownNameError
from tuner.studies.catalog import find_study, read_toml


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_error_for_an_unknown_study_offers_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match=r'^no study "wien"; did you mean wine\? `tuner st'):
        find_study("wien")
    with pytest.raises(UnknownNameError, match=r'^no study "zzz"; the studies are: .*wine.*`tuner'):
        find_study("zzz")
    with pytest.raises(UnknownNameError, match=r'^no study ""; the studies are'):
        find_study("")


def test_error_for_an_unknown_path_offers_the_nearest_name() -> None:
    write_study("some/mine.toml")
    with pytest.raises(UnknownNameError, match=r'^no study file "some/mein\.toml"; did you mean m'):
        find_study("some/mein.toml")
    with pytest.raises(UnknownNameError, match=r'"nowhere/a\.toml"; there are no files in nowhere'):
        find_study("nowhere/a.toml")
    with pytest.raises(UnknownNameError, match="no study file"):
        find_study("./" + "long" * 200 + ".toml")
    with pytest.raises(UnknownNameError, match="no study"):
        find_study("long" * 200)


def test_error_for_an_unknown_space_names_the_study() -> None:
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
def test_error_for_broken_toml_has_line_and_column(text: str, match: str) -> None:
    write("bad.toml", text)
    with pytest.raises(SpecError, match=match) as caught:
        find_study("bad")
    assert "\n" not in str(caught.value)


def test_error_for_a_broken_space_names_its_file() -> None:
    write_study("mine.toml", space="net")
    write("search_spaces/net.toml", "[units]\ntype = \n")
    with pytest.raises(SpecError, match=r"^search_spaces/net\.toml: line 2, column 8: not valid"):
        find_study("mine")
    write_space("search_spaces/net.toml", 0)
    with pytest.raises(SpecError, match=r"^search_spaces/net\.toml: units\.low: low <= high must"):
        find_study("mine")


def test_file_that_is_not_utf_8_is_refused() -> None:
    Path("bad.toml").write_bytes(b'title = "a"\nmodel = "\xff"\n')
    with pytest.raises(SpecError, match=r"^bad\.toml: line 2: not UTF-8, which TOML must be; save"):
        find_study("bad")


def test_unreadable_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("folder.toml").mkdir()
    with pytest.raises(SpecError, match=r"^folder\.toml: cannot be read: Is a directory"):
        find_study("./folder.toml")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    write_study("mine.toml")
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read a file of any mode
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
