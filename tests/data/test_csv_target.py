from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whole_table import whole

from tuner.data.csv_table import load_csv
from tuner.data.csv_target import CsvTask
from tuner.data.splits import Splits
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.wording import quoted, toml


def load(
    folder: Path, target: list[str], task: CsvTask | None = None, dialect: Dialect | None = None
) -> Splits:
    """Loads a table of 60 rows; its feature is the position of the target in the list."""
    path = folder / "own.csv"
    rows = [f'{n % len(target)},"{target[n % len(target)]}"' for n in range(60)]
    path.write_text("\n".join(["a,y", *rows]), encoding="utf-8")
    return load_csv(path, "y", task=task, dialect=dialect)


def labels(data: Splits) -> dict[int, str]:
    """Returns the class of each position in the list that was loaded."""
    rows = whole(data)
    return {int(x): data.class_names[int(y)] for x, y in zip(rows.x[:, 0], rows.y, strict=True)}


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (["1234567.5", "1234568.5"], ("1234567.5", "1234568.5")),
        ([str(2**53 + n) for n in range(3)], tuple(str(2**53 + n) for n in range(3))),
        (["007", "01", "2"], ("01", "2", "007")),
        (["007", "7", "8"], ("007", "7", "8")),
        (["0.50", "1.50"], ("0.50", "1.50")),
        (["-1", "+1"], ("-1", "+1")),
        (["10", "9", "-2"], ("-2", "9", "10")),
        (["no", "No", "NO!"], ("NO!", "No", "no")),
        (["Grade 1", "Grade 2", "Grade 3"], ("Grade 1", "Grade 2", "Grade 3")),
    ],
)
def test_a_class_is_the_text_of_its_cell(
    tmp_path: Path, target: list[str], names: tuple[str, ...]
) -> None:
    data = load(tmp_path, target)
    assert data.class_names == names
    assert labels(data) == dict(enumerate(target))


def test_equal_numbers_are_one_class(tmp_path: Path) -> None:
    data = load(tmp_path, ["1", "1.0", " 1", "0", "0.0"])
    assert data.class_names == ("0", "1")
    assert labels(data) == {0: "1", 1: "1", 2: "1", 3: "0", 4: "0"}


CELLS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text('ab 0123.,-+eé"%$', min_size=1, max_size=5).filter(str.strip),
)


