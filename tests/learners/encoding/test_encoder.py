"""Encoders of mixed tables: what each kind of column becomes, whatever comes later."""

from __future__ import annotations

import json
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.errors import BundleError, DataError
from tuner.learners.encoding import FILE, EncodedColumn, Encoder, Style

STYLES = get_args(Style)

numbers = st.floats(allow_infinity=False) | st.integers(-3, 3).map(float)
levels = st.sampled_from(["a", "b", "Öl", "", "여름", None]) | st.text(max_size=3)
dates = st.datetimes(min_value=pd.Timestamp("0100-01-01").to_pydatetime()) | st.none()
texts = st.text(max_size=20) | st.sampled_from(["red shirt", "blue shirt", None])
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "encode_max_levels": st.integers(1, 4),
        "encode_min_rows": st.integers(1, 3),
        "encode_text_features": st.integers(0, 4),
        "encode_text_ngrams": st.integers(1, 2),
    },
)
SCALED = st.fixed_dictionaries(
    {}, optional={"encode_numbers": st.sampled_from(["robust", "standard", "quantile", "none"])}
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """A mixed table with a column of each kind."""
    n = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=n, max_size=n))

    return pd.DataFrame(
        {
            "size": pd.Series(column(numbers), dtype=np.float64),
            "kind": pd.Series(pd.Categorical(column(levels))),
            "sold": pd.Series(np.array(column(dates), dtype="datetime64[us]")),
            "note": pd.Series(column(texts), dtype=object),
        }
    )


@settings(max_examples=25)
@given(frames(), frames(), st.sampled_from(STYLES), PARAMETERS, SCALED, st.permutations(range(4)))
def test_any_rows_are_encoded_the_same_after_a_round_trip(
    train: pd.DataFrame,
    rows: pd.DataFrame,
    style: Style,
    params: dict[str, Any],
    scaled: dict[str, Any],
    order: list[int],
) -> None:
    fitted = Encoder.fit(train, style, **params, **({} if style == "trees" else scaled))
    again = Encoder.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    for frame in (train, rows):
        found = fitted.transform(frame)
        assert found.dtype == np.float32
        assert found.shape == (len(frame), len(fitted.layout))
        assert not np.isinf(found).any()
        assert style == "trees" or not np.isnan(found).any()
        assert np.array_equal(again.transform(frame), found, equal_nan=True)
        moved = frame.iloc[:, order].assign(more=1)
        assert np.array_equal(fitted.transform(moved), found, equal_nan=True)
        sparse = fitted.transform_sparse(frame)
        assert np.array_equal(sparse.toarray(), found, equal_nan=True)
        for column, values in zip(fitted.layout, found.T, strict=True):
            if column.kind == "code":
                codes = values[~np.isnan(values)]
                assert ((codes >= 0) & (codes < column.levels) & (codes == codes.round())).all()


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def category(*texts: str | None) -> pd.Series[Any]:
    return pd.Series(pd.Categorical(texts))


def encoded(train: pd.DataFrame, rows: pd.DataFrame, style: Style, **settings: Any) -> list[Any]:
    return Encoder.fit(train, style, **settings).transform(rows).tolist()


def test_numbers_are_centred_scaled_and_softly_clipped() -> None:
    train = frame(x=[0.0, 1.0, 2.0, 3.0, 4.0])
    rows = frame(x=[2.0, 4.0, 1e30, np.nan])
    found = Encoder.fit(train, "one_hot").transform(rows)[:, 0]
    one = 1 / np.sqrt(1 + (1 / 3) ** 2)  # (4 - 2) / the inter-quartile range of 2
    np.testing.assert_allclose(found, [0, one, 3, 0], rtol=1e-6)


def test_scale_of_mostly_equal_numbers_is_half_their_range() -> None:
    found = Encoder.fit(frame(x=[0.0] * 9 + [4.0]), "embedding").transform(frame(x=[2.0]))
    np.testing.assert_allclose(found, 1 / np.sqrt(1 + 1 / 9))
    assert encoded(frame(x=[7.0, 7.0]), frame(x=[7.0, 8.0]), "one_hot")[0] == [0]


def test_missing_number_is_the_median_beside_an_indicator() -> None:
    train = frame(x=[1.0, np.nan, 3.0, 2.0])
    fitted = Encoder.fit(train, "one_hot", encode_numbers="none")
    assert [column.name for column in fitted.layout] == ["x", "x is missing"]
    assert fitted.transform(train).tolist() == [[1, 0], [2, 1], [3, 0], [2, 0]]
    assert encoded(train, train, "trees")[0] == [1]
    assert np.isnan(encoded(train, train, "trees")[1])


