"""Sources of a warm start: stored studies, and files that `tuner export` wrote."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from tuner.errors import RequestError, SpecError
from tuner.spec.models import Direction, as_loss
from tuner.spec.paths import exists, expanded
from tuner.storage.constraints import violated_by
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.storage.url import absolute, chosen_url, masked
from tuner.studies.catalog import locate, read_toml
from tuner.wording import one_line

_OTHER_STORAGE = re.compile(r"(.*?)@([A-Za-z][A-Za-z0-9+.-]*://.*)", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A source.

    Attributes:
        label: It, as it is stored and shown: the study's name, ``NAME@URL`` or the file's path.
        name: The study's name, or the file's.
        candidates: Origin, such as "pima trial 12" → parameters, the best first.
    """

    label: str
    name: str
    candidates: Mapping[str, Mapping[str, Any]]


def read_source(asked: str, here: str, database: Database, known: Collection[str]) -> Source | None:
    """Reads a source.

    Args:
        asked: As in :func:`tuner.studies.warm_start.read_start`.
        here: Name of the study that begins.
        database: The open storage.
        known: Labels of sources that need not be read again.

    Returns:
        None if the source is known.

    Raises:
        TunerError: As in :func:`tuner.studies.warm_start.read_start`.
    """
    if asked in known:
        return None
    file = _exported(asked)
    if file is not None:
        return _of_file(asked, *file)
    name, url = _study(asked, database)
    label = name if url == database.url else f"{name}@{masked(absolute(url))}"
    return None if label in known else _of_study(label, name, url, here, database)


def _study(asked: str, database: Database) -> tuple[str, str]:
    """Returns the name of a source that is a study, and the URL of its database."""
    found = _OTHER_STORAGE.fullmatch(asked)
    if not found[1] if found else "://" in asked:  # not shown, for it may hold a password
        raise RequestError(
            "--warm-start names a study, but got the URL of a database alone; write NAME@STORAGE, "
            "such as pima@sqlite:///other.db"
        )
    _, name = locate(found[1] if found else asked)
    url = chosen_url(found[2]) if found else database.url
    return name, database.url if absolute(url) == absolute(database.url) else url


def _exported(asked: str) -> tuple[Path, dict[str, Any]] | None:
    """Reads an exported file; None if a study is meant, perhaps by the path of its file.

    Raises:
        SpecError: It cannot be read, or is no exported configuration.
    """
    path = expanded(asked)
    if asked.endswith(".toml") and exists(path):
        table = read_toml(path)
        return (path, table) if "tuner_export" in table else None
    if not asked.endswith(".json"):
        return None
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SpecError(f"--warm-start {one_line(asked)}: there is no such file") from error
    except (OSError, ValueError, RecursionError) as error:
        reason = one_line(str(error))
        raise SpecError(f"--warm-start {one_line(asked)}: cannot be read: {reason}") from error
    if not isinstance(table, Mapping) or "tuner_export" not in table:
        raise SpecError(
            f"--warm-start {one_line(asked)}: is not an exported configuration; write one with "
            "`tuner export STUDY -o best.json`"
        )
    return path, dict(table)


def _of_file(label: str, path: Path, table: Mapping[str, Any]) -> Source:
    params, trial = table.get("params"), table.get("trial")
    if not isinstance(params, Mapping) or not params:
        raise SpecError(
            f"--warm-start {one_line(str(path))}: params: must be a table of parameters; "
            "export it again"
        )
    named = f"{table.get('study', path.name)}" + ("" if trial is None else f" trial {trial}")
    return Source(label, path.name, {named: params})


def _of_study(label: str, name: str, url: str, here: str, database: Database) -> Source:
    is_same = url == database.url
    if is_same and name == here:
        raise RequestError(
            f"--warm-start {one_line(label)}: a study cannot begin with its own trials; name "
            f"another study, or go on with: tuner run {shlex.quote(name)}"
        )
    with _opened(url, database if is_same else None) as opened:
        study = opened.study(name)
        with storage_errors(opened.url):
            trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        attrs, directions = study.user_attrs, study.directions
        shown = str(opened)
    direction: Direction = "maximize" if directions[0].name == "MAXIMIZE" else "minimize"
    ranked = sorted(
        (trial for trial in trials if _counts(trial)),
        key=lambda trial: (as_loss(trial.values[0], direction), trial.number),
    )
    if not ranked:
        raise RequestError(
            f"--warm-start {one_line(label)}: study '{one_line(name)}' in {shown} has no complete "
            f"trial; run it first, with: tuner run {shlex.quote(name)}"
        )
    fixed = _fixed(attrs)
    candidates = {f"{name} trial {trial.number}": {**fixed, **trial.params} for trial in ranked}
    return Source(label, name, candidates)


@contextmanager
def _opened(url: str, same: Database | None) -> Iterator[Database]:
    if same is not None:
        yield same
        return
    database = Database(url, must_exist=True)
    try:
        database.require_known_tables()
        yield database
    finally:
        database.close()


def _counts(trial: FrozenTrial) -> bool:
    """Returns whether a complete trial has a value, and violates no constraint."""
    value = (trial.values or (math.nan,))[0]
    return math.isfinite(value) and not violated_by(trial)


def _fixed(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what all trials of a source had beside their own parameters, if tuner made it."""
    spec = attrs.get("tuner:spec")
    fixed = spec.get("fixed") if isinstance(spec, Mapping) else None
    return dict(fixed) if isinstance(fixed, Mapping) else {}
