"""Reads the tables of a study file, key by key; where the file's form and the models differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tuner.errors import UnknownNameError
from tuner.space import SearchSpace
from tuner.spec.goals import read_objectives
from tuner.spec.models import (
    DEFAULT_NAMES,
    AnyDataset,
    Budget,
    Choice,
    Confirm,
    CsvDataset,
    EarlyStopping,
    ImageFolder,
    Training,
    Validation,
)
from tuner.spec.reading import check_keys, check_plain, read_part
from tuner.spec.references import read_references
from tuner.wording import Position, kind, toml

_KEYS = (
    "title",
    "dataset",
    "model",
    "search_space",
    "fixed",
    "objective",
    "budget",
    "sampler",
    "pruner",
    "early_stopping",
    "training",
    "validation",
    "confirm",
    "reference",
)
_REQUIRED = {
    "dataset": 'dataset = "wine"',
    "model": 'model = "mlp"',
    "search_space": 'search_space = "mlp"',
    "objective": '[objective] and below it metric = "accuracy" and direction = "maximize"',
}
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def read_study(
    table: Mapping[str, Any], position: Position, load_space: Callable[[str], SearchSpace] | None
) -> dict[str, Any]:
    """Reads a whole study.

    Args:
        table: The file as TOML has it.
        position: The file.
        load_space: Finds a space by name or path; None where only an inline one can be.

    Returns:
        The fields of a ``StudySpec`` by name, without ``name`` and ``base``; no ``title`` when
        the file has none.

    Raises:
        SpecError: A rule is broken.
    """
    check_keys(table, _KEYS, position)
    for key, example in _REQUIRED.items():
        if key not in table:
            raise position.at(key).error(f"is missing; write {example}")
    title = {"title": _text(table["title"], position.at("title"))} if "title" in table else {}
    space = _search_space(table["search_space"], position.at("search_space"), load_space)
    first, goals = read_objectives(table["objective"], position.at("objective"))
    early, validation = table.get("early_stopping"), table.get("validation")
    confirm = table.get("confirm")
    return {
        **title,
        "dataset": read_dataset(table["dataset"], position.at("dataset")),
        "model": name_or_function(table["model"], position.at("model")),
        "search_space": space,
        "fixed": _fixed(table.get("fixed", {}), space, position.at("fixed")),
        "objective": first,
        "goals": goals,
        "budget": read_part(Budget, table.get("budget", {}), position.at("budget")),
        "sampler": _choice(table.get("sampler", {}), position.at("sampler"), seeded=True),
        "pruner": _choice(table.get("pruner", {}), position.at("pruner"), seeded=False),
        "early_stopping": None
        if early is None
        else read_part(EarlyStopping, early, position.at("early_stopping")),
        "training": read_part(Training, table.get("training", {}), position.at("training")),
        "validation": None
        if validation is None
        else read_part(Validation, validation, position.at("validation")),
        "confirm": None if confirm is None else read_part(Confirm, confirm, position.at("confirm")),
        "references": read_references(table.get("reference", []), space, position.at("reference")),
    }


def _text(value: object, position: Position) -> str:
    if not isinstance(value, str):
        raise position.error(
            f"must be a string, but got {toml(value)}, {kind(value)}; write it in quotes"
        )
    if not value.strip():
        raise position.error("must not be empty")
    return value


def name_or_function(value: object, position: Position) -> str:
    """Reads the name of a data set or model, or ``module:function``.

    Raises:
        SpecError: It is no text, or neither.
    """
    text = _text(value, position)
    if ":" in text and not _FUNCTION.fullmatch(text):
        raise position.error(
            f'a function is named "module:function", but got {toml(text)}; '
            'write for example "my_module:my_function"'
        )
    return text


def read_dataset(value: object, position: Position) -> AnyDataset:
    """Reads the ``dataset`` of a study file or an exported configuration.

    Raises:
        SpecError: It is neither a name nor a function nor a CSV file with its target nor a folder
            of images.
    """
    if isinstance(value, Mapping):
        if "images" in value:
            return read_part(ImageFolder, value, position)
        return read_part(CsvDataset, value, position)
    if not isinstance(value, str):
        raise position.error(
            f"must be a name, a function or a table, but got {toml(value)}; "
            'write "wine", "my_module:my_function" or { csv = "file.csv", target = "column" }'
        )
    if value.endswith(".csv"):
        raise position.error(
            f"a CSV file needs the column to predict, but got {toml(value)}; "
            f'write {{ csv = {toml(value)}, target = "column" }}'
        )
    return name_or_function(value, position)


def _search_space(
    value: object, position: Position, load: Callable[[str], SearchSpace] | None
) -> SearchSpace:
    if isinstance(value, Mapping):
        return SearchSpace.parse(value, position.where, *position.keys)
    if load is None or not isinstance(value, str):
        raise position.error(
            f"must be a name, a path or a table, but got {toml(value)}; "
            'write search_space = "mlp", or [search_space.units] and so on'
        )
    try:
        return load(_text(value, position))
    except UnknownNameError as error:  # it is this file that names it
        raise position.error(str(error)) from None


def _fixed(table: object, space: SearchSpace, position: Position) -> dict[str, Any]:
    """Reads the parameters that all trials have in common."""
    if not isinstance(table, Mapping):
        raise position.error(
            f"must be a table, but got {toml(table)}; write [fixed] and below it NAME = VALUE"
        )
    for name, value in table.items():
        here = position.at(name)
        if isinstance(value, Mapping | list):
            raise here.error(
                f"must be one number, string or boolean, but got {toml(value)}; a parameter that "
                "is to be searched belongs under [search_space]"
            )
        check_plain(value, here)
        if name in space.names():
            raise here.error(
                "is a parameter of the search space, too; remove it here, or there to fix it"
            )
    return dict(table)


def _choice(table: object, position: Position, *, seeded: bool) -> Choice:
    default = DEFAULT_NAMES[position.keys[-1]]
    if not isinstance(table, Mapping):
        name = position.keys[-1]
        raise position.error(
            f"must be a table, but got {toml(table)}; write [{name}] and below it "
            f"name = {toml(table) if isinstance(table, str) else toml(default)}"
        )
    fields = ("name", "seed") if seeded else ("name",)
    options = {key: value for key, value in table.items() if key not in fields}
    for key, value in options.items():
        check_plain(value, position.at(key))
    known = {key: table[key] for key in fields if key in table}
    return read_part(Choice, {"name": default, **known, "options": options}, position)
