"""All faults of a file in one message, each on one line and shown as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.data import rows_from_csv
from tuner.data.csv_file import read_text
from tuner.data.csv_table import load_csv
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.wording import toml


def write(folder: Path, text: str) -> Path:
    path = folder / "own.csv"
    path.write_bytes(text.encode())
    return path


def faults_of(path: Path, target: str = "y", **how: object) -> list[str]:
    """Returns the lines of the error: one a fault, below a first line if there are several."""
    with pytest.raises(DataError, match=path.name) as caught:
        load_csv(path, target, **how)  # type: ignore[arg-type]  # whatever the test gives
    return str(caught.value).splitlines()


def test_all_faults_are_in_one_message(tmp_path: Path) -> None:
    rows = "".join(
        f"{'1e99' if n == 3 else n},{'' if n == 5 else n},{1.7e9 + n:.0f},{n % 2}\n"
        for n in range(40)
    )
    path = write(tmp_path, "a,b,c,y\n" + rows)
    head, *faults = faults_of(path, drop=["g"], weight="b")
    assert head.endswith("own.csv: 4 faults:")
    beginnings = [
        'no column "g" to drop; ',
        'line 5, column "a": "1e99" is beyond what float32 holds (3.4e+38); correct it, or leave ',
        'column "c": 40 different values become 1 in float32',
        '1 empty cell in column "b" (first in line 7), which is the weight of each row; fill them ',
    ]
    for fault, beginning in zip(faults, beginnings, strict=True):
        assert fault.startswith(f"  {beginning}")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", ":"])
def test_wrong_separator_offers_that_of_the_header(separator: str, tmp_path: Path) -> None:
    declared = "," if separator == ";" else ";"
    text = f"a{separator}b{separator}y\n" + f"1{separator}2{separator}3\n" * 4
    faults = faults_of(write(tmp_path, text), dialect=Dialect(sep=declared))
    assert any(fault.endswith(f"sep = {toml(separator)}") for fault in faults)


def test_faults_of_one_kind_are_counted(tmp_path: Path) -> None:
    rows = "".join(f'"{n + 1},250";"{n + 1},125";{n};{n}\n' for n in range(30))
    path = write(tmp_path, "a;b;c;d\n" + rows)
    head, first, second = faults_of(path, "d", drop=["e"])
    assert head.endswith("own.csv: 2 faults:")
    assert first.startswith('  no column "e" to drop; ')
    assert second.startswith('  line 2, column "a": "1,250" is 1.25 with decimal = ",", or 1250 ')
    assert second.endswith("add the one that is meant to dataset (likewise 1 more column)")


def test_word_among_numbers_of_another_notation_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a\n" + "".join(f'"{n},5"\n' for n in range(30)) + "red\n")
    with pytest.raises(DataError, match='line 32, column "a": "red" is not a number; write a num'):
        rows_from_csv(path, ["a"])


def test_fingerprint_does_not_depend_on_the_dialect(tmp_path: Path) -> None:
    rows = [(n * 1234.5, -n, n % 3) for n in range(40)]
    plain = "a,b,y\n" + "".join(f"{a},{b},{y}\n" for a, b, y in rows)
    other = '"a"|b|y|note\r\n\r\n' + "".join(
        f"{a:_.2f}|−{-b}|{y} | '\r\n".replace(".", ",").replace("_", ".") for a, b, y in rows
    )
    path = write(tmp_path, plain)
    fingerprint = load_csv(path, "y").fingerprint
    write(tmp_path, other)
    dialect = Dialect(decimal=",", thousands=".")
    assert load_csv(path, "y", drop=["note"], dialect=dialect).fingerprint == fingerprint


def test_only_some_of_many_faults_are_shown(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(14)]
    rows = "\n".join(
        ",".join(["1e99" if row == 4 else "1"] * 14 + ["01"[row % 2]]) for row in range(20)
    )
    lines = faults_of(write(tmp_path, ",".join([*names, "y"]) + "\n" + rows))
    assert len(lines) == 12
    assert lines[-1] == "  … and 4 more faults"


def test_misspelt_target_is_not_checked_as_a_feature(tmp_path: Path) -> None:
    path = write(tmp_path, "a,species\n" + "1,red\n2,blue\n" * 9)
    assert faults_of(path, "Species") == [
        f'{path}: no column "Species" (the target); did you mean species?'
    ]


def test_a_header_of_one_column_asks_for_the_separator(tmp_path: Path) -> None:
    path = write(tmp_path, "a:y\n" + "1:0\n2:1\n" * 9)
    (line,) = faults_of(path)
    assert line.endswith('if there are several columns, declare what separates them: sep = ":"')
    assert load_csv(path, "y", dialect=Dialect(sep=":")).feature_names == ("a",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(tmp_path: Path, end: str) -> None:
    lines = ['a,"b', 'c",y', '"1', '",2,0', "1,2,0", '5,"3', 'x",0', '"1', '1",z,0', *["1,2,1"] * 9]
    table = read_text(write(tmp_path, end.join([*lines, ""])))
    assert [table.line(row) for row in range(4)] == [3, 5, 6, 8]
    assert [table.line(row, "y") for row in range(4)] == [4, 5, 7, 9]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'a,"b\nc"\n"1\n2",2\n1,2,3\n1,2\n1,2,3,4\n',
            r"line 5: 3 cells, but .* has 2 .*\(line 7\)",
        ),
        ('a,"b\nc"\n"1\n2",2\n1,"2\n', r'line 5: a quote \("\) is opened and never closed'),
        ("a,b\n1,2\n,,\n", "line 3: the row ends with a comma too many"),
        ("a b\n1 2\n1 2 3\n", r"line 3: 3 cells, .* has 2 \(separated by blanks\)"),
    ],
)
def test_broken_rows_are_named_by_their_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_text(write(tmp_path, text), Dialect(sep=" ") if "," not in text else None)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("re\nd", r"re\nd"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("1\u00a0kg", r"1\xa0kg"),
        ("\u202ered", r"\u202ered"),
        ("r" * 100, "r" * 59 + "…"),
        ("größe 한", "größe 한"),
    ],
)
def test_cells_are_shown_on_one_line(tmp_path: Path, cell: str, shown: str) -> None:
    path = write(tmp_path, f'a,y\n"{cell}",0\n' + "1,0\n1,1\n" * 9)
    with pytest.raises(DataError, match="is not a number") as caught:
        rows_from_csv(path, ["a"])
    assert f'column "a": "{shown}" is not a number' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_are_shown_on_one_line(tmp_path: Path) -> None:
    (line,) = faults_of(write(tmp_path, '"a\nb",c\n' + "1,0\n1,1\n" * 9))
    assert line.endswith(r"the columns are: a\nb, c")


def test_a_row_of_data_is_no_header(tmp_path: Path) -> None:
    line, *_ = faults_of(write(tmp_path, "5.1,3.5,setosa\n" + "4.9,3.0,other\n" * 9))[1:]
    assert line.endswith("setosa; if the first line is a row of data, put a line of names above it")


@pytest.mark.parametrize("sep", ["|", " ", "  ", "\t", ";", ","])
def test_separators_are_found_out(tmp_path: Path, sep: str) -> None:
    path = write(tmp_path, "\n".join(f"{a}{sep}{b}" for a, b in [("a", "b"), (1, 2), (3, 4)]))
    assert rows_from_csv(path, ["b", "a"]).tolist() == [[2, 1], [4, 3]]


def test_a_comma_may_be_separator_and_decimal_sign(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n"1,5","2,25"\n"3",4\n')
    assert rows_from_csv(path, ["a", "b"], Dialect(decimal=",")).tolist() == [[1.5, 2.25], [3, 4]]


def test_rows_to_predict_may_have_a_decimal_comma(tmp_path: Path) -> None:
    path = write(tmp_path, "a;b\n1,5;2\n")
    assert rows_from_csv(path, ["a", "b"]).tolist() == [[1.5, 2]]
    assert rows_from_csv(path, ["a", "b"], Dialect(decimal=",")).tolist() == [[1.5, 2]]


def test_an_encoding_can_be_declared(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes("größe,y\n1,2\n".encode("latin-1"))
    for encoding in ("ascii", "utf-8"):
        words = rf"is not text in the encoding {encoding} \(byte 0xf6\); declare another one"
        with pytest.raises(DataError, match=words):
            read_text(path, Dialect(encoding=encoding))
    assert list(read_text(path, Dialect(encoding="latin-1")).cells) == ["größe", "y"]


def test_rows_to_predict_in_another_encoding_name_the_option(tmp_path: Path) -> None:
    path = write(tmp_path, "größe,b\n1,2\n")
    with pytest.raises(DataError, match=r'"größe"; .*; if it is not text in cp1252, declare --enc'):
        rows_from_csv(path, ["größe", "b"], Dialect(encoding="cp1252"))


def test_a_byte_order_mark_overrides_the_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffgröße,b\n1,2\n")
    assert rows_from_csv(path, ["größe"], Dialect(encoding="cp1252")).tolist() == [[1]]


def test_single_column_with_decimal_commas_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a\n1,5\n2,25\n")
    assert rows_from_csv(path, ["a"], Dialect(decimal=",")).tolist() == [[1.5], [2.25]]


def test_only_some_of_many_text_columns_to_predict_from_are_listed(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(40)]
    path = write(tmp_path, f"{','.join(names)}\n" + f"{','.join('t' * 40)}\n" * 9)
    with pytest.raises(DataError, match=r"40 columns of text, where .* and 37 more columns; write"):
        rows_from_csv(path, names)


def test_columns_that_cannot_help_may_be_all_of_them(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(6)]
    (line,) = faults_of(
        write(tmp_path, f"{','.join(names)},y\n" + "t,t,t,t,t,t,0\n" * 9 + "t,t,t,t,t,t,1\n" * 9)
    )
    assert line.endswith(
        'no column is left to learn from: "c0" (always "t"), "c1" (always "t"), "c2" (always "t"), '
        '"c3" (always "t") and 2 more columns'
    )
