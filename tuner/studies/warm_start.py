"""Begins a study with the best configurations of another one, mapped into its search space.

Terms:
    source: a stored study, of tuner or of another program, or a file that `tuner export` wrote.
    here: the study that begins.

`docs/warm_start.md` shows by how much it helps, and why there are so few of them.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import RequestError, SpecError
from tuner.learners.registry import current_defaults, shared_params
from tuner.space import SearchSpace, Value
from tuner.space.mapping import Change, distance, mapped, notices
from tuner.spec import StudySpec
from tuner.spec.models import Direction, as_loss
from tuner.spec.paths import exists, expanded
from tuner.storage.attributes import WARM_STARTS, StoredWarmStart, WarmStarts, study_attr
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.storage.url import absolute, chosen_url, masked
from tuner.studies.catalog import locate, read_toml
from tuner.wording import hint, one_line

MOST = 3
"""Configurations that are taken."""

SHARE = 0.25
"""Share of the source's complete trials, the best, from which they are taken."""

_OTHER_STORAGE = re.compile(r"(.+?)@([A-Za-z][A-Za-z0-9+.-]*://.*)", re.DOTALL)


@dataclass(frozen=True)
class WarmStart:
    """What a study begins with.

    Attributes:
        source: The source, as it is stored and shown.
        configurations: Origin, such as "pima trial 12" → configuration, the best first.
        notes: Lines for people: what is taken, and which values differ here.
    """

    source: str
    configurations: Mapping[str, Mapping[str, Value]]
    notes: tuple[str, ...]

    @property
    def taken(self) -> StoredWarmStart:
        """What is stored of it."""
        return StoredWarmStart(source=self.source, trials=list(self.configurations))


@dataclass(frozen=True)
class _Source:
    """A source that was read.

    Attributes:
        name: The study, or the file.
        candidates: Origin → parameters, the best first.
        n_near: How many of them are good enough to be taken.
    """

    name: str
    candidates: Mapping[str, Mapping[str, Any]]
    n_near: int


def read_start(
    asked: str,
    spec: StudySpec,
    name: str,
    database: Database,
    stored: optuna.Study | None,
) -> WarmStart | None:
    """Reads a source and maps its best configurations into the search space of a study.

    Args:
        asked: What ``--warm-start`` names: a study of the same database, ``NAME@STORAGE``, or an
            exported file.
        spec: The study.
        name: Its name in the database.
        database: The open storage.
        stored: The study as it is stored, if it is.

    Returns:
        None if the study has taken its configurations from this source already.

    Raises:
        RequestError: The source is the study itself, has no complete trial, or shares no parameter
            with the study; or the exported file cannot be read.
        UnknownNameError: There is no such source.
        StorageError: Its database is not there, or cannot be read.
    """
    known = {one.source for one in started_from(stored)} if stored is not None else set()
    if asked in known:
        return None
    file = _exported(asked)
    if file is None:
        study, url = _study(asked, database)
        label = study if url == database.url else f"{study}@{masked(absolute(url))}"
        if label in known:
            return None
        source = _of_study(label, study, url, name, database)
    else:
        label, source = asked, _of_file(*file)
    common = shared_params(spec.model, current_defaults(spec.model), spec.fixed)
    there = {one for params in source.candidates.values() for one in params}
    here = spec.search_space.names()
    if not there.intersection(here):
        raise RequestError(
            f"--warm-start {one_line(label)}: it and {one_line(name)} have no parameter in common; "
            f"{hint('', sorted(there), 'parameters there')}; {hint('', here, 'parameters here')}"
        )
    return _mapped(label, source, spec, common, [] if stored is None else _tried(stored))


def started_from(study: optuna.Study) -> tuple[StoredWarmStart, ...]:
    """Returns the sources from which a stored study has taken configurations, in their order.

    Raises:
        SpecError: The attribute does not hold what tuner stores there.
    """
    found = study_attr(WarmStarts, study.user_attrs, WARM_STARTS, study.study_name)
    return tuple(found.root) if found else ()


def enqueue(database: Database, study: optuna.Study, start: WarmStart) -> None:
    """Queues the configurations behind what waits already, and stores where they come from."""
    before = started_from(study)
    if any(one.source == start.source for one in before):
        return
    database.enqueue_references(study, start.configurations, start.configurations)
    with storage_errors(database.url):
        all_of_them = [one.model_dump() for one in (*before, start.taken)]
        study.set_user_attr(WARM_STARTS, all_of_them)


