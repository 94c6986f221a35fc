"""The only module that imports private modules of Optuna; which of its private names tuner uses.

Read in Optuna 5.0.0; ``tests/storage/test_optuna_private.py`` compares :data:`NAMES` with what the
code of tuner uses and with the installed Optuna. A new release is tried with that test and the ones
that :data:`NAMES` names, then the bound in ``pyproject.toml`` is raised.
"""

from __future__ import annotations

from typing import Any

from optuna.samplers._lazy_random_state import LazyRandomState
from optuna.samplers._tpe import _truncnorm as truncnorm
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator as ParzenEstimator
from optuna.samplers._tpe.sampler import default_gamma
from optuna.search_space import _GroupDecomposedSearchSpace as GroupDecomposedSearchSpace
from optuna.search_space import _SearchSpaceGroup as SearchSpaceGroup
from optuna.storages._rdb import models

__all__ = [
    "NAMES",
    "TRIALS",
    "GroupDecomposedSearchSpace",
    "LazyRandomState",
    "ParzenEstimator",
    "SearchSpaceGroup",
    "default_gamma",
    "models",
    "proxy_cache",
    "proxy_stub",
    "truncnorm",
]

TRIALS: Any = models.TrialModel.__table__
"""Optuna's table of trials, whose times have private names in the model."""

_TPE = "tests/search/test_tpe.py"
_STORAGE = "tests/storage/test_optuna_storage_suite.py"
_PROXY = "tests/storage/test_proxied.py"

NAMES = {
    # Identifiers that Optuna's storages take, and which it hands out in no other way.
    "FrozenTrial._trial_id": _STORAGE,
    "Study._study_id": _STORAGE,
    "Study._storage": "tests/search/test_exhaustive.py",
    # A trial as it was when it was claimed; the public attributes copy, or read the storage.
    "Trial()._cached_frozen_trial": "tests/trials/test_saved_trials.py",
    # TPE: the steps of one sample, taken over trials that are read once.
    "TPESampler._sample": _TPE,
    "TPESampler._compute_acquisition_func": _TPE,
    "TPESampler._compare": _TPE,
    "TPESampler._get_params": _TPE,
    "TPESampler()._rng": _TPE,
    "TPESampler()._random_sampler": _TPE,
    "TPESampler()._group": _TPE,
    "TPESampler()._group_decomposed_search_space": _TPE,
    "TPESampler()._constant_liar": _TPE,
    "TPESampler()._gamma": _TPE,
    "TPESampler()._n_ei_candidates": _TPE,
    "TPESampler()._parzen_estimator_cls": _TPE,
    "TPESampler()._parzen_estimator_parameters": _TPE,
    "Study._get_trials": _TPE,
    "truncnorm._log_ndtr": _TPE,
    # Hyperband: the bracket of a trial and the study of a bracket, each made once.
    "HyperbandPruner._get_bracket_id": _TPE,
    "HyperbandPruner._create_bracket_study": _TPE,
    "HyperbandPruner()._pruners": _TPE,
    "Study()._thread_local": _TPE,
    # The client of the proxy: calls with a time limit, on a channel that soon connects again.
    "GrpcStorageProxy._setup": _PROXY,
    "GrpcStorageProxy()._host": _PROXY,
    "GrpcStorageProxy()._port": _PROXY,
    "GrpcStorageProxy()._channel": _PROXY,
    "GrpcStorageProxy()._stub": _PROXY,
    "GrpcStorageProxy()._cache": _PROXY,
}
"""Attribute → the test that fails when it changes; ``Class()`` has it only once it is made."""


def proxy_stub(channel: Any) -> Any:
    """The procedures of Optuna's proxy on a gRPC channel."""
    from optuna.storages._grpc.auto_generated.api_pb2_grpc import StorageServiceStub  # needs gRPC

    return StorageServiceStub(channel)  # type: ignore[no-untyped-call]


def proxy_cache(stub: Any) -> Any:
    """The cache of finished trials that Optuna's client keeps."""
    from optuna.storages._grpc.client import GrpcClientCache

    return GrpcClientCache(stub)
