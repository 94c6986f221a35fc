"""Reads ``bundle.json``: what is read back is what was written, or an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.bundle import info as of_one_model
from tuner.bundle import members_info as of_members
from tuner.errors import BundleError, SpecError
from tuner.results.configuration_rules import with_names
from tuner.spec.models import Part
from tuner.spec.reading import read_part
from tuner.wording import Position, toml

_RULES: Mapping[object, type[Part]] = {
    of_one_model.SCHEMA: of_one_model.BundleInfo,
    of_members.SCHEMA: of_members.MembersInfo,
}
_ADVICE = "train the bundle again"


def read_info(file: Path) -> dict[str, Any]:
    """Reads ``bundle.json``.

    Returns:
        Its table, which follows all rules of `tuner.bundle.info.BundleInfo`, or, with the key
        ``members``, of `tuner.bundle.members_info.MembersInfo`.

    Raises:
        BundleError: It cannot be read, or breaks a rule.
    """
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise BundleError(f"{file} cannot be read: {exc}; {_ADVICE}") from exc
    found = info.get("tuner_bundle") if isinstance(info, Mapping) else None
    if type(found) is not int or found not in _RULES:
        known = " and ".join(map(str, _RULES))
        raise BundleError(
            f"{file}: tuner_bundle is {toml(found)}, this version of tuner reads {known}; "
            f"{_ADVICE}, or update tuner"
        )
    check_info(info, str(file))
    return dict(info)


def check_info(info: Mapping[str, Any], where: str) -> None:
    """Makes sure that the table of a ``bundle.json`` follows its rules.

    Args:
        info: The table.
        where: Name of the file, for error texts.

    Raises:
        BundleError: It breaks one.
    """
    position = Position(where)
    try:
        read_part(_RULES[info["tuner_bundle"]], with_names(info, position), position, _ADVICE)
    except SpecError as error:
        raise BundleError(str(error)) from None
