"""Reads a folder with one subfolder of images a class, and images to predict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, check_row_count, split_up
from tuner.data.dividing import LEAST_OF_A_CLASS
from tuner.data.faults import Faults
from tuner.data.splits import Splits
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import quoted

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MOST_SIDE = 64
"""Pixels of a side where none is declared, unless the images are smaller."""
MOST_BYTES = 2**30
"""A sample of the images is taken if all together are larger once they are decoded."""
_MEASURED = 200
_SEED = 0


def load_images(folder: Path, size: int | None = None, source: str = "") -> Splits:
    """Loads images, whose class is the name of their subfolder, and divides them 60/20/20.

    An image becomes the square in its middle, of the same size for all; those that are all grey
    have one channel. Files of other kinds are ignored, and so are hidden ones.

    Args:
        folder: The folder.
        size: Pixels of a side; by default the median of the images, at most `MOST_SIDE`.
        source: What the study file says.

    Raises:
        DataError: There is no such folder, it has fewer than two classes, a class has too few
            images, or a file is none.
    """
    by_class = _files_by_class(folder)
    names = tuple(by_class)
    files = [file for files in by_class.values() for file in files]
    y = np.repeat(np.arange(len(names)), [len(files) for files in by_class.values()])
    check_row_count(len(files), str(folder))
    side, channels = _form(files, size)
    most = max(len(names) * LEAST_OF_A_CLASS * 2, MOST_BYTES // (side * side * channels))
    note = ""
    if len(files) > most:
        kept = np.sort(np.random.default_rng(_SEED).permutation(len(files))[:most])
        note = f"{most:,} of the {len(files):,} images, as many as fit into memory"
        files, y = [files[position] for position in kept], y[kept]
    x = read_images(files, (side, side, channels))
    is_binary = len(names) == 2
    about = About(name=folder.name, source=source or folder.name, note=note)
    targets = y.astype(np.float32 if is_binary else np.int32)
    return split_up(x, targets, "binary" if is_binary else "multiclass", about, names)


def image_files(path: Path) -> list[Path]:
    """Returns the images of a folder and of those below it, sorted, or the one file itself.

    Raises:
        DataError: There is none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}")
    found = sorted(file for file in path.rglob("*") if _is_image(file))
    if not found:
        raise DataError(f"{path} has no images ({', '.join(ENDINGS)})")
    return found


def read_images(files: Sequence[Path], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Decodes images: of each the square in its middle, scaled.

    Args:
        files: The images.
        shape: ``(side, side, channels)`` with 1 or 3 channels.

    Returns:
        uint8 ``(n, side, side, channels)``.

    Raises:
        DataError: A file is no image or cut off.
    """
    from PIL import Image

    side, _, channels = shape
    x = np.empty((len(files), *shape), dtype=np.uint8)
    mode = "L" if channels == 1 else "RGB"
    for row, file in enumerate(files):
        try:
            with Image.open(file) as image:
                image.draft(mode, (side, side))  # lets JPEG decode at a half where that is enough
                width, height = image.size
                edge = min(width, height)
                left, top = (width - edge) // 2, (height - edge) // 2
                square = (left, top, left + edge, top + edge)
                scaled = image.convert(mode).resize((side, side), box=square)
                x[row] = np.asarray(scaled).reshape(shape)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as exc:
            raise DataError(f"{file} is no image or cut off ({exc}); remove or replace it") from exc
    return x


def _files_by_class(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"the folder {folder} {what}; name one with a subfolder of images a class")
    classes = sorted(one for one in folder.iterdir() if one.is_dir() and one.name[0] != ".")
    found = {
        one.name: sorted(file for file in one.rglob("*") if _is_image(file)) for one in classes
    }
    found = {name: files for name, files in found.items() if files}
    faults = Faults(folder)
    if len(found) < 2:
        loose = sum(map(_is_image, folder.iterdir()))
        beside = f"; {count(loose, 'image lies', 'images lie')} beside them" if loose else ""
        faults.add(
            f"{count(len(found), 'subfolder')} with images ({', '.join(ENDINGS)}){beside}; put the "
            "images of each class into a subfolder with its name, at least two"
        )
    for name, files in found.items():
        if len(files) < LEAST_OF_A_CLASS:
            faults.add(
                f"the subfolder {quoted(name)} has {count(len(files), 'image')}; a class needs at "
                f"least {LEAST_OF_A_CLASS}: add some, or remove the subfolder"
            )
    faults.raise_if_any()
    return found


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS and file.name[0] != "." and file.is_file()


def _form(files: Sequence[Path], size: int | None) -> tuple[int, int]:
    """Returns side and channels for images, of which some are measured."""
    from PIL import Image

    step = max(1, len(files) // _MEASURED)
    edges, is_grey = [], True
    for file in files[::step]:
        try:
            with Image.open(file) as image:
                edges.append(min(image.size))
                is_grey = is_grey and image.mode in ("1", "L", "LA", "I", "I;16", "F")
        except (OSError, SyntaxError, Image.DecompressionBombError) as exc:
            raise DataError(f"{file} is no image or cut off ({exc}); remove or replace it") from exc
    return size or min(MOST_SIDE, int(np.median(edges))), 1 if is_grey else 3
