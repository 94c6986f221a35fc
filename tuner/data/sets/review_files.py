"""Reads the film reviews of IMDb in the forms in which people have them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, Pair, with_validation
from tuner.data.csv_file import read_text
from tuner.data.dividing import hold_out
from tuner.data.sets.locations import refusal
from tuner.data.split import texts
from tuner.data.splits import Splits

WORD_INDEX = "imdb_word_index.json"  # Keras's: word → its number
_CLASSES = ("negative", "positive")
_TEXT_NAMES = ("review", "text", "t")
_LABEL_NAMES = ("sentiment", "label", "s")
_LABELS = {"0": 0, "1": 1, "neg": 0, "pos": 1, "negative": 0, "positive": 1}


@dataclass(frozen=True)
class Imdb:
    """What the reviews must be.

    Attributes:
        half: Number of reviews in each published part; as many are positive as negative.
        json_checksum: SHA-256 of the ``reviews.json`` whose order gives the published parts: a
            quarter each of test/negative, train/negative, test/positive, train/positive.
        npz_checksum: SHA-256 of Keras's ``imdb.npz``. It is a pickle, which can run any code, so
            no other file of that name is opened.
    """

    half: int
    json_checksum: str
    npz_checksum: str

    def read_folder(self, folder: Path, about: About) -> Splits:
        """Reads ``aclImdb`` as its authors pack it: train and test, pos and neg, a file each."""
        parts = []
        for part in ("train", "test"):
            reviews: list[str] = []
            for kind in ("neg", "pos"):
                files = sorted((folder / part / kind).glob("*.txt"))
                if len(files) != self.half // 2:
                    raise refusal(
                        folder / part / kind,
                        f"holds {len(files):,} reviews, but must hold {self.half // 2:,}",
                    )
                reviews.extend(_read_text(file) for file in files)
            parts.append((reviews, np.repeat((0, 1), self.half // 2)))
        return self._published(parts, about)

    def read_json(self, path: Path, about: About) -> Splits:
        """Reads a list of objects, each with a text and a sentiment."""
        content = path.read_bytes()
        try:
            rows = json.loads(content)
            keys = [_column(_TEXT_NAMES, rows[0]), _column(_LABEL_NAMES, rows[0])]
            reviews, labels = ([row[key] for row in rows] for key in keys)
        except (ValueError, LookupError, TypeError) as exc:
            raise refusal(
                path, f"is cut off or no list of {{text, sentiment}} ({type(exc).__name__}: {exc})"
            ) from exc
        y = self._labels(path, labels)
        if hashlib.sha256(content).hexdigest() != self.json_checksum:
            return self._halved(texts(reviews, str(path)), y, about)
        quarters = np.arange(2 * self.half).reshape(4, -1)
        train, test = (quarters[[1, 3]].ravel(), quarters[[0, 2]].ravel())
        parts = [([reviews[row] for row in rows], y[rows]) for rows in (train, test)]
        return self._published(parts, about)

    def read_csv(self, path: Path, about: About) -> Splits:
        """Reads a table with a column of reviews and a column of sentiments."""
        cells = read_text(path).cells
        try:
            names = [_column(_TEXT_NAMES, cells.columns), _column(_LABEL_NAMES, cells.columns)]
        except LookupError as exc:
            raise refusal(path, f"has {exc.args[0]}") from exc
        y = self._labels(path, cells[names[1]].str.strip().tolist())
        return self._halved(texts(cells[names[0]].tolist(), str(path)), y, about)

    def read_npz(self, path: Path, about: About) -> Splits:
        """Reads Keras's lists of word numbers back into words."""
        index = path.with_name(WORD_INDEX)
        if not index.is_file():
            raise refusal(path, f"needs {WORD_INDEX} beside it, but that is not there")
        if hashlib.sha256(path.read_bytes()).hexdigest() != self.npz_checksum:
            raise refusal(path, "is not the imdb.npz of Keras (its SHA-256 differs)")
        try:
            words = {number: word for word, number in json.loads(_read_text(index)).items()}
        except (ValueError, AttributeError) as exc:
            raise refusal(index, f"is cut off or no index of words ({exc})") from exc
        parts = []
        with np.load(path, allow_pickle=True) as file:
            for part in ("train", "test"):
                rows = file[f"x_{part}"].tolist()
                reviews = [" ".join(words[word] for word in row if word in words) for row in rows]
                parts.append((reviews, file[f"y_{part}"]))
        return self._published(parts, about)

    def _labels(self, path: Path, labels: Sequence[Any]) -> NDArray[np.float32]:
        """Returns 0 and 1; checks that there are as many of each as there must be."""
        known = [_LABELS.get(str(label).lower(), -1) for label in labels]
        y = np.array(known, dtype=np.float32)
        if (y < 0).any():
            row = int((y < 0).argmax())
            raise refusal(
                path,
                f"has the sentiment {labels[row]!r} in review {row + 1}; 0 and 1, neg and pos, or "
                "negative and positive are known",
            )
        if len(y) != 2 * self.half or y.sum() != self.half:
            raise refusal(
                path,
                f"holds {len(y):,} reviews, {int(y.sum()):,} of them positive, but must hold "
                f"{2 * self.half:,} and {self.half:,}",
            )
        return y

    def _published(self, parts: list[Any], about: About) -> Splits:
        train, test = ((texts(x, about.name), y.astype(np.float32)) for x, y in parts)
        return _splits(train, test, about)

    def _halved(self, x: Any, y: Any, about: About) -> Splits:
        """Divides reviews whose published parts are not known."""
        first_half, second_half = hold_out(np.arange(len(x)), 0.5, y)
        note = "train and test are halves that were drawn here, not the published ones"
        train, test = ((x[rows], y[rows]) for rows in (first_half, second_half))
        return _splits(train, test, replace(about, note=note))


def _splits(train: Pair, test: Pair, about: About) -> Splits:
    about = replace(about, feature_names=("text",))
    return with_validation(train, test, "binary", about, _CLASSES)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise refusal(path, f"cannot be read ({exc})") from exc


def _column(names: Sequence[str], there: Any) -> str:
    """Returns the one of the names that is there."""
    found = next((name for name in names if name in there), None)
    if found is None:
        raise LookupError(f"no {', '.join(names[:-1])} or {names[-1]}")
    return found
