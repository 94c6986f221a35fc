"""Folders of small images, which tests write."""

from __future__ import annotations

import numpy as np
from PIL import Image


def write(folder, classes=("cat", "dog"), n=12, size=(20, 16), mode="RGB", ending="png"):
    random = np.random.default_rng(0)
    for shade, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(n):
            shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
            pixels = random.integers(100 * shade, 100 * shade + 60, shape).astype("uint8")
            Image.fromarray(pixels, mode).save(folder / name / f"{number}.{ending}")
    return folder