def test_standard_and_quantile_scaling_have_mean_0() -> None:
    x = np.random.default_rng(0).lognormal(size=500)
    for scaling in ("standard", "quantile"):
        found = Encoder.fit(frame(x=x), "one_hot", encode_numbers=scaling).transform(frame(x=x))
        assert abs(found.mean()) < 0.02
        assert abs(found.std() - 1) < 0.1


def test_trees_get_times_apart_that_float32_cannot_hold() -> None:
    x = 1.7e9 + np.arange(10.0)
    found = Encoder.fit(frame(x=x), "trees").transform(frame(x=x))
    np.testing.assert_allclose(np.diff(found[:, 0]), 1)
    assert encoded(frame(x=[1.0, 5.0]), frame(x=[5.0]), "trees") == [[5]]  # others stay raw


def test_levels_become_columns_with_one_for_rare_ones_and_one_for_missing() -> None:
    train = frame(c=category("b", "b", "a", "a", "a", "once", None))
    fitted = Encoder.fit(train, "one_hot")
    assert [column.name for column in fitted.layout] == [
        "c = a",
        "c = b",
        "c is rare",
        "c is missing",
    ]
    rows = frame(c=category("a", "b", "once", "new", None))
    assert fitted.transform(rows).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]


def test_only_the_most_frequent_levels_get_a_column() -> None:
    train = frame(c=category(*"aaabbbccd"))
    found = Encoder.fit(train, "one_hot", encode_max_levels=2, encode_min_rows=1).layout
    assert [column.name for column in found] == ["c = a", "c = b", "c is rare"]


def test_trees_get_codes() -> None:
    train = frame(c=category("b", "b", "a", "a", "a", None))
    fitted = Encoder.fit(train, "trees")
    assert fitted.layout == (EncodedColumn("c", "c", "code", 2),)
    found = fitted.transform(frame(c=category("a", "b", "new", None)))
    np.testing.assert_array_equal(found, [[0], [1], [np.nan], [np.nan]])


def test_many_levels_become_codes_to_embed() -> None:
    many = [f"level {i}" for i in range(9) for _ in range(2)]
    train = frame(c=category(*many, None, None, "once"), d=category(*("yes", "no", "yes") * 7))
    fitted = Encoder.fit(train, "embedding")
    assert fitted.layout[0] == EncodedColumn("c", "c", "code", 11)
    assert [column.name for column in fitted.layout[1:]] == ["d = yes", "d = no"]
    rows = frame(c=category("level 0", "level 8", "once", "new", None), d=category(*["no"] * 5))
    assert fitted.transform(rows)[:, 0].tolist() == [1, 9, 0, 0, 10]


def test_date_becomes_days_and_the_parts_that_vary() -> None:
    days = pd.Series(pd.to_datetime(["2024-03-01", "2024-03-02", "2024-03-04", None]))
    train = frame(d=days.astype("datetime64[us]"))
    trees = Encoder.fit(train, "trees")
    assert [column.name for column in trees.layout] == ["d (days)", "d (day)", "d (weekday)"]
    nan = np.nan
    np.testing.assert_array_equal(
        trees.transform(train), [[0, 1, 4], [1, 2, 5], [3, 4, 0], [nan, nan, nan]]
    )
    others = Encoder.fit(train, "one_hot")
    names = [column.name for column in others.layout]
    assert names[:4] == ["d (days)", "d (days) is missing", "d (day sine)", "d (day cosine)"]
    found = others.transform(train)
    monday = found[2, -2:]  # at the angle 0
    np.testing.assert_allclose(monday, [0, 1], atol=1e-6)
    assert found[3].tolist() == [0, 1, 0, 0, 0, 0]


def test_text_becomes_its_length_and_weights_of_its_words_as_scikit_learn_has_them() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    notes = ["red shirt", "blue shirt", "red red hat", "hat"]
    train = frame(t=pd.Series(notes, dtype=object))
    fitted = Encoder.fit(train, "trees", encode_min_rows=1)
    theirs = TfidfVectorizer()
    weights = theirs.fit_transform(notes).toarray()
    words = [column.name.removeprefix("t: ") for column in fitted.layout[1:]]
    order = [theirs.vocabulary_[word] for word in words]
    found = fitted.transform(train)
    np.testing.assert_allclose(found[:, 1:], weights[:, order], rtol=1e-5)
    assert found[:, 0].tolist() == [9, 10, 11, 3]


