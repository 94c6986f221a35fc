"""The family ``cnn``: blocks of convolution and pooling on images, then dense layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from tuner.learners.keras.networks.compiling import compiled
from tuner.learners.keras.networks.layers import (
    activation,
    dropout,
    hidden,
    kernel,
    normalisation,
    widened,
)
from tuner.learners.keras.networks.scaling import scaling_layers

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.space import Value

_POOLING = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
_GLOBAL_POOLING = {
    "none": keras.layers.Flatten,
    "max": keras.layers.GlobalMaxPooling2D,
    "average": keras.layers.GlobalAveragePooling2D,
}


def build_cnn(params: Mapping[str, Value], data: Development) -> keras.Model:
    """Builds and compiles: scaling to [0, 1], augmentation, blocks, dense layers, output.

    A block is Conv2D → batch normalisation → activation → pooling to half the size → dropout.
    The last block is not halved when all that is left of it is pooled globally.

    Args:
        params: Complete parameters of the family.
        data: Its images give the scaling, its task the output and the loss.

    Returns:
        A compiled model that takes raw images, shape (batch, *data.input_shape).
    """
    height, width, channels = (*data.input_shape, 1)[:3]
    layers = [keras.Input(data.input_shape, name="raw"), *scaling_layers(data)]
    if len(data.input_shape) == 2:
        layers.append(keras.layers.Reshape((height, width, channels)))
    layers += _augmentation(params)
    global_pooling, n_blocks = str(params["global_pooling"]), int(params["n_blocks"])
    for i in range(1, n_blocks + 1):
        filters = int(params.get(f"filters_{i}", params["filters"]))
        layers += _convolution(filters, (height, width), params)
        if i < n_blocks or global_pooling == "none":
            # "same": an odd row at the edge counts too, and however small, the size stays 1.
            layers.append(_POOLING[str(params["pooling"])](2, padding="same"))
            layers += dropout(params["block_dropout"])
            height, width = (height + 1) // 2, (width + 1) // 2
    layers.append(_GLOBAL_POOLING[global_pooling]())
    return compiled("cnn", [*layers, *hidden(params)], params, data)


def _augmentation(params: Mapping[str, Value]) -> list[keras.layers.Layer]:
    """Returns layers that change images at random in training and let them through otherwise."""
    layers: list[keras.layers.Layer] = []
    if params["flip"]:
        layers.append(keras.layers.RandomFlip("horizontal"))
    shift, contrast = float(params["translation"]), float(params["contrast"])
    if shift > 0:
        layers.append(keras.layers.RandomTranslation(shift, shift, fill_mode="nearest"))
    if contrast > 0:
        layers.append(keras.layers.RandomContrast(contrast, value_range=(0.0, 1.0)))
    return layers


def _convolution(
    filters: int, size: tuple[int, int], params: Mapping[str, Value]
) -> list[keras.layers.Layer]:
    """Returns a convolution that keeps the size, normalised and activated."""
    name = str(params["activation"])
    return [
        keras.layers.Conv2D(
            widened(filters, name),
            int(params["kernel_size"]),
            padding="same",
            use_bias=not params["batch_norm"],
            **kernel(params),
        ),
        *normalisation(params),
        *activation(name, filters, size),
    ]
