from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tuner.data import load_splits as load
from tuner.errors import DataError


def test_faces_are_scaled_images_of_two_balanced_classes() -> None:
    data = load("faces", Path())
    assert data.input_shape == (25, 25, 1)
    assert data.train.x.dtype == np.float32
    assert (data.train.x.min(), data.train.x.max()) == (0, 1)
    assert data.scale == 1.0
    assert data.class_names == ("background", "face")
    for part in (data.train, data.validation, data.test):
        assert part.y.sum() == len(part) / 2


@pytest.mark.parametrize("content", [b"", b"<html>", "half", "other"])
def test_a_broken_file_is_refused_and_kept(home: Path, content: bytes | str) -> None:
    path = home / "faces" / "lfw_subset.npy"
    path.parent.mkdir()
    if isinstance(content, str):
        np.save(path, np.zeros((200, 25, 25)))
        content = path.read_bytes()[: 1000 if content == "half" else None]
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"lfw_subset.npy (is broken or|does not hold the 200)"):
        load("faces", Path())
    assert path.read_bytes() == content
