"""Family name to the function that builds its models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tuner.models.cnn import build_cnn
from tuner.models.embedding import build_embedding
from tuner.models.linear import build_linear
from tuner.models.mlp import build_mlp

if TYPE_CHECKING:
    import keras

    from tuner.data import Splits
    from tuner.space import Value

BUILDERS: Mapping[str, Callable[[Mapping[str, Value], Splits], keras.Model]] = {
    "mlp": build_mlp,
    "linear": build_linear,
    "cnn": build_cnn,
    "embedding": build_embedding,
}
