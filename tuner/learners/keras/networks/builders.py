"""Family name to the function that builds its models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tuner.learners.keras.networks.cnn import build_cnn
from tuner.learners.keras.networks.embedding import build_embedding
from tuner.learners.keras.networks.linear import build_linear
from tuner.learners.keras.networks.mlp import build_mlp

if TYPE_CHECKING:
    import keras

    from tuner.data import Development
    from tuner.space import Value

BUILDERS: Mapping[str, Callable[[Mapping[str, Value], Development], keras.Model]] = {
    "mlp": build_mlp,
    "linear": build_linear,
    "cnn": build_cnn,
    "embedding": build_embedding,
}
