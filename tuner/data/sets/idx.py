"""The idx format of MNIST: a magic number, the sizes, then the bytes; often in gzip."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.sets.locations import refusal

_UBYTE = 0x08


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Reads a file of unsigned bytes, compressed or not.

    Args:
        path: The file.
        shape: The sizes that it must have.

    Returns:
        uint8 of that shape.

    Raises:
        DataError: The file cannot be read, is no idx file, is cut off or has other sizes.
    """
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except OSError as exc:  # gzip.BadGzipFile is one
        raise refusal(path, f"cannot be read ({exc.strerror or exc})") from exc
    except (EOFError, zlib.error) as exc:
        raise refusal(path, f"is a broken gzip file ({exc})") from exc
    begin = 4 + 4 * len(shape)
    if len(content) < begin or content[:4] != bytes((0, 0, _UBYTE, len(shape))):
        raise refusal(path, f"is no idx file of {len(shape)} dimensions (its first bytes differ)")
    sizes = struct.unpack(f">{len(shape)}I", content[4:begin])
    if sizes != shape:
        raise refusal(path, f"holds {_times(sizes)} bytes, but must hold {_times(shape)}")
    if len(content) - begin != math.prod(shape):
        raise refusal(
            path,
            f"is cut off or too long: {len(content) - begin:,} bytes of data where "
            f"{math.prod(shape):,} are declared",
        )
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)


def _times(sizes: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in sizes)
