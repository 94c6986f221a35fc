"""Exported files that were changed: read as they are written, or refused in one line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from commands import Command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import VALUES, damaged, mutated

from tuner.errors import SpecError
from tuner.results import Configuration
from tuner.results.configuration_file import as_json, as_toml, read
from tuner.spec import CsvDataset

FOLDER = Path("/exports")
EXPORTED = Configuration(
    study="boxes",
    trial=7,
    metric="accuracy",
    direction="maximize",
    value=0.9,
    dataset=CsvDataset(csv="boxes.csv", target="class"),
    model="mine:build_model",
    params={"n_layers": 1, "units_1": 8, "dropout": 0.1, "batch_norm": False, "optimizer": "adam"},
    epochs=3,
    batch_size=16,
    seed=11,
    data_fingerprint="f" * 64,
    versions={"keras": "3.15.1"},
    base=FOLDER,
)
JSON = as_json(EXPORTED, FOLDER / "best.json")
TOML = as_toml(EXPORTED, FOLDER / "best.toml")
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(file: Path) -> Configuration | None:
    """Returns the configuration; None if it was refused in one line that names the file."""
    try:
        return read(file)
    except SpecError as error:
        said = str(error)
    assert "\n" not in said
    assert said.startswith(str(file))
    return None


def means_the_same(found: Configuration, table: dict[str, Any], folder: Path) -> bool:
    """Returns whether the configuration holds all that the table does, and nothing else."""
    given = {key: value for key, value in table.items() if key != "about" and value is not None}
    meant = found.to_dict(folder)
    for one in (given, meant):
        one["value"] = float(one.get("value", 0))  # a whole number, too
        one["base"] = one.get("base", ".")
        one["versions"] = one.get("versions") or {}
        # A path is the same however it is written.
        one["base"] = (folder / one["base"]).resolve()
        if isinstance(one["dataset"], dict):
            csv = (folder / one["dataset"]["csv"]).resolve()
            one["dataset"] = one["dataset"] | {"csv": csv}
    return given == meant


@QUICK
@given(mutated(json.loads(JSON)))
def test_mutated_json_is_read_or_refused(tmp_path: Path, table: dict[str, Any]) -> None:
    file = tmp_path / "best.json"
    file.write_text(json.dumps(table))
    found = outcome(file)
    assert found is None or means_the_same(found, table, tmp_path)


@QUICK
@given(mutated(tomllib.loads(TOML), VALUES.filter(lambda value: value is not None)))
def test_mutated_toml_is_read_or_refused(tmp_path: Path, table: dict[str, Any]) -> None:
    file = tmp_path / "best.toml"
    try:
        file.write_text(tomli_w.dumps(table), encoding="utf-8", newline="")
    except UnicodeEncodeError:
        return  # no file can hold it
    found = outcome(file)
    assert found is None or means_the_same(found, table, tmp_path)


@QUICK
@given(st.data())
@pytest.mark.parametrize(("name", "text"), [("best.json", JSON), ("best.toml", TOML)])
def test_damaged_text_is_read_or_refused(
    name: str, text: str, tmp_path: Path, data: st.DataObject
) -> None:
    (tmp_path / name).write_bytes(data.draw(damaged(text.encode())))
    outcome(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (f"seed = {'1' * 5000}", r"best\.toml cannot be read: .*5000 digits"),
        (f"a = {'[' * 5000}", r"best\.toml (cannot be read|is not TOML)"),
    ],
)
def test_unparsable_file_is_refused(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "best.toml").write_text(text)
    with pytest.raises(SpecError, match=match) as refused:
        read(tmp_path / "best.toml")
    assert "\n" not in str(refused.value)


def test_train_refuses_a_broken_export_in_one_line(command: Command, tmp_path: Path) -> None:
    for change in ({"model": 7}, {"epochs": "x"}, {"params": {"units_1": None}}, {"data": 5}):
        (tmp_path / "best.json").write_text(json.dumps(json.loads(JSON) | change))
        command("train", "best.json", "-o", "model").refused(2, r"best\.json: [\w.]+: ")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("change", "status", "match"),
    [
        ({"params": {"n_layers": 1, "units_1": 2**62}}, 2, r"the network cannot be built: Invalid"),
        ({"params": {"units_1": "x"}}, 2, r'units_1 must be a number, such as 64, but got "x"'),
        ({"metric": "zz"}, 2, r"zz"),
        ({"base": "x" * 5000}, 2, r"base: is too long for the path of a file: 5000 characters"),
        ({"dataset": {"csv": "a\0b", "target": "c"}}, 2, r"dataset\.csv: must not hold a null"),
    ],
)
def test_train_with_impossible_parameters_fails_in_one_line(
    change: dict[str, Any], status: int, match: str, command: Command, tmp_path: Path
) -> None:
    rows = "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "boxes.csv").write_text(f"width,height,class\n{rows}")
    table = json.loads(JSON) | {"model": "mlp", "data_fingerprint": None, "params": {}}
    table = {key: value for key, value in (table | change).items() if value is not None}
    (tmp_path / "best.json").write_text(json.dumps(table))
    command("train", "best.json", "-o", "model").refused(status, match)
    assert not (tmp_path / "model").exists()