def test_words_in_a_row_and_the_number_of_words_are_parameters() -> None:
    train = frame(t=pd.Series(["very good", "very good", "very bad"], dtype=object))
    fitted = Encoder.fit(train, "one_hot", encode_text_features=2, encode_text_ngrams=2)
    names = [column.name for column in fitted.layout]
    assert names == ["t (length)", "t: good", "t: very good"]  # all rows have "very"
    more = Encoder.fit(train, "one_hot", encode_text_features=20_000, encode_text_ngrams=2)
    assert more.layout[-1].name == "t: very"


def test_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="encode_level is no parameter of an encoder"):
        Encoder.fit(frame(x=[1.0]), "one_hot", encode_level=2)
    with pytest.raises(ValueError, match="encode_numbers is no parameter of an encoder for trees"):
        Encoder.fit(frame(x=[1.0]), "trees", encode_numbers="none")
    with pytest.raises(ValueError, match="encode_min_rows must be at least 1"):
        Encoder.fit(frame(x=[1.0]), "trees", encode_min_rows=0)


def test_rows_without_a_column_are_refused() -> None:
    fitted = Encoder.fit(frame(x=[1.0, 2.0], c=category("a", "b")), "trees")
    with pytest.raises(DataError, match='the rows have no column "c", which the model needs'):
        fitted.transform(frame(x=[1.0]))


def test_rows_with_something_else_in_a_column_are_refused() -> None:
    fitted = Encoder.fit(frame(x=[1.0, 2.0]), "trees")
    with pytest.raises(DataError, match='column "x" must hold numbers, as in the training rows'):
        fitted.transform(frame(x=["many"]))
    assert fitted.transform(frame(x=["1.5"])).tolist() == [[1.5]]


def test_numbers_in_a_column_of_texts_or_categories_are_read_as_texts() -> None:
    train = frame(t=pd.Series(["number 17", "number 18"], dtype=object), c=category("1", "2"))
    fitted = Encoder.fit(train, "trees", encode_min_rows=1)
    rows = frame(t=[17, 18], c=[2, 1])
    assert [column.name for column in fitted.layout[1:3]] == ["t: 17", "t: 18"]
    assert fitted.transform(rows)[:, 1:3].tolist() == [[1, 0], [0, 1]]
    assert fitted.transform(rows)[:, -1].tolist() == [1, 0]


FORGED = [
    ({"style": "forest"}, "style: must be"),
    ({"columns": []}, "columns"),
    ({"columns": [{"kind": "number", "name": "x", "scale": 0.0}]}, "must be above 0"),
    ({"columns": [{"kind": "number", "name": "x", "fill": float("nan")}]}, "finite"),
    ({"columns": [{"kind": "number", "name": "x", "knots": [1, 0]}]}, "knots must"),
    (
        {"columns": [{"kind": "category", "name": "c", "levels": ["a", "a"], "form": "code"}]},
        "diff",
    ),
    ({"columns": [{"kind": "picture", "name": "c"}]}, "picture"),
    (
        {
            "columns": [
                {"kind": "date", "name": "d", "first": "soon", "form": "raw", "days": {"name": "d"}}
            ]
        },
        "must be a date",
    ),
]


@pytest.mark.parametrize(("change", "words"), FORGED)
def test_forged_file_is_refused_in_one_line(tmp_path: Any, change: Any, words: str) -> None:
    Encoder.fit(frame(x=[1.0, 2.0]), "one_hot").write(tmp_path)
    table = json.loads((tmp_path / FILE).read_text()) | change
    (tmp_path / FILE).write_text(json.dumps(table))
    with pytest.raises(BundleError, match=words) as error:
        Encoder.read(tmp_path)
    assert str(tmp_path / FILE) in str(error.value)
    assert "\n" not in str(error.value)


def test_file_that_is_missing_or_broken_is_refused(tmp_path: Any) -> None:
    with pytest.raises(BundleError, match=r"features\.json cannot be read"):
        Encoder.read(tmp_path)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(BundleError, match="train the bundle again"):
        Encoder.read(tmp_path)
    (tmp_path / FILE).write_text("[]")
    with pytest.raises(BundleError, match="must hold a table"):
        Encoder.read(tmp_path)


def test_written_encoder_is_read_back(tmp_path: Any) -> None:
    levels = pd.Index(["여름", "half \ud800"], dtype=object)
    train = frame(x=[1.0, np.nan], c=pd.Series(pd.Categorical.from_codes([0, 1], levels)))
    fitted = Encoder.fit(train, "one_hot", encode_min_rows=1)
    fitted.write(tmp_path)
    assert Encoder.read(tmp_path) == fitted
    assert [column.name for column in fitted.layout[2:]] == ["c = half ?", "c = 여름"]
    assert "여름" in (tmp_path / FILE).read_text(encoding="utf-8")