def _study(asked: str, database: Database) -> tuple[str, str]:
    """Returns the name of a source that is a study, and the URL of its database."""
    found = _OTHER_STORAGE.fullmatch(asked)
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


def _of_file(path: Path, table: Mapping[str, Any]) -> _Source:
    params, trial = table.get("params"), table.get("trial")
    if not isinstance(params, Mapping) or not params:
        raise SpecError(
            f"--warm-start {one_line(str(path))}: params: must be a table of parameters; "
            "export it again"
        )
    named = f"{table.get('study', path.name)}" + ("" if trial is None else f" trial {trial}")
    return _Source(path.name, {named: params}, 1)


def _of_study(label: str, name: str, url: str, here: str, database: Database) -> _Source:
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
    return _Source(
        name,
        {f"{name} trial {trial.number}": {**fixed, **trial.params} for trial in ranked},
        max(MOST, math.ceil(SHARE * len(ranked))),
    )


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
    if not math.isfinite(value):
        return False
    if not any(key.startswith("constraints") for key in trial.system_attrs):
        return True
    return all(score <= 0 for score in trial.constraints.values())


def _fixed(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what all trials of a source had beside their own parameters, if tuner made it."""
    spec = attrs.get("tuner:spec")
    fixed = spec.get("fixed") if isinstance(spec, Mapping) else None
    return dict(fixed) if isinstance(fixed, Mapping) else {}


def _tried(study: optuna.Study) -> list[Mapping[str, Any]]:
    """Returns the configurations of a study's trials, of those that wait, too."""
    trials = study.get_trials(deepcopy=False)
    return [trial.params or trial.system_attrs.get("fixed_params") or {} for trial in trials]


def _mapped(
    label: str,
    source: _Source,
    spec: StudySpec,
    common: Mapping[str, Any],
    tried: Sequence[Mapping[str, Any]],
) -> WarmStart:
    space = spec.search_space
    known: dict[str, Value] = {}
    for reference in spec.references:
        known = {**space.read(reference.params), **known}
    different: dict[str, tuple[dict[str, Value], list[Change]]] = {}
    seen = [space.as_stored(params) for params in tried]
    seen += [dict(reference.params) for reference in spec.references]
    for origin, params in source.candidates.items():
        if len(different) == source.n_near:
            break
        configuration, changes = mapped(space, params, known)
        if configuration not in seen:
            seen.append(configuration)
            different[origin] = configuration, changes
    chosen = spread(space, {origin: one for origin, (one, _) in different.items()}, MOST)
    notes = notices((c for origin in chosen for c in different[origin][1]), source.name)
    if ignored := _ignored(space, [source.candidates[origin] for origin in chosen], common):
        notes.append(f"left out, no parameter here: {', '.join(ignored)}")
    taken = StoredWarmStart(source=label, trials=list(chosen)).words()
    return WarmStart(label, chosen, (one_line(taken), *notes))


def spread(
    space: SearchSpace, candidates: Mapping[str, Mapping[str, Value]], most: int
) -> dict[str, Mapping[str, Value]]:
    """Returns the first candidate, and of the others those farthest from what is chosen already.

    Args:
        space: The space that holds them.
        candidates: Origin → configuration, the best first.
        most: How many to choose.
    """
    left = dict(candidates)
    chosen: dict[str, Mapping[str, Value]] = {}
    while left and len(chosen) < most:
        # Of equals the first: the best of all, when there is nothing to be far from yet.
        origin = max(left, key=lambda one: _nearest(space, left[one], chosen))
        chosen[origin] = left.pop(origin)
    return chosen


def _nearest(
    space: SearchSpace, one: Mapping[str, Value], others: Mapping[str, Mapping[str, Value]]
) -> float:
    return min((distance(space, one, other) for other in others.values()), default=0.0)


def _ignored(
    space: SearchSpace, taken: Sequence[Mapping[str, Any]], common: Mapping[str, Any]
) -> list[str]:
    """Returns the names of parameters that are lost here, which is no loss if they are common."""
    known = space.names()
    return sorted(
        {
            one_line(name)
            for params in taken
            for name, value in params.items()
            if name not in known and common.get(name) != value
        }
    )
