"""What becomes of each column, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.data.schema import ColumnSchema, form_of
from tuner.data.table import from_frame
from tuner.data.treatments import Declared, decide

N = 40
DOSE = np.random.default_rng(0).normal(size=N)
COLOUR = np.array(["red", "blue", None, "red"] * 10, dtype=object)


def decided(columns: dict[str, Any], **said: Any) -> dict[str, ColumnSchema]:
    found = decide(from_frame(pd.DataFrame(columns)), Declared(**said))
    assert [column.name for column in found] == list(columns)
    return {column.name: column for column in found}


def test_treatment_follows_from_the_kind() -> None:
    found = decided(
        {
            "dose": np.where(DOSE > 0, DOSE, np.nan),
            "flag": DOSE > 0,
            "colour": COLOUR,
            "day": pd.date_range("2020-01-01", periods=N),
            "lasted": pd.to_timedelta(np.abs(DOSE), unit="h"),
            "note": [f"patient {n} is well" for n in range(N)],
            "y": DOSE > 1,
        },
        target="y",
    )
    assert {name: column.treatment for name, column in found.items()} == {
        "dose": "number",
        "flag": "number",
        "colour": "category",
        "day": "date",
        "lasted": "number",
        "note": "text",
        "y": "target",
    }
    assert (found["colour"].levels, found["colour"].missing) == (2, 10)
    assert found["dose"].missing == (DOSE <= 0).sum()
    assert {column.reason for column in found.values()} == {""}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([None] * N, "no values"),
        ([7] * N, "always 7"),
        (["x"] * N, 'always "x"'),
        ([True] * N, "always True"),
        (range(1, N + 1), "numbers the rows"),
        (range(N), "numbers the rows"),
        ([*range(20), *range(24, 44)], "numbers the rows"),  # some rows are left out
        ([f"{n:08x}-ab" for n in range(N)], "an id: another word in each row"),
        (DOSE, 'the same as "dose"'),
        (COLOUR, 'the same as "colour"'),
    ],
)
def test_columns_that_cannot_help_are_dropped_with_the_reason(values: Any, reason: str) -> None:
    found = decided({"dose": DOSE, "colour": COLOUR, "new": list(values)})
    assert (found["new"].treatment, found["new"].reason) == ("drop", reason)
    assert {found["dose"].treatment, found["colour"].treatment} == {"number", "category"}
    kept = decided({"dose": DOSE, "colour": COLOUR, "new": list(values)}, select="all")
    assert kept["new"].treatment != "drop"
    declared = decided({"dose": DOSE, "colour": COLOUR, "new": list(values)}, kinds={"new"})
    assert declared["new"].treatment != "drop"
    assert declared["new"].declared


@pytest.mark.parametrize(
    "values",
    [
        [7.0] * 39 + [None],  # being missing may mean something
        DOSE.round(6),  # a float is never an id
        np.arange(N, dtype=float),
        range(1961, 1961 + N),
        [f"Müller, {n}" for n in range(N)],
        ["x"] * 39 + ["y"],
    ],
)
def test_columns_that_may_help_are_kept(values: Any) -> None:
    assert decided({"colour": COLOUR, "new": list(values)})["new"].treatment != "drop"


@pytest.mark.parametrize(
    "name", ["id", "ID", "patient_id", "customerID", "Kunden-Nr", "index", "고객번호"]
)
def test_different_whole_numbers_are_an_id_by_their_name(name: str) -> None:
    numbers = np.random.default_rng(0).permutation(10_000)[:N]
    found = decided(
        {"colour": COLOUR, name: numbers, "humid": numbers + 1, "heat index": numbers + 2}
    )
    assert found[name].reason == "an id: another number in each row"
    assert {found["humid"].treatment, found["heat index"].treatment} == {"number"}


def test_nothing_is_dropped_of_numbers_without_gaps_unless_that_is_wanted() -> None:
    columns = {"number": range(N), "same": [1] * N, "dose": DOSE}
    assert {c.treatment for c in decided(columns).values()} == {"number"}
    found = decided(columns, select="useful")
    assert [c.treatment for c in found.values()] == ["drop", "drop", "number"]


def test_the_number_of_the_row_is_kept_if_there_is_nothing_else() -> None:
    found = decided({"number": range(N), "same": [1] * N}, select="useful")
    assert [column.treatment for column in found.values()] == ["number", "drop"]


def test_declared_uses_are_obeyed() -> None:
    columns = {"a": COLOUR, "b": DOSE, "c": range(N), "d": [1] * N, "e": DOSE, "y": DOSE}
    said = {"target": "y", "group": "a", "time": "c", "weight": "d", "drop": ["b"]}
    found = decided(columns, **said)
    uses = ["group", "drop", "time", "weight", "number", "target"]
    assert [column.treatment for column in found.values()] == uses
    assert [column.declared for column in found.values()] == [False, True, *[False] * 4]


def test_time_may_be_a_feature_even_if_it_numbers_the_rows() -> None:
    columns = {"a": COLOUR, "when": range(N), "y": DOSE}
    when = decided(columns, target="y", time="when", time_feature=True)["when"]
    assert (when.treatment, when.reason) == ("number", "time of rows, too")
    assert decided(columns, target="y", time="when")["when"].treatment == "time"


def test_objects_that_are_no_texts_are_refused() -> None:
    assert decided({"a": [{n} for n in range(N)]})["a"].treatment == "refuse"


def test_form_follows_from_the_features() -> None:
    def form(*columns: Any) -> str:
        made = decide(from_frame(pd.DataFrame({f"c{n}": c for n, c in enumerate(columns)})))
        return form_of(made)

    note = [f"patient {n} is well" for n in range(N)]
    assert form(DOSE, DOSE > 0) == "table"
    assert form(note) == "text"
    assert form(note, DOSE) == form(COLOUR) == form(np.where(DOSE > 0, DOSE, np.nan)) == "mixed"
