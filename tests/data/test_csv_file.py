from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tuner.data.csv_file import read_text
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
        "sep=:\na:b\n1:2\n3:4\n",
    ],
)
def test_read_text_reads_usual_forms(tmp_path: Path, content: str) -> None:
    cells = read_text(write(tmp_path, content)).cells
    assert list(cells.columns) == ["a", "b"]
    assert cells.map(str.strip).to_numpy().tolist() == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("a,b\n1,2\n3,4\n", [2, 3]),
        ("a,b\n\n1,2\n\n3,4\n", [3, 5]),
        ("\n\na,b\n1,2\n3,4\n", [4, 5]),
        ('a,b\n"one\nand more",2\n,\n3,4\n', [2, 5]),
    ],
)
def test_rows_know_their_lines(tmp_path: Path, content: str, lines: list[int]) -> None:
    table = read_text(write(tmp_path, content))
    assert [table.line(row) for row in range(len(table.cells))] == lines


def test_a_short_row_ends_in_empty_cells(tmp_path: Path) -> None:
    cells = read_text(write(tmp_path, "a,b,c\n1,2,3\n1\n")).cells
    assert cells.to_numpy().tolist() == [["1", "2", "3"], ["1", "", ""]]


def test_read_text_keeps_marks_for_missing_values(tmp_path: Path) -> None:
    cells = read_text(write(tmp_path, "a,b\nNA,nan\nNone,null\n")).cells
    assert cells.to_numpy().tolist() == [["NA", "nan"], ["None", "null"]]


def test_commas_inside_other_separators(tmp_path: Path) -> None:
    cells = read_text(write(tmp_path, "weight, kg;height, cm, bare;c\n1,5;2,5;3\n")).cells
    assert cells.iloc[0].tolist() == ["1,5", "2,5", "3"]


def test_read_text_reads_gzip(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a,b\n1,2\n", mtime=0), "table.csv.gz")
    assert read_text(path).cells.to_numpy().tolist() == [["1", "2"]]


def test_table_longer_than_the_sample_is_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "1.25,2.5\n" * 20_000)
    assert read_text(path).cells.shape == (20_000, 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\ufeff", "table.csv is empty; the first line must name the columns"),
        ("", "table.csv is empty; the first line must name the columns"),
        (" \n\n", "table.csv is empty"),
        (b"\x89PNG\0\0\0\r", "table.csv is a binary file, not a CSV file"),
        (b"PK\x03\x04rest", "zip archive or an Excel workbook; save the sheet as CSV"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16 text; save it again as CSV .* UTF-8"),
        ("größe,b\n1,2\n".encode("latin-1"), "is not UTF-8 text .byte 0xf6.; save it again"),
        (
            gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12],
            "is a broken gzip file .*; get it again",
        ),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells, but the header has 2 .separated by a comma."),
        ("\n\na;b\n1;2\n\n1;2;3\n", "line 6: 3 cells, .* has 2 .separated by a semicolon."),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3: a quote .* is opened and never closed"),
        ("a,,b\n1,2,3\n", r"column 2 has no name in the first line; .* index=False"),
        (",,\n,,\n", "table.csv is empty; the first line must name the columns"),
        ("a,b\n1,2,\n3,4,\n", "line 2: the row ends with a comma too many, as 1 more row does; t"),
        (
            "# from lab 3\n# mm, kg\na;b;y\n1;2;3\n4;5;6\n7;8;9\n".replace(";", ","),
            r"the first line must name .* has 1 cell \(# from lab 3\) and 4 rows have 3 .*comments",
        ),
        (
            'a b\n"1" 2 3\n"2" 4 5\n',
            r"has 2 cells \(a, b\) and 2 rows have 3 .separated by blanks.*row.names=FALSE",
        ),
        ("1,b,1\n1,2,3\n", 'several columns "1"; .*; if the first line is a row of data, put'),
        ("a,b,a\n1,2,3\n", 'there are several columns "a"; every column needs its own name'),
        ("1.5,2,3\n4,5,6\n", r"holds 3 numbers \(1.5, 2, 3 …\); put a line of names above it"),
    ],
)
def test_file_that_is_no_table_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_text(write(tmp_path, content))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", [",", ",,", ", "])
def test_separators_at_the_end_of_all_lines_make_no_column(tmp_path: Path, end: str) -> None:
    table = read_text(write(tmp_path, f"a,b{end}\n1,2{end}\n{end}\n3,{end}\n"))
    assert table.cells.to_numpy().tolist() == [["1", "2"], ["3", ""]]
    assert table.line(1, "b") == 4


def test_a_missing_file_offers_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "a\n1\n", "wines.csv")
    with pytest.raises(DataError, match=r"there is no file .*wine.csv; did you mean wines.csv\?"):
        read_text(tmp_path / "wine.csv")
    with pytest.raises(DataError, match=r"the folder .*nowhere does not exist"):
        read_text(tmp_path / "nowhere" / "wine.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_text(tmp_path)
