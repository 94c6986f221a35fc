"""Files and frames whose columns are not all numbers without gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.bundle.info import DataInfo
from tuner.data import Splits, functions, load, load_splits, look_up
from tuner.data.folds import folds_of
from tuner.data.rows_to_predict import iter_rows, rows_from_frame, rows_from_table
from tuner.data.schema import Schema
from tuner.errors import DataError
from tuner.spec import CsvDataset

N = 60
DAYS = pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d")
RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "id": [f"u{n:04d}" for n in range(N)],
        "age": RANDOM.integers(18, 80, N).astype(float),
        "city": RANDOM.choice(["Ulm", "Köln", "서울"], N),
        "day": DAYS,
        "smoker": RANDOM.choice(["yes", "no"], N),
        "note": [f"patient {n} felt {'well' if n % 2 else 'ill'}" for n in range(N)],
        "y": RANDOM.choice(["sick", "well"], N),
    }
)
FRAME.loc[::7, "age"] = np.nan
FRAME.loc[::11, "city"] = None
DTYPES = {
    "age": "float64",
    "city": "category",
    "day": "datetime64[us]",
    "smoker": "float64",
    "note": "object",
}


def write(folder: Path, frame: pd.DataFrame = FRAME) -> CsvDataset:
    frame.to_csv(folder / "own.csv", index=False)
    return CsvDataset(csv="own.csv", target="y")


def returning(monkeypatch: pytest.MonkeyPatch, value: Any) -> Splits:
    monkeypatch.setattr(functions, "import_function", lambda *_: lambda: value)
    return load_splits("my:load_data", Path())


def rows_by_note(data: Splits) -> pd.DataFrame:
    parts = [data.train, data.validation, data.test]
    frames = [part.x.assign(y=np.array(data.class_names)[part.y.astype(int)]) for part in parts]
    return pd.concat([frame.astype({"city": object}) for frame in frames]).set_index("note")


def test_mixed_file_is_loaded_as_a_frame(tmp_path: Path) -> None:
    data = load_splits(write(tmp_path), tmp_path)
    assert data.kind == "mixed"
    assert data.feature_names == tuple(DTYPES)
    assert {name: str(dtype) for name, dtype in data.train.x.dtypes.items()} == DTYPES
    assert [len(part) for part in (data.train, data.validation, data.test)] == [36, 12, 12]
    rows = rows_by_note(data).loc[FRAME["note"]]
    np.testing.assert_array_equal(rows["age"], FRAME["age"])
    assert rows["city"].isna().tolist() == FRAME["city"].isna().tolist()
    assert rows["city"].dropna().tolist() == FRAME["city"].dropna().tolist()
    assert rows["day"].dt.strftime("%Y-%m-%d").tolist() == FRAME["day"].tolist()
    assert rows["smoker"].tolist() == (FRAME["smoker"] == "yes").astype(float).tolist()
    assert rows["y"].tolist() == FRAME["y"].tolist()
    assert load_splits(write(tmp_path), tmp_path).fingerprint == data.fingerprint
    other = FRAME.assign(city=FRAME["city"].fillna("Bonn"))
    assert load_splits(write(tmp_path, other), tmp_path).fingerprint != data.fingerprint


def test_description_of_a_mixed_file_is_read_back(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    described = load(dataset, tmp_path).describe()
    info = DataInfo.model_validate(described)
    assert (info.kind, info.input_dtype, info.input_shape) == ("mixed", "mixed", [5])
    known = look_up(dataset, tmp_path)
    assert known is not None
    assert (known.kind, known.task, known.input_shape) == ("mixed", "binary", (5,))


def test_dropped_and_declared_columns_decide_the_form(tmp_path: Path) -> None:
    dataset = write(tmp_path).model_copy(update={"drop": ["age", "city", "day", "note"]})
    data = load_splits(dataset, tmp_path)
    assert data.kind == "table"
    assert data.train.x.dtype == np.float32
    assert set(data.train.x.ravel().tolist()) == {0.0, 1.0}
    only = dataset.model_copy(update={"drop": ["age", "city", "day", "smoker"]})
    data = load_splits(only, tmp_path)
    assert data.kind == "text"
    assert data.feature_names == ("note",)


def test_frame_of_a_function_is_mixed_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    x = FRAME.drop(columns=["y", "id"]).assign(day=pd.to_datetime(FRAME["day"]))
    x["city"] = x["city"].astype("category")
    x["smoker"] = x["smoker"] == "yes"
    data = returning(monkeypatch, (x, FRAME["y"]))
    assert {name: str(dtype) for name, dtype in data.train.x.dtypes.items()} == DTYPES
    rows = rows_by_note(data).loc[FRAME["note"]]
    np.testing.assert_array_equal(rows["age"], FRAME["age"])
    assert data.schema is not None
    assert [c.treatment for c in data.schema.columns] == [
        *("number", "category", "date", "number", "text")
    ]


def test_parts_of_a_function_have_the_same_kinds_and_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = FRAME[["age", "city"]].assign(city=["Ulm", "Köln"] * 25 + ["Bonn"] * 10)
    cuts = [slice(0, 30), slice(30, 50), slice(50, 60)]
    pairs = [(x.iloc[cut], FRAME["y"].iloc[cut]) for cut in cuts]
    data = returning(monkeypatch, pairs)
    assert data.train.x["city"].dtype == data.test.x["city"].dtype
    assert set(data.test.x["city"]) == {"Bonn"}
    assert data.test.x["age"].tolist()[1:6] == x["age"].tolist()[51:56]


def test_development_knows_no_levels_of_test_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    x = FRAME[["age", "city"]].assign(city=["Ulm", "Köln"] * 25 + ["Bonn"] * 10)
    cuts = [slice(0, 30), slice(30, 50), slice(50, 60)]
    data = returning(monkeypatch, [(x.iloc[cut], FRAME["y"].iloc[cut]) for cut in cuts])
    development = data.development
    assert development.train.x["city"].cat.categories.tolist() == ["Köln", "Ulm"]
    assert development.train.x["city"].dtype == development.validation.x["city"].dtype
    assert development.rows.x["city"].tolist() == x["city"].tolist()[:50]


@pytest.mark.parametrize("column", ["city", "day"])
def test_column_of_a_single_kind_is_mixed(column: str, tmp_path: Path) -> None:
    data = load_splits(write(tmp_path, FRAME[[column, "y"]]), tmp_path)
    assert (data.kind, data.feature_names) == ("mixed", (column,))


def test_plain_numbers_stay_an_array_beside_rows_that_are_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(N) / 3, "b": np.arange(N), "y": ["u", "v"] * 30})
    whole = load_splits(write(tmp_path, frame.iloc[:-2]), tmp_path)
    frame.loc[N - 2 :, "y"] = None
    frame.loc[N - 1, "a"] = np.nan  # in a row that is left out
    data = load_splits(write(tmp_path, frame), tmp_path)
    assert data.fingerprint == whole.fingerprint
    assert data.note == '2 rows without a value of "y" left out'
    assert data.schema is not None
    assert data.schema.rows == N - 2


def test_small_class_is_left_out_and_others_are_numbered_anew(tmp_path: Path) -> None:
    frame = FRAME.assign(y=["a", "b", "c"] + ["a", "c", "d"] * 19)
    data = load_splits(write(tmp_path, frame), tmp_path)
    assert data.class_names == ("a", "c", "d")
    assert data.note == '1 row of 1 class with fewer than 5 rows left out: "b"'
    rows = rows_by_note(data)
    assert rows["y"].to_dict() == frame.set_index("note")["y"].drop("patient 1 felt well").to_dict()


# Rows to predict.


def test_rows_to_predict_are_read_as_in_the_training(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    data = load_splits(dataset, tmp_path)
    assert data.schema is not None
    new = FRAME[["note", "smoker", "day", "city", "age"]].iloc[:8].assign(more="x")
    new = new.astype(object)
    new.loc[0, ["city", "age", "smoker"]] = ["Wien", "unknown", "perhaps"]
    new.loc[1, "day"] = "tomorrow"
    new.to_csv(tmp_path / "new.csv", index=False)
    rows = rows_from_table(tmp_path / "new.csv", data.schema)
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == DTYPES
    assert rows["city"][0] == "Wien"
    assert rows[["age", "smoker"]].iloc[0].isna().all()
    assert rows["day"].isna().tolist() == [False, True, *[False] * 6]
    known = rows_by_note(data).loc[rows["note"][2:], list(DTYPES)[:4]]
    pd.testing.assert_frame_equal(
        rows.iloc[2:, :4].astype({"city": object}).reset_index(drop=True),
        known.reset_index(drop=True),
    )
    parts = list(iter_rows(tmp_path / "new.csv", data.schema, rows_per_chunk=3))
    assert max(len(part) for part in parts) == 3
    assert [text for part in parts for text in part["note"]] == rows["note"].tolist()


def test_rows_of_a_frame_are_read_as_in_the_training(tmp_path: Path) -> None:
    data = load_splits(write(tmp_path), tmp_path)
    assert data.schema is not None
    new = FRAME.iloc[:8].assign(day=pd.to_datetime(FRAME["day"].iloc[:8]), smoker=True)
    rows = rows_from_frame(new[reversed(new.columns)], data.schema)
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == DTYPES
    np.testing.assert_array_equal(rows["age"], new["age"])
    assert rows["smoker"].tolist() == [1.0] * 8
    with pytest.raises(DataError, match=r'rows to predict lack 1 column that the .*: "city"'):
        rows_from_frame(new.drop(columns="city"), data.schema)
    with pytest.raises(DataError, match="there are no rows to predict"):
        rows_from_frame(new.iloc[:0], data.schema)


def test_rows_of_numbers_and_texts_keep_their_form(tmp_path: Path) -> None:
    numbers = pd.DataFrame({"a": np.arange(N) / 3, "b": np.arange(N), "y": ["u", "v"] * 30})
    data = load_splits(write(tmp_path, numbers), tmp_path)
    assert data.schema is not None
    rows = rows_from_table(tmp_path / "own.csv", data.schema)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, numbers[["a", "b"]], rtol=1e-6)
    np.testing.assert_array_equal(rows_from_frame(numbers, data.schema), rows)
    with pytest.raises(DataError, match=r'60 empty cells in column "a" \(first in row 1\)'):
        rows_from_frame(numbers.assign(a=np.nan), data.schema)
    data = load_splits(write(tmp_path, FRAME[["note", "y"]]), tmp_path)
    assert data.schema is not None
    assert rows_from_table(tmp_path / "own.csv", data.schema).tolist() == FRAME["note"].tolist()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("note,smoker,day,city\nx,yes,2020-01-01,Ulm\n", 'lacks 1 column that the .*: "age"'),
        (f"{','.join(DTYPES)}\n", "new.csv has no rows below its header"),
    ],
)
def test_bad_rows_to_predict_are_refused(tmp_path: Path, content: str, words: str) -> None:
    schema = load_splits(write(tmp_path), tmp_path).schema
    assert schema is not None
    (tmp_path / "new.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        rows_from_table(tmp_path / "new.csv", Schema.model_validate(schema.to_dict()))


# Groups, times and weights.


def test_groups_are_in_one_part(tmp_path: Path) -> None:
    frame = FRAME.assign(patient=[f"p{n // 3}" for n in range(N)])
    dataset = write(tmp_path, frame).model_copy(update={"group": "patient"})
    data = load_splits(dataset, tmp_path)
    assert "patient" not in data.feature_names
    groups = [set(part.group.tolist()) for part in (data.train, data.validation, data.test)]  # type: ignore[union-attr]  # there are groups
    assert sum(map(len, groups)) == len(set.union(*groups)) == 20
    assert [len(part) for part in groups] == [12, 4, 4]
    folds = folds_of(data.development.rows, data.task, 4, 1, 0)
    group = data.development.rows.group
    assert group is not None
    assert all(not set(group[train]) & set(group[held]) for train, held in folds)


def test_latest_rows_are_the_test(tmp_path: Path) -> None:
    shuffled = FRAME.sample(frac=1, random_state=0)
    dataset = write(tmp_path, shuffled).model_copy(update={"time": "day"})
    data = load_splits(dataset, tmp_path)
    assert "day" not in data.feature_names
    ends = [(int(part.time.min()), int(part.time.max())) for part in (data.train, data.validation)]  # type: ignore[union-attr]  # there are times
    assert ends == [(0, 35), (36, 47)]
    assert data.test.time is not None
    assert sorted(data.test.time) == list(range(48, 60))
    assert sorted(data.test.x["note"]) == sorted(FRAME["note"][48:])


def test_weight_is_the_sample_weight(tmp_path: Path) -> None:
    frame = FRAME.assign(w=np.arange(N) / 10)
    dataset = write(tmp_path, frame).model_copy(update={"weight": "w"})
    data = load_splits(dataset, tmp_path)
    for part in (data.train, data.validation, data.test):
        rows = [int(note.split()[1]) for note in part.x["note"]]
        assert part.sample_weight is not None
        np.testing.assert_allclose(part.sample_weight, np.array(rows) / 10, rtol=1e-6)
    assert load(dataset, tmp_path).describe()["weighted"] is True


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"group": "patent"}, r'no column "patent" \(group\); did you mean patient\?'),
        ({"time": "dat"}, r'no column "dat" \(time\); did you mean day\?'),
        ({"weight": "weigt"}, r'no column "weigt" \(weight\); did you mean weight\?'),
        ({"kind": {"agee": "number"}}, r'no column "agee" \(kind\); did you mean age\?'),
        ({"time": "city"}, '"서울" in line 3 is no date; time must name a column of dates or nu'),
        ({"time": "age"}, r'9 empty cells in column "age" \(first in line 2\), which is the time'),
        ({"weight": "city"}, '"서울" in line 3 is no number; weight must name a column of numbers'),
        ({"weight": "age"}, r'9 empty cells in column "age" .*, which is the weight of each row'),
        ({"weight": "weight"}, 'line 3, column "weight" is -1; weights are at least 0, and one'),
        ({"weight": "zero"}, 'column "zero" is no weight: all are 0; weights are at least 0'),
        ({"group": "city"}, r'6 empty cells in column "city" .*, which is the group of each row'),
        ({"group": "smoker"}, 'column "smoker": 2 groups; at least 5 are needed for train, valid'),
        ({"time": "zero"}, 'column "zero": 1 different time among 60 rows; at least 3 are needed'),
        ({"time": "late"}, 'column "late": class "sick" is not among the training rows if rows'),
    ],
)
def test_columns_that_cannot_be_what_they_are_declared(
    tmp_path: Path, keys: dict[str, Any], words: str
) -> None:
    frame = FRAME.assign(
        patient=np.arange(N),
        weight=[1, -1] * 30,
        zero=0,
        y=["sick", *["well"] * 4] * 12,
        late=[100, 1, 2, 3, 4] * 12,
    )
    dataset = write(tmp_path, frame).model_copy(update=keys)
    with pytest.raises(DataError, match=words) as caught:
        load_splits(dataset, tmp_path)
    assert "\n" not in str(caught.value)
    assert "own.csv" in str(caught.value)
