"""CelebA in its own folders, put there by the user: man or woman, from the photograph of a face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, split_up
from tuner.data.sets.dataset import Dataset, Form
from tuner.data.sets.locations import data_home, first, refusal
from tuner.data.splits import PARTS, Split, Splits
from tuner.errors import DataError
from tuner.spec.dataset_rows import DATASET_ROWS
from tuner.units import count

SIDE = 64  # pixels
# 12 KB an image: 120 MB in every worker, and some ten seconds to decode.
MOST_IMAGES = 10_000
LISTING = "list_attr_celeba.txt"
PARTITION = "list_eval_partition.txt"
IMAGES = "img_align_celeba"
_CLASSES = ("female", "male")


def read_celeba(folder: Path, about: About) -> Splits:
    """Reads the images that the list of attributes names, evenly chosen when there are many.

    Divided as ``list_eval_partition.txt`` says when that is there too (no person is in two
    parts), else 60/20/20, stratified.

    Raises:
        DataError: Something is missing, cut off or no image; the text names it.
    """
    listing = _part(folder, LISTING, "Anno")
    images = _part(folder, IMAGES, "Img")
    names, male = read_attribute(listing, "Male")
    partition = first(folder / PARTITION, folder / "Eval" / PARTITION)
    chosen = _evenly(len(names))
    x = _images(images, [names[row] for row in chosen])
    y = male[chosen]
    if len(chosen) < len(names):
        about = replace(about, note=f"{len(chosen):,} of the {len(names):,} images")
    if partition is None:
        return split_up(x, y, "binary", about, _CLASSES)
    part_of = _read_partition(partition)
    parts = np.array([part_of.get(names[row], -1) for row in chosen])
    for number, part in enumerate(PARTS):
        if not (parts == number).any():
            raise refusal(partition, f"leaves no image for the {part} part")
    train, validation, test = (Split(x[parts == n], y[parts == n]) for n in range(3))
    return Splits(train, validation, test, "binary", class_names=_CLASSES, **about.fields())


def read_attribute(path: Path, attribute: str) -> tuple[list[str], NDArray[np.float32]]:
    """Reads one column of the list: a line with the number of images, a line of names, the rows.

    Returns:
        The images' file names and 0 or 1 for each (-1 and 1 in the file).

    Raises:
        DataError: The list is cut off or is none.
    """
    lines = _lines(path)
    declared, header = (lines[0].strip(), lines[1].split()) if len(lines) > 1 else ("", [])
    if not declared.isdigit() or attribute not in header:
        raise refusal(
            path,
            f'is not the list of CelebA: line 1 is the number of images, line 2 has "{attribute}"',
        )
    position = header.index(attribute) + 1
    names, values = [], []
    for number, line in enumerate(lines[2:], start=3):
        cells = line.split()
        if len(cells) != len(header) + 1 or cells[position] not in ("1", "-1"):
            raise refusal(path, f"is broken in line {number}: {line[:40]!r}")
        names.append(cells[0])
        values.append(cells[position] == "1")
    if len(names) != int(declared):
        raise refusal(path, f"names {len(names):,} images but declares {int(declared):,}")
    return names, np.array(values, dtype=np.float32)


def _part(folder: Path, name: str, inside: str) -> Path:
    """Returns a file or folder of CelebA, which people unpack flat or with its own folders."""
    found = first(
        *(location / name for location in (folder / inside / name, folder / inside, folder / name)),
        folder / name,
    )
    if found is None:
        raise DataError(f"{folder} lacks {name}; {_WAY.format(home=data_home())}")
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise refusal(path, f"cannot be read ({exc})") from exc


def _read_partition(path: Path) -> dict[str, int]:
    """Returns 0, 1 or 2 (train, validation, test) by file name."""
    rows = [line.split() for line in _lines(path)]
    if not rows or any(len(row) != 2 or row[1] not in ("0", "1", "2") for row in rows):
        raise refusal(path, "is not the partition of CelebA: a file name and 0, 1 or 2 a line")
    return {name: int(part) for name, part in rows}


def _evenly(n: int) -> NDArray[np.intp]:
    """Returns the rows that are used: all, or `MOST_IMAGES` at equal distances."""
    return np.linspace(0, n - 1, min(n, MOST_IMAGES)).astype(np.intp)


def _images(folder: Path, names: list[str]) -> NDArray[np.uint8]:
    """Decodes images to uint8 ``(n, SIDE, SIDE, 3)``: the square in the middle, made smaller."""
    from PIL import Image

    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise refusal(
            folder,
            f"lacks {count(len(missing), 'image')} of the {len(names):,} that are wanted, "
            f"{missing[0]} first",
        )
    x = np.empty((len(names), SIDE, SIDE, 3), dtype=np.uint8)
    for row, name in enumerate(names):
        try:
            with Image.open(folder / name) as image:
                image.draft("RGB", (SIDE, SIDE))  # lets JPEG decode at a half where that is enough
                width, height = image.size
                edge = min(width, height)
                left, top = (width - edge) // 2, (height - edge) // 2
                square = (left, top, left + edge, top + edge)
                x[row] = np.asarray(image.convert("RGB").resize((SIDE, SIDE), box=square))
        except (OSError, SyntaxError, ValueError) as exc:  # PIL's own for a damaged image
            raise refusal(folder / name, f"is no image or cut off ({exc})") from exc
    return x


_WAY = (
    f"get CelebA from its authors (its licence forbids passing it on) and put {LISTING} and the "
    f"folder {IMAGES} with the .jpg files into {{home}}/celeba; {PARTITION} is used when it is "
    "there too"
)
CELEBA_GENDER = Dataset(
    name="celeba-gender",
    title="man or woman, from the photograph of a face, 64 × 64 pixels",
    task="binary",
    kind="image",
    rows=DATASET_ROWS["celeba-gender"],
    source="Z. Liu, P. Luo, X. Wang, X. Tang: Deep Learning Face Attributes in the Wild, 2015",
    licence="for research that is not commercial; not to be passed on",
    forms=(Form(lambda: first(data_home() / "celeba"), read_celeba),),
    ways=(_WAY,),
    fixed="all photographs of a person are in one of its parts",
)
