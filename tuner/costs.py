"""What a trained model costs, measured by tuner itself: metrics of which less is better.

They can be objectives beside the first one, see :mod:`tuner.spec.goals`. They are measured once,
when a trial has ended, so they have no curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

N_PARAMS = "n_params"
PREDICT_S = "predict_s"
BUNDLE_BYTES = "bundle_bytes"
TRAIN_S = "train_s"

COSTS: Mapping[str, str] = MappingProxyType(
    {
        N_PARAMS: "trainable parameters; of trees their nodes",
        PREDICT_S: "seconds to predict 1,000 rows on one thread",
        BUNDLE_BYTES: "bytes of the saved model",
        TRAIN_S: "seconds of fitting",
    }
)
"""Name to meaning, with the unit."""

WHOLE = (N_PARAMS, BUNDLE_BYTES)
"""Those that are counts."""

ROWS = 1000
"""How many rows ``predict_s`` is measured on."""
