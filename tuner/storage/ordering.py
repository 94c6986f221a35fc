"""The order of a trial's parameters, which a proxy does not keep: its messages have none.

Without one, each process would see them in an order of its own, and sample in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from optuna.storages._grpc.client import GrpcClientCache
from optuna.trial import FrozenTrial

from tuner.errors import SpecError
from tuner.space import SearchSpace


def names_in_order(study_attrs: Mapping[str, Any]) -> list[str]:
    """All that parameters of a study's trials can be called; empty if tuner did not make it."""
    spec = study_attrs.get("tuner:spec")
    space = spec.get("search_space") if isinstance(spec, Mapping) else None
    if not isinstance(space, Mapping):
        return []  # what is wrong with it is reported when the study is opened
    with suppress(SpecError):
        return list(SearchSpace.parse(space, "the study").names())
    return []


def put_in_order(trial: FrozenTrial, names: Sequence[str]) -> FrozenTrial:
    """The same trial, its parameters in the order of ``names``, others after them by name."""
    place = {name: i for i, name in enumerate(names)}
    params = sorted(trial._params, key=lambda name: (place.get(name, len(place)), name))
    trial._params = {name: trial._params[name] for name in params}
    trial._distributions = {name: trial._distributions[name] for name in params}
    return trial


class OrderedCache(GrpcClientCache):
    """The cache of Optuna's client, whose trials have their parameters in order."""

    def __init__(self, stub: Any, names_of: Callable[[int], Sequence[str]]) -> None:
        """Begins empty; ``names_of`` a study by its identifier says the order."""
        super().__init__(stub)
        self._names_of = names_of

    def _add_trial_to_cache(self, study_id: int, trial: FrozenTrial) -> None:
        if len(trial._params) > 1:
            put_in_order(trial, self._names_of(study_id))
        super()._add_trial_to_cache(study_id, trial)
