"""What the families have in common: kernels, activations, hidden dense layers.

Everything is a layer of Keras's own, so that a saved model loads without this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from tuner.space import Value

PIECES = 2
"""Linear pieces of a maxout unit; Goodfellow et al. (2013) use 2 to 5."""


def kernel(params: Mapping[str, Value]) -> dict[str, Any]:
    """Returns the arguments of a Dense or convolution layer that are about its kernel."""
    return {
        "kernel_initializer": str(params["initializer"]),
        "kernel_regularizer": penalty(float(params["l1"]), float(params["l2"])),
    }


def penalty(l1: float, l2: float) -> keras.regularizers.Regularizer | None:
    """l1 · Σ|w| + l2 · Σw² of a kernel: both are the elastic net, none is no term at all.

    A term of zero would cost time in every step.
    """
    return keras.regularizers.L1L2(l1, l2) if l1 > 0 or l2 > 0 else None


def widened(units: int, activation: str) -> int:
    """Returns the units that a layer needs so that ``units`` are left after its activation."""
    return units * PIECES if activation == "maxout" else units


def activation(name: str, units: int, size: tuple[int, ...] = ()) -> list[keras.layers.Layer]:
    """Returns the layers of an activation.

    Maxout is the greatest of ``PIECES`` units or filters: Goodfellow et al. (2013), eq. 2.

    Args:
        name: One of ``families.ACTIVATIONS``.
        units: What is left after it; the layer before must be ``widened``.
        size: Height and width of the images that are activated.
    """
    if name != "maxout":
        return [keras.layers.Activation(name)]
    pieces = keras.layers.Reshape((*size, PIECES, units))
    if not size:
        return [pieces, keras.layers.GlobalMaxPooling1D()]
    # The greatest over the axis of the pieces alone.
    return [
        pieces,
        keras.layers.MaxPooling3D((1, 1, PIECES)),
        keras.layers.Reshape((*size, units)),
    ]


def normalisation(params: Mapping[str, Value]) -> list[keras.layers.Layer]:
    """Returns batch normalisation if asked for; it goes between a layer and its activation.

    In the order of Ioffe and Szegedy (2015, section 3.2); as there, the layer before has no
    bias, which the normalisation would undo.
    """
    return [keras.layers.BatchNormalization()] if params["batch_norm"] else []


def dropout(rate: Value) -> list[keras.layers.Layer]:
    """Returns dropout, none for a rate of 0: drawing numbers for nothing costs time."""
    return [keras.layers.Dropout(float(rate))] if float(rate) > 0 else []


def hidden(params: Mapping[str, Value]) -> list[keras.layers.Layer]:
    """Returns ``n_layers`` times Dense → batch normalisation → activation → dropout."""
    layers: list[keras.layers.Layer] = []
    name = str(params["activation"])
    for i in range(1, int(params["n_layers"]) + 1):
        units = int(params.get(f"units_{i}", params["units"]))
        layers += [
            keras.layers.Dense(
                widened(units, name), use_bias=not params["batch_norm"], **kernel(params)
            ),
            *normalisation(params),
            *activation(name, units),
            *dropout(params["dropout"]),
        ]
    return layers
