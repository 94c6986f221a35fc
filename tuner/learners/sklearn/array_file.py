"""Files of plain arrays, in the form of ``skops.io``, which runs no code when it reads them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import skops.io
from numpy.typing import NDArray

from tuner.data.raised import described
from tuner.errors import BundleError
from tuner.learners.archives import check_unpacked_size
from tuner.learners.sklearn import FILE
from tuner.units import count

T = TypeVar("T")
_COMPRESSION = 1  # a sixth of the time of the usual 6, and hardly larger


class Broken(Exception):
    """A file does not hold what it must; the text says what is wrong with "it"."""


def write_arrays(arrays: Mapping[str, NDArray[Any]], folder: Path) -> None:
    """Writes arrays by name into a folder.

    Raises:
        OSError: The file cannot be written.
    """
    skops.io.dump(
        dict(arrays),
        folder / FILE,
        compression=zipfile.ZIP_DEFLATED,
        compresslevel=_COMPRESSION,
    )


def read_arrays(folder: Path, make: Callable[[dict[str, Any]], T]) -> T:
    """Reads what `write_arrays` wrote.

    Args:
        folder: Folder of the file.
        make: Returns the model of the arrays, or raises `Broken`.

    Raises:
        BundleError: The file is missing or broken.
    """
    file = folder / FILE
    check_unpacked_size(file)
    try:
        found = skops.io.load(file)
        if not isinstance(found, dict):
            raise Broken(f"it holds {type(found).__name__} and no arrays")
        return make(found)
    except Broken as exc:
        raise BundleError(f"{file} cannot be used: {exc}; train the bundle again") from exc
    except Exception as exc:  # a broken archive may raise anything, and so may a forged one
        said = described(exc, folder)
        raise BundleError(f"{file} cannot be loaded: {said}; train the bundle again") from exc


def array(found: Mapping[str, Any], name: str, dtypes: Any, ndim: int) -> NDArray[Any]:
    """Returns one of the arrays, in C order.

    Args:
        found: What the file holds.
        name: The array's name.
        dtypes: The dtype that it must have, or a tuple of those that it may have.
        ndim: How many dimensions it must have.

    Raises:
        Broken: It is missing, or another.
    """
    one = found.get(name)
    known = [np.dtype(dtype) for dtype in (dtypes if isinstance(dtypes, tuple) else (dtypes,))]
    if type(one) is not np.ndarray or one.dtype not in known or one.ndim != ndim:
        raise Broken(f"its {name} is not an array of {known[0]} with {count(ndim, 'dimension')}")
    return one if one.flags.c_contiguous else np.ascontiguousarray(one)


def known_classes(found: dict[str, Any], n_classes: int) -> NDArray[np.int64] | None:
    """Returns the classes that a saved model has seen; None if it predicts a quantity.

    Raises:
        Broken: They are not classes of the data.
    """
    if not n_classes:
        return None
    classes = array(found, "classes", np.int64, 1)
    if not len(classes) or (np.diff(classes) <= 0).any() or classes[0] < 0:
        raise Broken("its classes are not in order")
    if classes[-1] >= n_classes:
        raise Broken(f"it has a class that is not one of {n_classes}")
    return classes
