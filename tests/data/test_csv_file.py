from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tuner.data.csv_file import read_rows
from tuner.errors import DataError


def write(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n3,4\n",
        "a;b\n1;2\n3;4",
        "a\tb\r\n1\t2\r\n3\t4\r\n",
        "\ufeffa,b\n1,2\n3,4\n",
        '"a","b"\n "1" ,2\n3,4\n'.replace(' "1" ', '"1"'),
        "a , b\n\n1, 2\n3,4 \n\n",
    ],
)
def test_the_usual_forms(tmp_path: Path, content: str) -> None:
    rows = list(read_rows(write(tmp_path, content)))
    assert [cells for _, cells in rows] == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_rows_keep_their_line_numbers(tmp_path: Path) -> None:
    rows = list(read_rows(write(tmp_path, "a,b\n\n1,2\n\n3,4\n")))
    assert [line for line, _ in rows] == [1, 3, 5]


def test_commas_inside_other_separators(tmp_path: Path) -> None:
    rows = list(read_rows(write(tmp_path, "weight, kg;height, cm, bare;c\n1,5;2,5;3\n")))
    assert rows[1][1] == ["1,5", "2,5", "3"]


def test_compressed(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a,b\n1,2\n"), "table.csv.gz")
    assert [cells for _, cells in read_rows(path)] == [["a", "b"], ["1", "2"]]


def test_a_table_longer_than_the_sample(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "1.25,2.5\n" * 20_000)
    assert sum(1 for _ in read_rows(path)) == 20_001


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "table.csv is empty; the first line must name the columns"),
        (" \n\n", "table.csv is empty"),
        (b"\x89PNG\0\0\0\r", "table.csv is a binary file, not a CSV file"),
        (b"PK\x03\x04rest", "zip archive or an Excel workbook; save the sheet as CSV"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16 text; save it again as CSV .* UTF-8"),
        ("größe,b\n1,2\n".encode("latin-1"), "is not UTF-8 text .byte 0xf6.; save it again"),
        (gzip.compress(b"a,b\n1,2\n" * 99)[:-12], "is a broken gzip file .*; get it again"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells, but the header has 2 .separated by a comma."),
        ("a;b\n1;2\n1\n", "line 3: 1 cell, but the header has 2 .separated by a semicolon."),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 4: not a CSV file any more .unexpected end of data"),
        ("a,,b\n1,2,3\n", r"column 2 has no name in the first line; .* index=False"),
        ("a,b,a\n1,2,3\n", 'there are several columns "a"; every column needs its own name'),
        ("1.5,2,3\n4,5,6\n", r"holds 3 numbers \(1.5, 2, 3 …\); put a line of names above it"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        list(read_rows(write(tmp_path, content)))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_offers_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "a\n1\n", "wines.csv")
    with pytest.raises(DataError, match=r"there is no file .*wine.csv; did you mean wines.csv\?"):
        next(read_rows(tmp_path / "wine.csv"))
    with pytest.raises(DataError, match=r"the folder .*nowhere does not exist"):
        next(read_rows(tmp_path / "nowhere" / "wine.csv"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        next(read_rows(tmp_path))
