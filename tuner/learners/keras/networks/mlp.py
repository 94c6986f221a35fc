"""The family ``mlp``: fully connected layers on rows of numbers or on pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from tuner.learners.keras.networks.compiling import compiled
from tuner.learners.keras.networks.layers import hidden
from tuner.learners.keras.networks.scaling import scaling_layers

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.space import Value


def build_mlp(params: Mapping[str, Value], data: Development) -> keras.Model:
    """Builds and compiles: scaling, hidden layers, output.

    Args:
        params: Complete parameters of the family.
        data: Its training split gives the scaling, its task the output and the loss.

    Returns:
        A compiled model that takes raw rows, shape (batch, *data.input_shape).
    """
    return compiled("mlp", [*flat_input(params, data), *hidden(params)], params, data)


def flat_input(params: Mapping[str, Value], data: Development) -> list[keras.layers.Layer]:
    """Returns the layers that take raw rows, scale them and give shape (batch, features)."""
    flatten = [] if len(data.input_shape) == 1 else [keras.layers.Flatten()]
    scaling = scaling_layers(data, str(params["scaling"]))
    return [keras.Input(data.input_shape, name="raw"), *scaling, *flatten]
