"""Files of images to predict, for a model that was trained on a folder of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from images import write

from tuner.bundle import input_rows
from tuner.bundle.load import Bundle
from tuner.bundle.predict import predict, write_predictions
from tuner.errors import DataError

INFO: dict[str, Any] = {
    "dataset": {"images": "pets"},
    "data": {
        "kind": "image",
        "task": "binary",
        "class_names": ["cat", "dog"],
        "input_shape": [8, 8, 3],
        "feature_names": [],
    },
}


class Brightness:
    """Bright images are dogs."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        assert x.shape[1:] == (8, 8, 3)
        assert x.dtype == np.uint8
        dog = x.mean(axis=(1, 2, 3), dtype=np.float64) / 255
        return np.stack([1 - dog, dog], axis=1)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    made = Bundle(tmp_path / "model", INFO)
    made.__dict__["fitted"] = Brightness()
    return made


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_each_image_of_a_folder_is_a_line_with_its_name(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_rows, "_IMAGES_PER_CHUNK", 5)
    pets = write(tmp_path / "pets", n=4)
    (pets / "notes.txt").write_text("no image")
    rows = table(predict(bundle, pets))
    assert [row["file"] for row in rows] == [
        f"{kind}/{n}.png" for kind in ("cat", "dog") for n in range(4)
    ]
    assert list(rows[0]) == ["file", "prediction", "probability_cat", "probability_dog"]
    brightness = [float(row["probability_dog"]) for row in rows]
    assert max(brightness[:4]) < min(brightness[4:])


def test_one_image_is_predicted(bundle: Bundle, tmp_path: Path) -> None:
    file = write(tmp_path / "pets", n=1) / "cat" / "0.png"
    (row,) = table(predict(bundle, file))
    assert (row["file"], row["prediction"]) == (str(file), "cat")


def test_predictions_of_images_are_replaced_by_others(bundle: Bundle, tmp_path: Path) -> None:
    pets, out = write(tmp_path / "pets", n=2), tmp_path / "p.csv"
    write_predictions(bundle, pets, out)
    write_predictions(bundle, pets / "cat", out)
    assert len(table(out.read_text())) == 2


def test_array_of_images_has_no_file_names(bundle: Bundle, tmp_path: Path) -> None:
    made = Bundle(bundle.path, INFO)
    made.__dict__["fitted"] = type(
        "Zeros", (), {"predict": lambda self, x: np.tile([0.75, 0.25], (len(x), 1))}
    )()
    np.save(tmp_path / "rows.npy", np.zeros((3, 8, 8, 3), np.uint8))
    rows = table(predict(made, tmp_path / "rows.npy"))
    assert len(rows) == 3
    assert "file" not in rows[0]


def test_what_is_no_image_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"a\.png is no image or cut off"):
        predict(bundle, tmp_path / "a.png")
    with pytest.raises(DataError, match=r"empty has no images"):
        predict(bundle, tmp_path / "empty")
    with pytest.raises(DataError, match=r"there is no file or folder .*b\.png"):
        predict(bundle, tmp_path / "b.png")
