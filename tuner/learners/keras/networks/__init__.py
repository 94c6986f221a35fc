"""Parameters in, compiled Keras model out; free of TensorFlow until a model is built.

A model may have a list ``epoch_callbacks`` of Keras callbacks that look at whole epochs: they go
into every training of it, in a trial and in the final one. A person's own model may have one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.importing import import_function
from tuner.errors import ModelError, UnknownNameError
from tuner.learners.keras.networks.families import FAMILIES, check_data, check_values
from tuner.learners.keras.networks.measured import available_metrics, known_metric
from tuner.wording import hint

if TYPE_CHECKING:
    import keras

    from tuner.data import Development
    from tuner.space import Value

__all__ = ["FAMILIES", "available_metrics", "build", "known_metric", "load"]


def load(model: str, base: Path) -> None:
    """Imports the module of a person's own model, as far as that has not been done.

    Raises:
        ModelError: It cannot be imported, or has no such function.
    """
    if ":" in model:
        import_function(model, base, ModelError)


def build(model: str, params: Mapping[str, Value], data: Development, base: Path) -> keras.Model:
    """Builds the model of one trial.

    Args:
        model: The name of a family, or ``module:function`` of a function that takes
            ``(params, data)`` and returns a compiled model.
        params: The trial's parameters; those not given have the family's default.
        data: Gives the shapes, the task and (its training split only) the scaling.
        base: Folder that ``module`` is looked for in first.

    Returns:
        A compiled model that takes raw rows.

    Raises:
        ModelError: The user's function does not deliver.
        SpecError: A parameter that the family does not have, an impossible value, or data that
            the family does not read.
        UnknownNameError: No family of that name.
    """
    if ":" in model:
        from tuner.learners.keras.networks.custom import build_custom

        return build_custom(model, params, data, base)
    if model not in FAMILIES:
        raise UnknownNameError(
            f'model: there is no model "{model}"; {hint(model, FAMILIES, "models")} '
            'Your own is named "module:function"'
        )
    family = FAMILIES[model]
    check_values(family, {name: [value] for name, value in params.items()}, "params")
    check_data(family, data)
    from tuner.learners.keras.networks.builders import BUILDERS

    return BUILDERS[model]({**family.parameters, **params}, data)
