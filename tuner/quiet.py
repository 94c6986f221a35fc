"""Imports TensorFlow without what it prints."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tuner.errors import WorkerError


def load_tensorflow() -> None:
    """Imports TensorFlow and Keras; afterwards only their errors are printed.

    If ``TF_CPP_MIN_LOG_LEVEL`` is set, as much is printed as it says.

    Raises:
        WorkerError: They cannot be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with _standard_error_closed():
            importlib.import_module("tensorflow")
            importlib.import_module("keras")
    except Exception as exc:  # broken drivers, other versions of NumPy … raise what they like
        said = " ".join(str(exc).split())[:300]
        raise WorkerError(
            f"TensorFlow cannot be loaded: {type(exc).__name__}: {said}; see what this says: "
            "python -c 'import tensorflow, keras'"
        ) from exc
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextmanager
def _standard_error_closed() -> Iterator[None]:
    """Discards what is written to the process's standard error.

    TensorFlow's first lines are written by C++ code before it reads any setting, so only the
    file descriptor itself can be redirected. An exception passes through.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
