from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from whole_table import whole

from tuner.data import load_splits as load
from tuner.data.sets import celeba
from tuner.errors import DataError

ROWS = 30


def place(home: Path, rows: int = ROWS, own_folders: bool = False) -> Path:
    """A small CelebA in its own layout: men on light ground, women on dark."""
    folder = home / "celeba"
    images = folder / "Img" / "img_align_celeba" if own_folders else folder / "img_align_celeba"
    lists = folder / "Anno" if own_folders else folder
    images.mkdir(parents=True)
    lists.mkdir(exist_ok=True)
    lines = [str(rows), "Bald Male Young"]
    for number in range(1, rows + 1):
        male = number % 3 == 0
        name = f"{number:06}.jpg"
        colour = (200, 180, 160) if male else (20, 40, 60)
        Image.new("RGB", (178, 218), colour).save(images / name)
        lines.append(f"{name} -1 {' 1' if male else '-1'}  1")
    (lists / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("own_folders", [False, True])
def test_layout_of_celeba_is_read(home: Path, own_folders: bool) -> None:
    place(home, own_folders=own_folders)
    data = load("celeba-gender", Path())
    assert [len(part) for part in (data.train, data.validation, data.test)] == [18, 6, 6]
    assert data.input_shape == (64, 64, 3)
    assert data.train.x.dtype == np.uint8
    assert data.class_names == ("female", "male")
    assert data.note == ""
    for part in (data.train, data.validation, data.test):
        assert part.y.sum() == len(part) / 3
        np.testing.assert_array_equal(part.x[:, 0, 0, 0] > 128, part.y == 1)


def test_the_square_in_the_middle_is_taken(home: Path) -> None:
    folder = place(home, rows=15)
    for path in (folder / "img_align_celeba").iterdir():
        image = Image.new("RGB", (178, 218), (255, 255, 255))
        image.paste((0, 0, 0), (0, 22, 178, 196))
        image.save(path, quality=95)
    assert load("celeba-gender", Path()).train.x.mean() < 10


def test_its_own_partition_is_used(home: Path) -> None:
    folder = place(home)
    parts = [f"{number:06}.jpg {min(2, number // 12)}" for number in range(1, ROWS + 1)]
    (folder / "list_eval_partition.txt").write_text("\n".join(parts), encoding="utf-8")
    data = load("celeba-gender", Path())
    assert [len(part) for part in (data.train, data.validation, data.test)] == [11, 12, 7]
    (folder / "list_eval_partition.txt").write_text("\n".join(parts[:15]), encoding="utf-8")
    with pytest.raises(DataError, match=r"list_eval_partition.txt leaves no image for the test"):
        load("celeba-gender", Path())
    (folder / "list_eval_partition.txt").write_text("000001.jpg train", encoding="utf-8")
    with pytest.raises(DataError, match=r"is not the partition of CelebA: a file name and 0, 1 or"):
        load("celeba-gender", Path())


def test_many_images_are_thinned_out_evenly(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(home)
    monkeypatch.setattr(celeba, "MOST_IMAGES", 18)
    data = load("celeba-gender", Path())
    assert len(whole(data)) == 18
    assert data.note == "18 of the 30 images"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("30\n", "31\n", "names 30 images but declares 31"),
        ("30\n", "", 'line 1 is the number of images, line 2 has "Male"'),
        ("Male", "Man", "is not the list of CelebA"),
        ("000007.jpg -1 -1  1\n", "000007.jpg -1\n", "is broken in line 9: '000007.jpg -1'"),
        ("000007.jpg -1 -1", "000007.jpg -1 0", "is broken in line 9"),
    ],
)
def test_malformed_list_is_refused(home: Path, old: str, new: str, words: str) -> None:
    path = place(home) / "list_attr_celeba.txt"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=f"list_attr_celeba.txt {words}|{words}"):
        load("celeba-gender", Path())


def test_missing_and_broken_images_are_named_and_kept(home: Path) -> None:
    images = place(home) / "img_align_celeba"
    whole = (images / "000005.jpg").read_bytes()
    (images / "000005.jpg").write_bytes(whole[:400])
    with pytest.raises(DataError, match=r"000005.jpg is no image or cut off"):
        load("celeba-gender", Path())
    assert (images / "000005.jpg").read_bytes() == whole[:400]
    (images / "000005.jpg").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"000005.jpg is no image or cut off"):
        load("celeba-gender", Path())
    (images / "000005.jpg").unlink()
    with pytest.raises(DataError, match=r"lacks 1 image of the 30 .* 000005\.jpg first"):
        load("celeba-gender", Path())


def test_missing_parts_are_named_with_what_to_put_where(home: Path) -> None:
    (home / "celeba").mkdir()
    words = r"celeba lacks list_attr_celeba.txt; get CelebA .* into .*/home/celeba"
    with pytest.raises(DataError, match=words):
        load("celeba-gender", Path())
    (home / "celeba" / "list_attr_celeba.txt").write_text("0\nMale\n", encoding="utf-8")
    with pytest.raises(DataError, match="celeba lacks img_align_celeba; get CelebA"):
        load("celeba-gender", Path())
