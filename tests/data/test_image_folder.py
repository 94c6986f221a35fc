"""Folders with a subfolder of images for each class."""

from __future__ import annotations

import numpy as np
import pytest
from images import write

from tuner import data
from tuner.data.image_folder import image_files, load_images, read_images
from tuner.errors import DataError
from tuner.spec import ImageFolder


def test_subfolders_are_classes(tmp_path):
    splits = load_images(write(tmp_path / "pets"))
    assert splits.class_names == ("cat", "dog")
    assert splits.task == "binary"
    assert splits.name == "pets"
    assert splits.kind == "image"
    assert splits.input_shape == (16, 16, 3)
    assert splits.scale == 255
    assert sorted(len(part) for part in (splits.train, splits.validation, splits.test)) == [
        5,
        5,
        14,
    ]
    for part in (splits.train, splits.validation, splits.test):
        is_bright = part.x.mean(axis=(1, 2, 3)) > 80
        np.testing.assert_array_equal(is_bright, part.y == 1)


def test_three_subfolders_are_three_classes(tmp_path):
    splits = load_images(write(tmp_path, classes=("b", "a", "c")))
    assert splits.class_names == ("a", "b", "c")
    assert splits.task == "multiclass"
    assert splits.train.y.dtype == np.int32


def test_grey_images_have_one_channel_and_other_files_are_ignored(tmp_path):
    write(tmp_path, mode="L", ending="jpg")
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "empty").mkdir()
    assert load_images(tmp_path).input_shape == (16, 16, 1)


def test_large_images_are_scaled_unless_a_size_is_declared(tmp_path):
    write(tmp_path, size=(100, 90))
    assert load_images(tmp_path).input_shape == (64, 64, 3)
    dataset = ImageFolder(images=tmp_path.name, size=32)
    assert data.load(dataset, tmp_path.parent).development.input_shape == (32, 32, 3)


def test_same_images_have_the_same_fingerprint(tmp_path):
    write(tmp_path)
    before = load_images(tmp_path).fingerprint
    assert load_images(tmp_path).fingerprint == before
    (tmp_path / "cat" / "0.png").unlink()
    assert load_images(tmp_path).fingerprint != before


def test_images_to_predict_are_found_in_order(tmp_path):
    write(tmp_path)
    files = image_files(tmp_path)
    assert len(files) == 24
    assert files == sorted(files)
    assert image_files(files[3]) == [files[3]]
    x = read_images(files[:2], (8, 8, 1))
    assert x.shape == (2, 8, 8, 1)
    assert x.dtype == np.uint8


def test_more_images_than_memory_holds_are_sampled(tmp_path, monkeypatch):
    monkeypatch.setattr("tuner.data.image_folder.MOST_BYTES", 16 * 16 * 3 * 30)
    splits = load_images(write(tmp_path, n=40))
    assert splits.note == "30 of the 80 images, as many as fit into memory"
    assert sum(len(part) for part in (splits.train, splits.validation, splits.test)) == 30


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda f: None, "does not exist"),
        (lambda f: f.write_text("x"), "is a file"),
        (lambda f: f.mkdir(), "0 subfolders with images"),
        (lambda f: write(f, classes=("cat",)), "1 subfolder with images"),
        (lambda f: write(f, n=3), 'the subfolder "cat" has 3 images'),
    ],
)
def test_unusable_folders_are_refused(tmp_path, made, said):
    folder = tmp_path / "pets"
    made(folder)
    with pytest.raises(DataError, match=said):
        load_images(folder)


def test_broken_image_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / "dog" / "3.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"dog/3\.png is no image or cut off"):
        load_images(tmp_path)


def test_folder_without_images_to_predict_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no images"):
        image_files(tmp_path)
    with pytest.raises(DataError, match="there is no file or folder"):
        image_files(tmp_path / "missing")
