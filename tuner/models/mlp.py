"""The family ``mlp``: fully connected layers on rows of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from tuner.models.compiling import compile_for, output_layer, penalty
from tuner.models.scaling import scaling_layers

if TYPE_CHECKING:
    from tuner.data import Splits
    from tuner.space import Value


def build_mlp(params: Mapping[str, Value], data: Splits) -> keras.Model:
    """Builds and compiles: scaling, hidden layers, output.

    A hidden layer is Dense → batch normalisation → activation → dropout, the order of Ioffe
    and Szegedy (2015, section 3.2), who also drop the bias that the normalisation would undo.

    Args:
        params: Complete parameters of the family.
        data: Its training split gives the scaling, its task the output and the loss.

    Returns:
        A compiled model that takes raw rows, shape (batch, *data.input_shape).
    """
    batch_norm, dropout = bool(params["batch_norm"]), float(params["dropout"])
    l2, activation = float(params["l2"]), str(params["activation"])

    layers: list[keras.layers.Layer] = [keras.Input(data.input_shape, name="raw")]
    layers += scaling_layers(data.train.x)
    if len(data.input_shape) != 1:
        layers.append(keras.layers.Flatten())
    for i in range(1, int(params["n_layers"]) + 1):
        units = int(params.get(f"units_{i}", params["units"]))
        layers.append(
            keras.layers.Dense(units, use_bias=not batch_norm, kernel_regularizer=penalty(l2))
        )
        if batch_norm:
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.Activation(activation))
        if dropout > 0:
            layers.append(keras.layers.Dropout(dropout))
    layers.append(output_layer(data, l2))
    return compile_for(keras.Sequential(layers, name="mlp"), params, data.task)
