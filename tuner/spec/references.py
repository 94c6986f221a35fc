"""Reads ``[[reference]]``: configurations known beforehand, checked against the search space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.space import SearchSpace
from tuner.spec.models import Reference
from tuner.spec.reading import check_plain, read_part
from tuner.wording import Position, either, hint, key_text, kind, toml

_TAKEN = {
    "search": "the trials of the search itself",
    "added by hand": "trials that tuner did not run",
}
_SPLITS = ("train", "validation", "test")


def read_references(value: object, space: SearchSpace, position: Position) -> tuple[Reference, ...]:
    """Reads all references of a study.

    Raises:
        SpecError: One is malformed, has another's name, or is not in the search space.
    """
    if not isinstance(value, list):
        raise position.error(
            f"must be a list of tables, but got {kind(value)}; write [[reference]], "
            "with two brackets on each side"
        )
    references: dict[str, Reference] = {}
    for number, table in enumerate(value, start=1):
        reference = _read(table, number, space, position)
        if reference.name in references:
            raise position.at(reference.name).error(
                f"names must be unique, but {toml(reference.name)} occurs twice; rename one"
            )
        references[reference.name] = reference
    return tuple(references.values())


def _read(table: object, number: int, space: SearchSpace, position: Position) -> Reference:
    if not isinstance(table, Mapping):
        raise position.at(str(number)).error(
            f"must be a table, but got {toml(table)}; write [[reference]] and below it "
            'name = "document" and params = { … }'
        )
    # A name says more than a number, where there is one.
    named = table.get("name")
    here = position.at(named if isinstance(named, str) and named else str(number))
    reference = read_part(Reference, table, here)
    if reference.name in _TAKEN:
        raise here.at("name").error(
            f"the name {toml(reference.name)} is taken by {_TAKEN[reference.name]}; "
            "write another name"
        )
    _check_reported(reference.reported, here.at("reported"))
    if (fault := space.fault(reference.params)) is not None:
        raise here.at("params").error(f"must be one trial of the search space: {fault}")
    return reference.model_copy(update={"params": space.read(reference.params)})


def _check_reported(reported: Mapping[str, Any], position: Position) -> None:
    if not reported:
        return
    split = reported.get("split")
    if split is None:
        raise position.at("split").error(
            f"is missing: a score means little without the split it was taken on; "
            f"write split = {either(_SPLITS)}"
        )
    if split not in _SPLITS:
        near = f"; {hint(split, _SPLITS, 'splits')}" if isinstance(split, str) else ""
        raise position.at("split").error(f"must be {either(_SPLITS)}, but got {toml(split)}{near}")
    for metric, value in reported.items():
        if metric == "split":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise position.at(metric).error(
                f"must be a number, but got {toml(value)}, {kind(value)}; "
                f"write {key_text(metric)} = 0.95"
            )
        check_plain(value, position.at(metric))
