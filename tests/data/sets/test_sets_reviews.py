from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.data import load_splits as load
from tuner.data.arrays import About
from tuner.data.sets.review_files import WORD_INDEX, Imdb
from tuner.errors import DataError

ABOUT = About("toy")
HALF = 40  # reviews in each published part


def review(part: str, kind: str, number: int) -> str:
    return f"This film — {part} {number} — was {kind}.<br />Really."


def rows() -> list[dict[str, Any]]:
    """In the order of the JSON whose order is known."""
    quarters = [("test", "neg"), ("train", "neg"), ("test", "pos"), ("train", "pos")]
    return [
        {"t": review(part, kind, number), "s": int(kind == "pos")}
        for part, kind in quarters
        for number in range(HALF // 2)
    ]


def write_json(path: Path, content: Any = None) -> Path:
    path.write_text(json.dumps(rows() if content is None else content), encoding="utf-8")
    return path


def toy(json_file: Path | None = None, npz_file: Path | None = None) -> Imdb:
    """The reader of a small set whose files have the published checksums."""
    checksums = (
        hashlib.sha256(file.read_bytes()).hexdigest() if file else ""
        for file in (json_file, npz_file)
    )
    return Imdb(HALF, *checksums)


def write_folder(folder: Path) -> Path:
    for part in ("train", "test"):
        for kind in ("neg", "pos"):
            (folder / part / kind).mkdir(parents=True)
            for number in range(HALF // 2):
                text = review(part, kind, number)
                (folder / part / kind / f"{number}_1.txt").write_text(text, encoding="utf-8")
    (folder / "train" / "unsup").mkdir()
    return folder


def test_the_json_whose_order_is_known_has_the_published_parts(tmp_path: Path) -> None:
    path = write_json(tmp_path / "reviews.json")
    data = toy(path).read_json(path, ABOUT)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [32, 8, 40]
    assert data.kind == "text"
    assert data.feature_names == ("text",)
    assert data.class_names == ("negative", "positive")
    assert data.note == ""
    for part, name in ((data.train, "train"), (data.validation, "train"), (data.test, "test")):
        assert part.y.sum() == len(part) / 2
        for text, label in zip(part.x, part.y, strict=True):
            assert f"— {name} " in text
            assert ("pos" in text) == bool(label)


def test_other_orders_are_divided_here(tmp_path: Path) -> None:
    path = write_json(tmp_path / "reviews.json", rows()[::-1])
    data = toy().read_json(path, ABOUT)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [32, 8, 40]
    assert data.test.y.sum() == 20
    assert "not the published ones" in data.note


def test_folder_of_the_authors_is_read(tmp_path: Path) -> None:
    data = toy().read_folder(write_folder(tmp_path / "aclImdb"), ABOUT)
    json_data = toy(write_json(tmp_path / "r.json")).read_json(tmp_path / "r.json", ABOUT)
    assert sorted(data.test.x) == sorted(json_data.test.x)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [32, 8, 40]


@pytest.mark.parametrize(
    ("header", "labels"),
    [("review,sentiment", ("negative", "positive")), ("text,label", (0, 1))],
)
def test_csv_of_reviews_is_read(tmp_path: Path, header: str, labels: tuple[Any, Any]) -> None:
    path = tmp_path / "reviews.csv"
    lines = [f'"{row["t"]} He said ""no"",\nreally",{labels[row["s"]]}' for row in rows()]
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    data = toy().read_csv(path, ABOUT)
    assert len(data.test) == 40
    assert all('He said "no",\nreally' in text for text in data.test.x)
    assert all(("pos" in t) == bool(y) for t, y in zip(data.train.x, data.train.y, strict=True))


def write_npz(folder: Path) -> Path:
    words = {"the": 1, "film": 2, "was": 3, "good": 4, "bad": 5}
    (folder / WORD_INDEX).write_text(json.dumps(words), encoding="utf-8")
    x = np.empty(HALF, dtype=object)
    x[:] = [[1, 2, 3, 4 + row % 2, 99] for row in range(HALF)]
    y = 1 - np.arange(HALF) % 2
    np.savez(folder / "imdb.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    return folder / "imdb.npz"


def test_the_npz_of_keras_becomes_words(tmp_path: Path) -> None:
    path = write_npz(tmp_path)
    data = toy(npz_file=path).read_npz(path, ABOUT)
    assert set(data.train.x) == {"the film was good", "the film was bad"}
    assert all(("good" in x) == bool(y) for x, y in zip(data.test.x, data.test.y, strict=True))


def test_an_unknown_pickle_is_never_opened(tmp_path: Path) -> None:
    path = write_npz(tmp_path)
    with pytest.raises(DataError, match=r"imdb.npz is not the imdb.npz of Keras \(its SHA-256"):
        toy().read_npz(path, ABOUT)
    (tmp_path / WORD_INDEX).write_text('{"the": 1', encoding="utf-8")
    with pytest.raises(DataError, match=r"word_index.json is cut off or no index of words"):
        toy(npz_file=path).read_npz(path, ABOUT)
    (tmp_path / WORD_INDEX).unlink()
    with pytest.raises(DataError, match=r"imdb.npz needs imdb_word_index.json beside it"):
        toy(npz_file=path).read_npz(path, ABOUT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rows()[:-1], "holds 79 reviews, 39 of them positive, but must hold 80 and 40"),
        ([*rows()[:-1], {"t": "x", "s": 0}], "holds 80 reviews, 39 of them positive"),
        ([*rows()[:-1], {"t": "x", "s": 5}], "has the sentiment 5 in review 80; 0 and 1, neg and"),
        ([*rows()[:-1], {"t": "x"}], "is cut off or no list of {text, sentiment} .KeyError"),
        ([*rows()[:-1], {"t": None, "s": 1}], "must hold .* one text a row, but row 79 holds None"),
        ([{"a": 1}], "no review, text or t"),
        ({"a": 1}, "is cut off or no list"),
        ([], "is cut off or no list"),
    ],
)
def test_malformed_json_is_refused(tmp_path: Path, content: Any, words: str) -> None:
    path = write_json(tmp_path / "reviews.json", content)
    with pytest.raises(DataError, match=words) as caught:
        toy().read_json(path, ABOUT)
    assert str(path) in str(caught.value)


def test_truncated_json_is_refused_and_kept(tmp_path: Path) -> None:
    path = write_json(tmp_path / "reviews.json")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"reviews.json is cut off or no list .*JSONDecodeError"):
        toy().read_json(path, ABOUT)
    assert path.stat().st_size == 1000


