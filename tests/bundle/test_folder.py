from __future__ import annotations

from pathlib import Path

import pytest

from tuner.bundle.folder import MARKER, new_folder
from tuner.errors import BundleError, RequestError


def write(path: Path, text: str = "new", *, force: bool = False) -> None:
    with new_folder(path, force=force) as folder:
        assert folder.parent == path.parent
        assert folder.name.startswith(".")
        (folder / MARKER).write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_new_folder_is_created_with_its_parents(tmp_path: Path) -> None:
    write(tmp_path / "models" / "wine")
    assert (tmp_path / "models" / "wine" / MARKER).read_text() == "new"
    assert names(tmp_path / "models") == ["wine"]
    assert (tmp_path / "models" / "wine").stat().st_mode & 0o777 == 0o755


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write(tmp_path / "model")
    assert names(tmp_path) == ["model"]


def test_a_bundle_is_replaced_only_on_request(tmp_path: Path) -> None:
    write(tmp_path / "model", "old")
    (tmp_path / "model" / "extra").write_text("")
    with pytest.raises(RequestError, match=r"model already holds a model bundle; add --force"):
        write(tmp_path / "model")
    assert (tmp_path / "model" / MARKER).read_text() == "old"

    write(tmp_path / "model", force=True)
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == [MARKER]
    assert (tmp_path / "model" / MARKER).read_text() == "new"


@pytest.mark.parametrize("force", [False, True])
def test_folder_without_a_bundle_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RequestError, match="is not empty and holds no model bundle; nothing in it"):
        write(tmp_path, force=force)
    assert names(tmp_path) == ["thesis.tex"]


def test_file_at_the_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("")
    with pytest.raises(RequestError, match="model is a file; choose a folder for the bundle"):
        write(tmp_path / "model", force=True)


def test_path_below_a_file_or_in_proc_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=r"cannot write .*/model: .*/file is a file; nothing"):
        write(tmp_path / "file" / "deep" / "model")
    with pytest.raises(RequestError, match=r"cannot write /proc/tuner-model: .*choose another"):
        write(Path("/proc/tuner-model"))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_failed_write_leaves_the_earlier_bundle(
    tmp_path: Path, error: type[BaseException], force: bool
) -> None:
    if force:
        write(tmp_path / "a" / "model", "old")

    def fail() -> None:
        with new_folder(tmp_path / "a" / "model", force=force) as folder:
            (folder / "half").write_text("")
            raise error("stopped")

    with pytest.raises(error, match="stopped"):
        fail()
    if force:
        assert names(tmp_path / "a") == ["model"]
        assert (tmp_path / "a" / "model" / MARKER).read_text() == "old"
    else:
        assert names(tmp_path) == []


def test_bundle_that_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    def race() -> None:
        with new_folder(tmp_path / "model", force=False):
            (tmp_path / "model").mkdir()
            (tmp_path / "model" / MARKER).write_text("theirs")

    with pytest.raises(BundleError, match="already holds a model bundle"):
        race()
    assert names(tmp_path) == ["model"]
    assert (tmp_path / "model" / MARKER).read_text() == "theirs"


def test_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "model").symlink_to(tmp_path / "disk")
    write(tmp_path / "model")
    assert (tmp_path / "model").is_symlink()
    assert names(tmp_path / "disk") == [MARKER]
