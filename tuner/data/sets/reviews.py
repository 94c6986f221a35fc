"""The film reviews of IMDb as raw text."""

from __future__ import annotations

from pathlib import Path

from tuner.data.sets.dataset import Dataset, Download, Form
from tuner.data.sets.locations import data_home, first, keras_cache
from tuner.data.sets.review_files import WORD_INDEX, Imdb
from tuner.spec.dataset_rows import DATASET_ROWS

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
NPZ = Download(
    f"{_KERAS}imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
)
WORDS = Download(f"{_KERAS}{WORD_INDEX}", "md5:bfafd718b763782e994055a2d397834f")


def _in_home(*names: str) -> Path | None:
    return first(
        *(folder / name for folder in (data_home() / "imdb", data_home()) for name in names)
    )


def _find_folder() -> Path | None:
    """Finds aclImdb, or its content in the folder imdb itself."""
    bare = data_home() / "imdb"
    return _in_home("aclImdb") or (bare if (bare / "train").is_dir() else None)


def _find_npz() -> Path | None:
    """Keras's cache counts only with the words: Keras gets the two files at different times."""
    cached = keras_cache() / NPZ.name
    whole = cached.is_file() and cached.with_name(WORDS.name).is_file()
    return _in_home(NPZ.name) or (cached if whole else None)


_IMDB = Imdb(
    half=25_000,
    json_checksum="325ab424eb6899870dd9294c6fe5be9265f66f8a2f63bcd941c6277cc1c17ea8",
    npz_checksum=NPZ.checksum,
)
IMDB = Dataset(
    name="imdb",
    title="praise or not, from the text of a film review",
    task="binary",
    kind="text",
    rows=DATASET_ROWS["imdb"],
    source="A. Maas et al.: Learning Word Vectors for Sentiment Analysis, ACL 2011",
    licence="free to use with citation, no licence stated",
    forms=(
        Form(lambda: _in_home("reviews.json"), _IMDB.read_json),
        Form(_find_folder, _IMDB.read_folder),
        Form(lambda: _in_home("reviews.csv", "IMDB Dataset.csv"), _IMDB.read_csv),
        Form(
            _find_npz,
            _IMDB.read_npz,
            note="the reviews as Keras ships them: lower-case words without punctuation",
        ),
    ),
    ways=(
        "put the folder aclImdb as its authors pack it, or reviews.json (a list of objects with "
        "text and sentiment), reviews.csv (columns text and sentiment), or imdb.npz with "
        f"{WORD_INDEX} of Keras, into {{home}}/imdb",
    ),
    downloads=(NPZ, WORDS),
)