@given(st.lists(CELLS, max_size=6))
@settings(max_examples=30)
def test_classes_keep_their_texts_and_rows(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    cells = [*cells, "-3.5", "17"]  # two classes at least
    written = [cell.replace('"', '""') for cell in cells]
    marks = Dialect(not_missing=["-", "--", "---", "."])
    data = load(tmp_path_factory.mktemp("classes"), written, "classification", marks)
    assert len(set(data.class_names)) == len(data.class_names)
    assert set(data.class_names) <= {cell.strip() for cell in cells}
    for position, name in labels(data).items():
        cell = cells[position].strip()
        assert cell == name or float(cell) == float(name)


@pytest.mark.parametrize(
    ("target", "task", "found"),
    [
        (["1", "2", "3"], "regression", "regression"),
        (["1", "2"], "regression", "regression"),
        (["1.5", "2.5", "3.5"], "classification", "multiclass"),
        (["1,5", "2,5", "3,5"], "classification", "multiclass"),
        (["$5", "$6"], "classification", "binary"),
        (["1e99999999999", "2"], "classification", "binary"),
    ],
)
def test_a_declared_task_decides(
    tmp_path: Path, target: list[str], task: CsvTask, found: str
) -> None:
    data = load(tmp_path, target, task)
    assert data.task == found
    assert data.class_names == (() if found == "regression" else tuple(target))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (["(100)", "200"], r'"\(100\)" is not a plain number; write -100'),
        (["1.5", "inf", "2.5"], '"inf" is beyond what float32 holds'),
        (["0", "1", "unknown"], r'"unknown" is not a number, but all others are; if it marks a mi'),
        (["1.5", "2.5", "3.5", "4.5", "x", "u"], r'"x" is not a number \(and 19 more .*most other'),
    ],
)
def test_numbers_in_several_notations_are_no_classes(
    tmp_path: Path, target: list[str], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load(tmp_path, target)
    assert 'column "y"' in str(caught.value)


@pytest.mark.parametrize(
    "mark",
    [
        *("?", "-", "#N/A", "N/A", "n.a.", "NULL", "NaN", "nan", "None", "NaT", "<NA>", "—", "."),
        *("#DIV/0!", "\\N", "-nan", "(null)"),
    ],
)
def test_marks_for_missing_values_are_no_classes(tmp_path: Path, mark: str) -> None:
    data = load(tmp_path, ["0", "1", mark])
    assert data.class_names == ("0", "1")
    assert data.note.startswith(f'20 rows without a value of "y" left out; {quoted(mark)} counts')
    assert data.note.endswith(f"if it is a class: not_missing = [{toml(mark)}]")
    assert len(whole(data)) == 40
    with pytest.raises(DataError, match='"y" is no in every row that has a value') as caught:
        load(tmp_path, ["no", mark, mark])  # the only word, but not among numbers
    assert "is not a number" not in str(caught.value)
    kept = Dialect(not_missing=[mark])
    data = load(tmp_path, ["no", "yes", mark], dialect=kept)
    assert mark in data.class_names


@pytest.mark.parametrize(
    ("target", "marks"),
    [(["1.5", "2.5", "-999", "-999.0"], ["-999"]), (["a", "b", "nil?"], ["NIL?"])],
)
def test_declared_marks_are_missing_values(
    tmp_path: Path, target: list[str], marks: list[str]
) -> None:
    data = load(tmp_path, target, dialect=Dialect(missing=marks))
    assert 'rows without a value of "y" left out; ' in data.note
    assert "not_missing" not in data.note


def test_many_small_classes_are_refused_with_the_advice_to_predict_a_quantity(
    tmp_path: Path,
) -> None:
    with pytest.raises(
        DataError, match=r'class "0" has 4 rows .* not a class: task = "regression"'
    ):
        load(tmp_path, [str(number) for number in range(16)])
    target = [str(number) for number in range(16)]
    np.testing.assert_array_equal(
        np.unique(whole(load(tmp_path, target, "regression")).y), range(16)
    )


@pytest.mark.parametrize(
    ("form", "least"),
    [
        ("{},5", 0.5),
        ("{}.5 %", 0.5),
        ("$1{},000.50", 10_000.5),
        ("1{}’000,5", 10_000.5),
        ("{}원", 0),
        ("{},-", 0),
    ],
)
def test_numbers_in_any_notation_are_a_quantity(tmp_path: Path, form: str, least: float) -> None:
    data = load(tmp_path, [form.format(n) for n in range(30)])
    assert data.task == "regression"
    assert whole(data).y.min() == least


@pytest.mark.parametrize("form", ["{}.5 kg", "-{}k", "{} m²"])
def test_numbers_with_a_unit_are_no_classes(tmp_path: Path, form: str) -> None:
    target = [form.format(n) for n in range(30)]
    with pytest.raises(DataError, match="is a number with a unit, as are all others; write the nu"):
        load(tmp_path, target)
    with pytest.raises(DataError, match=r"too few to be divided"):
        load(tmp_path, target, "classification")


@pytest.mark.parametrize("form", ["subject_{}", "s{}", "{} of 30 a", "n°{}"])
def test_numbered_names_are_classes(tmp_path: Path, form: str) -> None:
    with pytest.raises(DataError, match=r"too few to be divided"):
        load(tmp_path, [form.format(n) for n in range(30)])


@pytest.mark.parametrize("form", ["Python 3.{}", "{}.5 kg"])
def test_few_numbers_with_a_unit_are_classes(tmp_path: Path, form: str) -> None:
    target = [form.format(n) for n in range(12)]
    assert set(load(tmp_path, target).class_names) == set(target)
