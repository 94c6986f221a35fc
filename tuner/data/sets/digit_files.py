"""Reads MNIST and Fashion-MNIST in the forms in which people have them.

All forms hold the same four arrays, and each array is checked against its SHA-256: which file a
machine has makes no difference to a study.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, with_validation
from tuner.data.sets.idx import read_idx
from tuner.data.sets.locations import digest, first, refusal
from tuner.data.splits import Splits
from tuner.errors import DataError

SIDE = 28  # pixels
IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_NPZ = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Digits:
    """What the four arrays must be, in the order of `IDX`.

    Attributes:
        rows: Of training and test.
        checksums: SHA-256 of each array's bytes.
        class_names: A name per class.
    """

    rows: tuple[int, int]
    checksums: tuple[str, str, str, str]
    class_names: tuple[str, ...]

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each array."""
        train, test = self.rows
        return (train, SIDE, SIDE), (train,), (test, SIDE, SIDE), (test,)

    def read_idx(self, folder: Path, about: About) -> Splits:
        """Reads the four idx files of a folder."""
        arrays = []
        for stem, shape in zip(IDX, self.shapes, strict=True):
            path = idx_file(folder, stem)
            if path is None:
                raise refusal(folder, f"lacks {stem} (or {stem}.gz)")
            arrays.append((str(path), read_idx(path, shape)))
        return self._splits(folder, arrays, about)

    def read_npz(self, path: Path, about: About) -> Splits:
        """Reads ``mnist.npz`` as Keras has it; never unpickles."""
        arrays = []
        try:
            # Opened here, because NumPy leaves a broken file open.
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                for key, shape in zip(_NPZ, self.shapes, strict=True):
                    array = file[key]
                    if array.shape != shape or array.dtype != np.uint8:
                        raise refusal(
                            path,
                            f"holds {key} of {array.dtype} {array.shape}, but uint8 {shape} is "
                            "expected",
                        )
                    arrays.append((f"{key} in {path}", array))
        except KeyError as exc:
            raise refusal(path, f"has no array {exc.args[0]}") from exc
        except (OSError, ValueError, TypeError, EOFError, zlib.error, zipfile.BadZipFile) as exc:
            raise refusal(path, f"is broken or no .npz file ({exc})") from exc
        return self._splits(path, arrays, about)

    def _splits(
        self, path: Path, arrays: Sequence[tuple[str, NDArray[np.uint8]]], about: About
    ) -> Splits:
        for (what, array), checksum in zip(arrays, self.checksums, strict=True):
            if digest(array) != checksum:
                raise DataError(
                    f"{what} does not hold the published {about.name} (its SHA-256 differs); move "
                    "it away and get it again: `tuner data` says how"
                )
        x_train, y_train, x_test, y_test = (array for _, array in arrays)
        train = (x_train[..., np.newaxis], y_train.astype(np.int32))
        test = (x_test[..., np.newaxis], y_test.astype(np.int32))
        return with_validation(train, test, "multiclass", about, self.class_names)


def idx_file(folder: Path, stem: str) -> Path | None:
    """Returns one of the four files; some programs write a dot for the second dash."""
    dotted = stem.replace("-idx", ".idx")
    return first(*(folder / f"{name}{end}" for name in (stem, dotted) for end in ("", ".gz")))


def find_idx(*folders: Path) -> Path | None:
    """Returns the first folder that has any of the four files: an incomplete set is an error."""
    has = (folder for folder in folders if any(idx_file(folder, stem) for stem in IDX))
    return next(has, None)
