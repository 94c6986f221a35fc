"""Keeps what TensorFlow prints while it is imported away from people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silences the process's standard error, for the import of TensorFlow.

    Its first lines are written by C++ code before any setting of it is read, so only the file
    descriptor itself can be turned away. An exception passes through and is printed as usual.
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
