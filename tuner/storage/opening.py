"""Which backend a storage URL asks for."""

from __future__ import annotations

from tuner.storage.backend import Backend
from tuner.storage.cached import CachedStorage
from tuner.storage.engine import open_shared
from tuner.storage.gathering import Gathering
from tuner.storage.retrying import Patience
from tuner.storage.taking import Taker
from tuner.storage.url import PROXY, parse_url


def open_backend(url: str, taker: Taker, patience: Patience) -> tuple[Backend, Gathering]:
    """Opens what a URL names.

    Returns:
        The backend, and what Optuna's functions take as ``storage``.

    Raises:
        StorageError: The tables are of another Optuna version.
    """
    if parse_url(url).get_backend_name() == PROXY:
        from tuner.storage.proxied import open_proxied  # imports gRPC

        proxied = open_proxied(url, taker, patience)
        return proxied, proxied
    backend = open_shared(url)
    backend.taker, backend.patience = taker, patience
    return backend, CachedStorage(backend)
