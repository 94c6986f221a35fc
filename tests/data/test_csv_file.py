from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tuner.data.csv_file import iter_text, read_text
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
        ("a\0b", "table.csv is a binary file, not a CSV file"),
        (b"PK\x03\x04rest", "is a broken zip archive or Excel workbook .*; get it again"),
        ("<!DOCTYPE html><html><table>", "table.csv is a web page, not a table; save the tab"),
        ('[{"a": 1, "b": 2}]', "table.csv is a JSON file, not a table"),
        (
            gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12],
            "is a broken gzip file .*; get it again",
        ),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells, but the header has 2 .separated by a comma."),
        ("\n\na;b\n1;2\n\n1;2;3\n", "line 6: 3 cells, .* has 2 .separated by a semicolon."),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3: a quote .* is opened and never closed"),
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
        ("1.5,2,3\n4,5,6\n", r"holds 3 numbers \(1.5, 2, 3 …\); put a line of names above it"),
    ],
)
def test_file_that_is_no_table_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_text(write(tmp_path, content))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "names", "note"),
    [
        ("a,,b", ["a", "column_2", "b"], "column 2 has no name: called column_2"),
        ("a,b,a", ["a", "b", "a_2"], 'name "a" repeated: a, a_2'),
        ("a,a_2,a", ["a", "a_2", "a_2_2"], 'name "a" repeated: a, a_2_2'),
        (",column_1,b", ["column_1_2", "column_1", "b"], "column 1 has no name: called column_1_2"),
    ],
)
def test_columns_without_a_name_of_their_own_get_one(
    tmp_path: Path, header: str, names: list[str], note: str
) -> None:
    table = read_text(write(tmp_path, f"{header}\n1,2,3\n"))
    assert list(table.cells.columns) == names
    assert table.notes == (note,)


def test_only_some_of_many_names_are_noted(tmp_path: Path) -> None:
    table = read_text(write(tmp_path, f"a{',' * 9}\n{'1,' * 9}1\n"))
    assert len(table.notes) == 6
    assert table.notes[-1] == "likewise 4 more columns"


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252"]
)
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    text = "größe;straße\n1;Ä-Weg\n"
    table = read_text(write(tmp_path, text.encode(encoding)))
    assert list(table.cells.columns) == ["größe", "straße"]
    assert table.cells.iloc[0].tolist() == ["1", "Ä-Weg"]
    named = encoding.upper()
    assert table.notes == (() if encoding == "utf-8-sig" else (f"read as {named}",))
    assert table.found.encoding == encoding.removesuffix("-sig")


def test_an_encoding_is_found_far_behind_the_sample(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 20_000 + "5,Müller\n"
    table = read_text(write(tmp_path, text.encode("cp1252")))
    assert table.cells["b"].iat[-1] == "Müller"


def archive(folder: Path, **files: str) -> Path:
    path = folder / "table.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name.replace("__", "/") + ".csv", content)
    return path


def test_read_text_reads_the_only_member_of_a_zip_archive(tmp_path: Path) -> None:
    path = archive(tmp_path, folder__a="a,b\n1,2\n", folder__="")
    assert read_text(path).cells.to_numpy().tolist() == [["1", "2"]]


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a zip archive of 2 files: a.csv, b.csv; unpack it"):
        read_text(archive(tmp_path, a="a\n1\n", b="a\n1\n"))
    with pytest.raises(DataError, match=r"a zip archive of 0 files; unpack it"):
        read_text(archive(tmp_path))
    with pytest.raises(DataError, match=r"line 3: 3 cells, but the header has 2"):
        read_text(archive(tmp_path, a="a,b\n1,2\n1,2,3\n"))


def test_a_workbook_is_no_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", "")
    with pytest.raises(DataError, match="is an Excel or OpenDocument workbook; save the sheet"):
        read_text(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sample_is_uniform_and_knows_its_lines(tmp_path: Path, end: str) -> None:
    rows = [f'{n},"first{end}second"{end}{end}' for n in range(120_000)]
    path = write(tmp_path, f"a,b{end}" + "".join(rows))
    table = read_text(path, most_rows=2_000)
    assert (len(table.cells), table.rows_in_file) == (2_000, 120_000)
    numbers = table.cells["a"].astype(int)
    assert numbers.is_monotonic_increasing
    quarters = np.histogram(numbers, bins=4, range=(0, 120_000))[0]
    assert (abs(quarters - 500) < 5 * np.sqrt(375)).all()  # five standard deviations
    assert [table.line(row) for row in (0, 777, 1_999)] == [
        3 * numbers.iat[row] + 2 for row in (0, 777, 1_999)
    ]
    assert read_text(path, most_rows=2_000).cells.equals(table.cells)


def test_a_sample_of_a_small_file_is_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n\n3,4\n")
    table = read_text(path, most_rows=2)
    assert (table.cells.to_numpy().tolist(), table.rows_in_file) == ([["1", "2"], ["3", "4"]], 2)
    assert table.line(1) == 4


def test_chunks_have_the_names_and_the_lines(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,"b\nc"\n1,"x\ny"\n2,z\n3,z\n4,z\n')
    chunks = list(iter_text(path, rows=2))
    assert [chunk.cells["a"].tolist() for chunk in chunks] == [["1"], ["2", "3"], ["4"]]
    assert [list(chunk.cells) for chunk in chunks] == [["a", "b\nc"]] * 3
    assert [chunk.line(0) for chunk in chunks] == [3, 5, 7]


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
