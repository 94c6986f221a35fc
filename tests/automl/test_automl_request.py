"""What an AutoML run may be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tuner.automl.automl_request import AutoMLRequest, parse_kinds
from tuner.errors import RequestError
from tuner.spec import CsvDataset


def request(**given: Any) -> AutoMLRequest:
    return AutoMLRequest(**{"data": "homes.csv", "target": "price", "out": "model", **given})


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"time": "4s"}, r"--time must be at least 5 s, but got 4 s: .* write --time 10s"),
        ({"time": "1s", "more": True}, r"--more must be at least 5 s, but got 1 s"),
        ({"time": "soon"}, r'--time must be a duration, but got "soon"; write "90s"'),
        ({"time": -3}, r"--time must be above 0"),
        ({"single": True, "fast": True}, r"--single and --fast both choose one model"),
        ({"workers": 0}, r"--workers must be at least 1, but got 0"),
        ({"seed": -1}, r"--seed must be between 0 and 4294967295, but got -1"),
        ({"group": "price"}, r"--group must not be the target, but got price"),
        ({"time_column": "price"}, r"--time-column must not be the target, but got price"),
        ({"weight": "price"}, r"--weight must not be the target, but got price"),
        ({"group": "city", "drop": ["city"]}, r"--group names city, which --drop leaves out"),
        ({"group": "a", "time_column": "b"}, r"--group and --time-column both say how"),
        ({"drop": ["price"]}, r'drop: must not name the target, but got \["price"\]'),
        ({"kind": {"price": "number"}}, r"--kind is for features, but price is the target"),
        ({"kind": {"zip": "categry"}}, r'kind.zip: .*"category"'),
        ({"task": "clasification"}, r'task: .*"classification" or "regression"'),
        ({"memory": "4 cats"}, r'--memory must be a size, but got "4 cats"'),
        ({"dialect": {"sep": "ab"}}, r'sep: must be one character, but got "ab"'),
        ({"dialect": {"decimal": "x"}}, r'decimal: .*"x"'),
        ({"dialect": {"encoding": "utf-9"}}, r"encoding: must be an encoding that Python knows"),
    ],
)
def test_request_that_makes_no_sense_is_refused(given: dict[str, Any], match: str) -> None:
    with pytest.raises(RequestError, match=match):
        request(**given)


def test_options_become_keys_of_the_dataset() -> None:
    asked = request(
        task="regression",
        drop=["id"],
        kind={"zip": "category"},
        time_column="sold",
        weight="w",
        dialect={"sep": ";", "sheet": "2024"},
    )
    assert asked.dataset.to_table() == {
        "csv": "homes.csv",
        "target": "price",
        "task": "regression",
        "drop": ["id"],
        "kind": {"zip": "category"},
        "time": "sold",
        "weight": "w",
        "select": "useful",
        "test": 0.1,
        "sep": ";",
        "sheet": "2024",
    }


def test_study_has_the_name_of_the_file() -> None:
    assert request().name == "homes"
    assert request(data="/data/homes.2024.csv.gz").name == "homes"
    assert request(study_name="mine").name == "mine"


def test_numbers_are_read_once() -> None:
    asked = request(time="1m", memory="2GiB")
    assert (asked.seconds, asked.memory_bytes) == (60.0, 2 * 2**30)
    assert request().seconds == 300.0


def test_kinds_are_read_from_pairs() -> None:
    assert parse_kinds(["zip=category", "a=b=number"]) == {"zip": "category", "a=b": "number"}
    for pair in ("zip", "zip=", "=category"):
        with pytest.raises(RequestError, match=f'--kind must be COLUMN=KIND, but got "{pair}"'):
            parse_kinds([pair])


def test_rows_that_memory_has_room_for_are_read(tmp_path: Path) -> None:
    table = tmp_path / "homes.csv"
    table.write_text("price,size\n" + "123456,654321\n" * 100_000, encoding="utf-8")
    few = request(data=str(table), memory="30MB", workers=2).dataset
    assert isinstance(few, CsvDataset)
    assert few.most_rows is not None
    assert 10_000 < few.most_rows < 50_000  # 10 MB for each process, a third of it for the table
    for memory in (None, "1GiB"):
        assert "most_rows" not in request(data=str(table), memory=memory).dataset.to_table()
