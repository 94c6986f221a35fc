from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tuner.data import load_splits, rows_from_csv, texts_from_file
from tuner.data.csv_table import load_csv, read_csv
from tuner.data.rows_to_predict import rows_from_table
from tuner.errors import DataError
from tuner.spec import CsvDataset, Dialect


def table(folder: Path, target: list[str], feature: list[str] | None = None) -> Path:
    path = folder / "own.csv"
    cells = feature or [str(number / 2) for number in range(len(target))]
    lines = [f"{n},{cell},{y}" for n, (cell, y) in enumerate(zip(cells, target, strict=True))]
    path.write_text("\n".join(["a,b,y", *lines]), encoding="utf-8")
    return path


def test_load_csv_divides_a_table(tmp_path: Path) -> None:
    table(tmp_path, ["yes", "no"] * 10)
    data = load_splits(CsvDataset(csv="own.csv", target="y"), tmp_path)
    assert data.task == "binary"
    assert data.class_names == ("no", "yes")
    assert data.feature_names == ("a", "b")
    assert (data.name, data.source) == ("own", "own.csv")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 4, 4]
    for part in (data.train, data.validation, data.test):
        np.testing.assert_array_equal(part.x[:, 1], part.x[:, 0] / 2)
        np.testing.assert_array_equal(part.y, 1 - part.x[:, 0] % 2)
    assert load_csv(tmp_path / "own.csv", "y").fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("target", "task", "names"),
    [
        (["0", "1"] * 10, "binary", ("0", "1")),
        (["0.5", "1.5"] * 10, "binary", ("0.5", "1.5")),
        (["3", "11", "5"] * 10, "multiclass", ("3", "5", "11")),
        (["1", "2", "3+"] * 10, "multiclass", ("1", "2", "3+")),
        ([str(number) for number in range(20)] * 5, "multiclass", tuple(map(str, range(20)))),
        ([str(number) for number in range(21)] * 5, "regression", ()),
        (["3.0", "11.0", "5.0"] * 10, "regression", ()),
        (["1e3", "2e3", "3e3"] * 10, "regression", ()),
        (
            [str(10**17 + number) for number in range(3)] * 10,
            "multiclass",
            tuple(str(10**17 + number) for number in range(3)),
        ),
    ],
)
def test_task_follows_from_the_target_column(
    tmp_path: Path, target: list[str], task: str, names: tuple[str, ...]
) -> None:
    data = load_csv(table(tmp_path, target), "y")
    assert (data.task, data.class_names) == (task, names)


