"""The family ``linear``: one layer from the inputs to the output.

A line for a quantity, logistic regression for two classes, softmax regression for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from tuner.learners.keras.networks.compiling import compiled
from tuner.learners.keras.networks.mlp import flat_input

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.space import Value


def build_linear(params: Mapping[str, Value], data: Development) -> keras.Model:
    """Builds and compiles: scaling, output.

    Args:
        params: Complete parameters of the family.
        data: Its training split gives the scaling, its task the output and the loss.

    Returns:
        A compiled model that takes raw rows, shape (batch, *data.input_shape).
    """
    return compiled("linear", flat_input(params, data), params, data)
