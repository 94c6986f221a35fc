"""The state of a training as bytes: NumPy's ``.npz`` without pickle, safe to read from any source.

The archive has one array for each variable and each of the best weights, and ``about``: a JSON text
in UTF-8, uint8 (bytes,), with the rest. Python's JSON writes NaN and infinity, and reads them.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuner.learners.keras.training.state import State
from tuner.learners.watch import UnusableCheckpoint

_FORMAT = 1


def pack(state: State) -> bytes:
    """Returns the state as bytes."""
    about = {
        "format": _FORMAT,
        "seed": state.seed,
        "batch_size": state.batch_size,
        "logs": [dict(logs) for logs in state.logs],
        "generators": dict(state.generators),
        "variables": len(state.variables),
        "best": len(state.best),
    }
    arrays = {f"variable_{index}": array for index, array in enumerate(state.variables)}
    arrays |= {f"best_{index}": array for index, array in enumerate(state.best)}
    text = json.dumps(about, default=np.ndarray.tolist).encode()
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, about=np.frombuffer(text, np.uint8), **arrays)
    return file.getvalue()


def unpack(content: bytes) -> State:
    """Reads what :func:`pack` wrote; nothing in it is run, and the archive's checksums must hold.

    Raises:
        UnusableCheckpoint: It is torn, or something else.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile) or archive.zip is None:
                raise UnusableCheckpoint("it is not a checkpoint")
            _check_sizes(archive.zip, len(content))
            about = json.loads(archive["about"].tobytes())
            if about["format"] != _FORMAT:
                raise UnusableCheckpoint(f"it is of another form, {about['format']!r}")
            return State(
                int(about["seed"]),
                int(about["batch_size"]),
                _checked_logs(about["logs"]),
                [archive[f"variable_{index}"] for index in range(about["variables"])],
                [archive[f"best_{index}"] for index in range(about["best"])],
                dict(about["generators"]),
            )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
        raise UnusableCheckpoint("it is torn") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise UnusableCheckpoint("it is not a checkpoint") from None
    except MemoryError:
        raise UnusableCheckpoint("it does not fit in memory") from None


def _check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Refuses what would take more memory than the file itself: ours is not compressed."""
    if sum(entry.file_size for entry in archive.infolist()) > size:
        raise UnusableCheckpoint("it is not a checkpoint")


def _checked_logs(logs: Sequence[Mapping[str, Any]]) -> list[dict[str, float | None]]:
    return [
        {str(name): None if value is None else float(value) for name, value in epoch.items()}
        for epoch in logs
    ]