def test_a_half_unpacked_folder_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "aclImdb")
    (folder / "test" / "pos" / "3_1.txt").unlink()
    with pytest.raises(DataError, match="aclImdb/test/pos holds 19 reviews, but must hold 20"):
        toy().read_folder(folder, ABOUT)


def test_csv_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("review,stars\na,1\nb,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"reviews.csv has no sentiment, label or s; move it away"):
        toy().read_csv(path, ABOUT)


@pytest.mark.parametrize("inside", ["imdb", ""])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reviews.json", "reviews.json is cut off"),
        ("reviews.csv", "reviews.csv is empty"),
        ("IMDB Dataset.csv", "IMDB Dataset.csv is empty"),
        ("imdb.npz", "imdb.npz needs imdb_word_index.json"),
        ("aclImdb/train/neg/0_1.txt", "aclImdb/train/neg holds 1 reviews, but must hold 12,500"),
    ],
)
def test_every_form_is_looked_for(home: Path, inside: str, name: str, words: str) -> None:
    path = home / inside / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=words):
        load("imdb", Path())


def test_the_content_of_the_folder_may_lie_in_imdb_itself(home: Path) -> None:
    (home / "imdb" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match="imdb/train/neg holds 0 reviews"):
        load("imdb", Path())


def test_npz_of_keras_is_used_only_with_its_word_index(tmp_path: Path) -> None:
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    (cache / "imdb.npz").write_bytes(b"")
    with pytest.raises(DataError, match="the data of imdb are not here"):
        load("imdb", Path())
    (cache / WORD_INDEX).write_bytes(b"{}")
    with pytest.raises(DataError, match=r"imdb\.npz is not the imdb.npz of Keras"):
        load("imdb", Path())
