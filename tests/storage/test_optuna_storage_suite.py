"""Our storage passes the tests that Optuna has for its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.testing.pytest_storages import StorageTestCase

from tuner.storage.backend import Storage
from tuner.storage.database import Database

pytestmark = pytest.mark.slow


# The copy that Optuna's test makes by pickling is never closed; psycopg complains of that.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestStorage(StorageTestCase):
    @pytest.fixture
    def storage(self, open_database: Callable[..., Database]) -> Storage:
        return open_database().storage