@pytest.mark.parametrize(
    ("target", "feature", "words"),
    [
        (["0", "1"] * 4, None, "8 rows; at least 10 are needed"),
        ([], None, "0 rows; at least 10"),
        (["2"] * 10, None, 'column "y" is 2 in every row'),
        (["a", "b"] * 6 + ["c", "d"], None, r'column "y": class "c" has 1 row \(and 1 more class'),
        (["a"] * 10 + ["c"], None, 'column "y": class "c" has 1 row, too few to be divided'),
        (["0", "", "1"] * 4, None, 'with a value of "y": 8 rows; at least 10 are needed'),
        ([""] * 10, None, 'column "y" has no values: there is nothing to learn'),
        (
            ["NaN"] * 10,
            None,
            r'column "y" has no values: .*; "NaN" counts as empty; if it is a class: not_missing',
        ),
        (["no", "NaN"] * 5, None, 'column "y" is no in every row that has a value'),
        (
            [*(str(n / 7) for n in range(29)), "x"],
            None,
            'line 31, column "y": "x" is not a number; most others are',
        ),
        (["0", "1"] * 5, ["1"] * 9 + ["inf"], 'line 11, column "b": "inf" is beyond what float32'),
        (["0", "1"] * 5, ["1"] * 9 + ["1e39"], '"1e39" is beyond what float32 holds'),
    ],
)
def test_unusable_table_is_refused(
    tmp_path: Path, target: list[str], feature: list[str] | None, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load_csv(table(tmp_path, target, feature), "y")
    assert str(tmp_path / "own.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


AMBIGUOUS = "a;b;y\n" + "".join(f"{n + 1},{n * 37 % 900 + 100};{n};{n % 2}\n" for n in range(20))
BOTH = 'column "a": "1,100" is 1.1 with decimal = ",", or 1100 with thousands = ","; add the one'


def test_numbers_with_two_readings_are_refused_unless_a_guess_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(AMBIGUOUS, encoding="utf-8")
    with pytest.raises(DataError, match=BOTH):
        load_csv(path, "y")
    with pytest.raises(DataError, match=BOTH):
        load_csv(path, "y", time="a")
    with pytest.raises(DataError, match=f'{BOTH}.* if these are classes: task = "classification"'):
        load_csv(path, "a")
    for dropped in (load_csv(path, "y", drop=["a"]), load_csv(path, "y", kind={"a": "category"})):
        assert len(dropped.train)
    data = load_csv(path, "y", select="useful")
    assert data.train.x[:, 0].min() >= 1000
    assert data.schema is not None
    assert data.schema.columns[0].reason.endswith('"1,100" is read as 1100; it may be 1.1')


def test_repeated_name_of_the_target_is_said_to_be_the_first(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("y,a,y\n" + "".join(f"{i % 2},{i},{i * i}\n" for i in range(20)))
    table = read_csv(path, "y")
    assert table.schema.notes == ('name "y" repeated: y, y_2; y is the target',)


def test_dropped_column_does_not_decide_how_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    text = "a;b;y\n" + "".join(f"{n + 1}.250;{n},5;{n % 2}\n" for n in range(20))
    path.write_text(text, encoding="utf-8")
    assert load_csv(path, "y", drop=["b"]).train.x.max() < 21
    assert load_csv(path, "y").train.x[:, 0].min() >= 1250


def test_rows_to_predict_with_two_readings_are_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text(AMBIGUOUS.replace(",", ""), encoding="utf-8")
    schema = load_csv(plain, "y").schema
    assert schema is not None
    path = tmp_path / "own.csv"
    path.write_text(AMBIGUOUS, encoding="utf-8")
    with pytest.raises(DataError, match=r'"1,100" is 1.1 with --decimal ",", or 1100 with --thous'):
        rows_from_table(path, schema)
    rows = rows_from_table(path, schema, Dialect(thousands=","))
    assert rows[0].tolist() == [1100, 0]


def test_a_decimal_comma_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("a;y\n" + "1,5;0\n2,5;1\n" * 6, encoding="utf-8")
    data = load_csv(path, "y")
    assert set(data.train.x.ravel().tolist()) == {1.5, 2.5}
    assert data.schema is not None
    assert "written 1234,5" in data.schema.columns[0].reason


def test_empty_cells_of_many_columns_to_predict_from_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("a,b,c,d\n" + ",,,NA\n1,2,3,4\n" * 6, encoding="utf-8")
    with pytest.raises(DataError, match=r'"a" .*, 6 empty cells in column "b" .* 1 more column;'):
        rows_from_csv(path, ["a", "b", "c", "d"])


def test_the_target_column_must_be_there(tmp_path: Path) -> None:
    path = table(tmp_path, ["0", "1"] * 5)
    with pytest.raises(DataError, match=r'no column "z" \(the target\); the columns are: a, b, y'):
        load_csv(path, "z")
    with pytest.raises(DataError, match=r'no column "Y" \(the target\); did you mean y\?'):
        load_csv(path, "Y")
    path.write_text("y\n" + "0\n1\n" * 5, encoding="utf-8")
    with pytest.raises(DataError, match='no column beside the target "y"'):
        load_csv(path, "y")


def test_rows_to_predict_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a\n" + "\n".join(map(str, range(10_000))), encoding="utf-8")
    np.testing.assert_array_equal(rows_from_csv(path, ["a"])[:, 0], np.arange(10_000))


def test_rows_to_predict_are_found_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("b;note;a\n2;red;1\n4;;3\n", encoding="utf-8")
    rows = rows_from_csv(path, ("a", "b"))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,bb\n1,2\n", r'lacks 1 column that the model takes: "b"; did you mean bb\?'),
        (
            "q\n1\n",
            r'lacks 2 columns .*: "a", "b"; the other columns are: q; what separates .* --sep',
        ),
        ("a,b\n", "rows.csv has no rows below its header"),
        ("a,b\n1,\n", r'1 empty cell in column "b" \(first in line 2\)'),
        ("a,b\n1,x\n", 'line 2, column "b": "x" is not a number'),
    ],
)
def test_bad_rows_to_predict_are_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        rows_from_csv(path, ("a", "b"))


def test_a_model_without_columns_takes_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="this model does not take the rows of a table"):
        rows_from_csv(tmp_path / "rows.csv", ())


def test_texts_are_read_from_text_and_csv_files(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("A film, really; good.\n\nBad — very.\n", encoding="utf-8")
    assert texts_from_file(path).tolist() == ["A film, really; good.", "Bad — very."]
    path.write_text("one\u2028line\r\nanother\x85line\x0c", encoding="utf-8")
    assert texts_from_file(path).tolist() == ["one\u2028line", "another\x85line\x0c"]
    path = tmp_path / "rows.csv"
    path.write_text('id,text\n1,"A film, really; good."\n2,Bad — very.\n', encoding="utf-8")
    assert texts_from_file(path).tolist() == ["A film, really; good.", "Bad — very."]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.csv", b"id,Text\n1,a\n", 'lacks the column "text" .*; did you mean Text'),
        ("rows.csv", b"text\n", "rows.csv has no texts"),
        ("rows.txt", b"\n", "rows.txt has no texts"),
        ("rows.txt", b"\xff\xfe", "rows.txt cannot be read as UTF-8 text"),
        ("rows.txt", None, "there is no file .*rows.txt"),
    ],
)
def test_bad_texts_to_predict_are_refused(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        texts_from_file(tmp_path / name)
