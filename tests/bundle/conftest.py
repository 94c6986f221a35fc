from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_configurations import MakeConfiguration, configuration

from tuner.bundle import Bundle, train
from tuner.results import Configuration


@pytest.fixture
def make_configuration(tmp_path: Path) -> MakeConfiguration:
    """``make_configuration(target="price", epochs=2)``: a configuration on a table of its own."""

    def make(target: str = "price", **changes: Any) -> Configuration:
        return configuration(tmp_path, target, **changes)

    return make


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle that classifies boxes as large or small; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    return train(configuration(folder, "class", epochs=40), folder / "model")
