"""The small faces of scikit-image: 100 cut-outs with a face, 100 without."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuner.data.arrays import About, split_up
from tuner.data.sets.dataset import Dataset, Form
from tuner.data.sets.locations import data_home, digest, first, package_file, refusal
from tuner.data.splits import Splits
from tuner.spec.dataset_rows import DATASET_ROWS

_SHAPE = (200, 25, 25)
_CHECKSUM = "ce1ab433bd0a896d88a87e40efdf37d9e1ce98bbd3317b498da9f0a7b8e125d5"
_FILE = "lfw_subset.npy"


def _read(path: Path, about: About) -> Splits:
    """Grey images of [0, 1] as they are: float32, because they are no whole 255ths."""
    try:
        with path.open("rb") as raw:
            x = np.lib.format.read_array(raw, allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        raise refusal(path, f"is broken or no .npy file ({exc})") from exc
    if x.shape != _SHAPE or digest(x) != _CHECKSUM:
        raise refusal(path, f"does not hold the {_SHAPE[0]} images of scikit-image 0.26")
    y = np.repeat((1, 0), _SHAPE[0] // 2)
    return split_up(
        x[..., np.newaxis].astype(np.float32), y, "binary", about, ("background", "face")
    )


FACES = Dataset(
    name="faces",
    title="face or not, from a grey image of 25 × 25 pixels",
    task="binary",
    kind="image",
    rows=DATASET_ROWS["faces"],
    source="Labeled Faces in the Wild (Huang et al.), cut out by scikit-image",
    licence="public for research, no licence stated",
    forms=(
        Form(
            lambda: first(data_home() / "faces" / _FILE) or package_file("skimage", "data", _FILE),
            _read,
        ),
    ),
    ways=(
        "run pip install 'scikit-image>=0.26', which ships it",
        f"put {_FILE} of scikit-image into {{home}}/faces",
    ),
)
