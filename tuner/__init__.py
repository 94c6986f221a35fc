"""Hyperparameter tuning for Keras models.

Three lines do all of it::

    import tuner

    result = tuner.run("wine", n_trials=60)
    bundle = tuner.train(result.best, "model/")

And for a table of one's own::

    result = tuner.automl(frame, target="price", time="60s")
    result.predict(rows)

Names are imported when they are first used: ``import tuner`` itself costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.api import confirm, curves, export, load, pause, resume, run, stop, submit, train
    from tuner.automl.automl_result import automl
    from tuner.automl.estimator import AutoML
    from tuner.bundle import load_bundle
    from tuner.data import Split, Splits
    from tuner.errors import TunerError

__version__ = "0.1.0"

__all__ = [
    "AutoML",
    "Split",
    "Splits",
    "TunerError",
    "automl",
    "confirm",
    "curves",
    "export",
    "load",
    "load_bundle",
    "pause",
    "resume",
    "run",
    "stop",
    "submit",
    "train",
]

_HOMES = {
    "AutoML": "tuner.automl.estimator",
    "Split": "tuner.data",
    "Splits": "tuner.data",
    "TunerError": "tuner.errors",
    "load_bundle": "tuner.bundle",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tuner' has no attribute '{name}'")
    if name == "automl":
        return importlib.import_module("tuner.automl")  # which can be called
    return getattr(importlib.import_module(_HOMES.get(name, "tuner.api")), name)
