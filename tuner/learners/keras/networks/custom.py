"""A user's own model: ``module:function`` of (params, data) → compiled ``keras.Model``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tuner.data.importing import import_function, user_code
from tuner.errors import ModelError
from tuner.wording import hint

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.space import Value


def build_custom(
    reference: str, params: Mapping[str, Value], data: Development, base: Path
) -> keras.Model:
    """Calls the user's function and checks what comes back.

    Args:
        reference: ``module:function``.
        params: The trial's parameters; the function gets a copy of its own.
        data: The splits, so that the function knows shapes, task and classes.
        base: Folder that ``module`` is looked for in first.

    Raises:
        ModelError: The function is not there, raised, or returned something else than a
            compiled model.
        MemoryError: Memory ran out in the function (or TensorFlow's ``ResourceExhaustedError``):
            the fault of these parameters, not of the function.
    """
    function = import_function(reference, base, ModelError)
    try:
        with user_code(reference, base, ModelError):
            model = function(dict(params), data)
    except ModelError as error:
        if isinstance(error.__cause__, MemoryError | tf.errors.ResourceExhaustedError):
            raise error.__cause__ from None
        raise ModelError(f"{error}{_absent(error.__cause__, params)}") from error.__cause__
    if not isinstance(model, keras.Model):
        raise ModelError(
            f'"{reference}" returned {_kind(model)}; it must return a compiled keras.Model'
        )
    if not model.compiled:
        raise ModelError(
            f'"{reference}" returned a model that is not compiled; call '
            "model.compile(optimizer=…, loss=…, metrics=[…]) before returning it"
        )
    return model


def _absent(cause: BaseException | None, params: Mapping[str, Value]) -> str:
    """Returns the parameters that there are, if one was asked for that is not among them."""
    name: object = None
    if isinstance(cause, KeyError) and cause.args:
        name = cause.args[0]
    elif isinstance(cause, AttributeError) and isinstance(cause.obj, dict):  # params.units
        name = cause.name
        if name in params:
            return f'; the parameters are a dict: write ["{name}"] instead of .{name}'
    if not isinstance(name, str) or name in params:
        return ""
    return f"; {hint(name, params, 'parameters')}"


def _kind(value: object) -> str:
    if value is None:
        return "None (is the return missing?)"
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
