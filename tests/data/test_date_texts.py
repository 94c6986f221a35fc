"""Dates in the usual spellings."""

from __future__ import annotations

import pandas as pd
import pytest

from tuner.data.date_texts import ISO, date_formats, example, read_dates


def texts(cells: list[str]) -> pd.Series[str]:
    return pd.Series(cells, dtype="str")


@pytest.mark.parametrize(
    ("cells", "form", "dates"),
    [
        (["2020-01-31", "2020-02-01"], ISO, ["2020-01-31", "2020-02-01"]),
        (["2020-01", "2020-02"], ISO, ["2020-01-01", "2020-02-01"]),
        (["2020-01-31", "2020-01-31 10:30"], ISO, ["2020-01-31", "2020-01-31T10:30"]),
        (["2020-01-31T10:00:00Z"], ISO, ["2020-01-31T10:00"]),
        (["2020-01-31T10:00:00.25+02:00"], ISO, ["2020-01-31T08:00:00.25"]),
        (["31.12.2024", "1.2.2024"], "%d.%m.%Y", ["2024-12-31", "2024-02-01"]),
        (["31.12.24"], "%d.%m.%y", ["2024-12-31"]),
        (["31/12/2024", "01/02/2024"], "%d/%m/%Y", ["2024-12-31", "2024-02-01"]),
        (["12/31/2024", "1/2/2024"], "%m/%d/%Y", ["2024-12-31", "2024-01-02"]),
        (["12/31/2024 10:05 PM"], "%m/%d/%Y %I:%M %p", ["2024-12-31T22:05"]),
        (["2024/12/31", "2024/1/2"], "%Y/%m/%d", ["2024-12-31", "2024-01-02"]),
        (["31-12-2020", "1-1-2020"], "%d-%m-%Y", ["2020-12-31", "2020-01-01"]),
        (["31-Dec-2024", "1-may-2024"], "%d-%b-%Y", ["2024-12-31", "2024-05-01"]),
        (["5-Jan-24"], "%d-%b-%y", ["2024-01-05"]),
        (["December 31, 2024", "May 1, 2024"], "%B %d, %Y", ["2024-12-31", "2024-05-01"]),
        (["31 Dec 2024 10:05:07"], "%d %b %Y %H:%M:%S", ["2024-12-31T10:05:07"]),
        (["2024년 1월 2일", "2024년 12월 31일"], "%Y년 %m월 %d일", ["2024-01-02", "2024-12-31"]),
        (["2024. 1. 2.", "2024. 12. 31."], "%Y. %m. %d.", ["2024-01-02", "2024-12-31"]),
    ],
)
def test_dates_are_read(cells: list[str], form: str, dates: list[str]) -> None:
    assert date_formats(texts(cells)) == [form]
    read = read_dates(texts([*cells, "no date"]), form)
    assert read.tolist()[:-1] == [pd.Timestamp(date).to_pydatetime() for date in dates]
    assert read.tolist()[-1] is None


@pytest.mark.parametrize(
    "cells",
    [
        ["1-2", "3-4"],
        ["3-4-5"],
        ["10.0.0.1"],
        ["1.2.3", "4.5.6"],
        ["31.12.2024", "soon"],
        ["31.02.2024"],
        ["13:30"],
        ["now", "today"],
        ["20241231"],
        [],
    ],
)
def test_other_texts_are_no_dates(cells: list[str]) -> None:
    assert date_formats(texts(cells)) == []


def test_a_day_that_may_be_a_month_has_two_readings() -> None:
    assert date_formats(texts(["01/03/2020", "01/02/2020"])) == ["%d/%m/%Y", "%m/%d/%Y"]
    assert date_formats(texts(["May 1, 2020"])) == ["%b %d, %Y"]  # in both the same day


@pytest.mark.parametrize(("cell", "form"), [("20241231", "%Y%m%d"), ("2024", "%Y")])
def test_whole_numbers_are_dates_where_that_is_declared(cell: str, form: str) -> None:
    assert date_formats(texts([cell]), declared=True) == [form]
    assert date_formats(texts([cell, "7"]), declared=True) == []


def test_example_shows_a_format() -> None:
    assert example(ISO) == "2024-12-31"
    assert example("%d.%m.%Y %H:%M") == "31.12.2024 00:00"
