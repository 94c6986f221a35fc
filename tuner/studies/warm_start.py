"""Begins a study with the best configurations of another one, mapped into its search space.

Terms:
    source: a stored study, of tuner or of another program, or a file that `tuner export` wrote.
    here: in the study that begins.

`docs/warm_start.md` shows by how much it helps, and why there are so few of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from tuner.errors import RequestError
from tuner.learners.registry import current_defaults, shared_params
from tuner.space import SearchSpace, Value
from tuner.space.mapping import Change, distance, mapped, notices
from tuner.spec import StudySpec
from tuner.storage.attributes import WARM_STARTS, StoredWarmStart, WarmStarts, study_attr
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies.warm_source import Source, read_source
from tuner.wording import hint, one_line

MOST = 2
"""Configurations that are taken."""

SHARE = 0.25
"""Share of the source's complete trials, the best, from which they are taken."""


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
    known = [one.source for one in started_from(stored)] if stored is not None else []
    source = read_source(asked, name, database, known)
    if source is None:
        return None
    common = shared_params(spec.model, current_defaults(spec.model), spec.fixed)
    there = sorted({one for params in source.candidates.values() for one in params})
    here = spec.search_space.names()
    if not set(there).intersection(here):
        named = f"{hint('', there, 'parameters there')}; {hint('', here, 'parameters here')}"
        raise RequestError(
            f"--warm-start {one_line(source.label)}: it and {one_line(name)} have no parameter in "
            f"common; {named}"
        )
    return _mapped(source, spec, common, [] if stored is None else _tried(stored))


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


def _tried(study: optuna.Study) -> list[Mapping[str, Any]]:
    """Returns the configurations of a study's trials, of those that wait, too."""
    trials = study.get_trials(deepcopy=False)
    return [trial.params or trial.system_attrs.get("fixed_params") or {} for trial in trials]


def _mapped(
    source: Source,
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
    n_near = max(MOST, math.ceil(SHARE * len(source.candidates)))
    for origin, params in source.candidates.items():
        if len(different) == n_near:
            break
        configuration, changes = mapped(space, params, known)
        if configuration not in seen:
            seen.append(configuration)
            different[origin] = configuration, changes
    chosen = spread(space, {origin: one for origin, (one, _) in different.items()}, MOST)
    notes = notices((c for origin in chosen for c in different[origin][1]), source.name)
    if ignored := _ignored(space, [source.candidates[origin] for origin in chosen], common):
        notes.append(f"left out, no parameter here: {', '.join(ignored)}")
    taken = StoredWarmStart(source=source.label, trials=list(chosen)).words()
    return WarmStart(source.label, chosen, (one_line(taken), *notes))


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
