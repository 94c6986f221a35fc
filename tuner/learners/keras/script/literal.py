"""Keras objects as the source code that makes them: class, arguments, nothing that is default.

Any layer, optimizer, loss, metric, schedule, initializer … of Keras itself can be written, because
only ``get_config`` and the signature of the class are used. A default is found by asking: an
object is made with the required arguments alone, and what its configuration says is left out.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tuner.errors import ModelError
from tuner.learners.keras.script.layout import number_text, wrapped

_LAYER_ARGUMENTS = ("activity_regularizer", "trainable", "dtype", "name")
"""What every layer takes through ``**kwargs``, in the order in which they are written."""


def source(value: Any, indent: int = 0, before: int = 0) -> str:
    """Returns the expression that evaluates to ``value``.

    Args:
        value: A number, text, list, table, or an object of Keras: itself, or as ``get_config``
            describes it (``module``, ``class_name``, ``config``).
        indent: Columns that further lines of the expression are indented by.
        before: Columns that stand before it on its first line, the indentation not counted.

    Raises:
        ModelError: It is, or holds, something that is not Keras's own.
    """
    match value:
        case None | bool():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float() | np.integer() | np.floating():
            return number_text(value)
        case np.ndarray():
            return source(value.tolist(), indent)
        case list():
            return wrapped("[", (source(item, indent + 4) for item in value), "]", indent, before)
        case tuple():
            items = [source(item, indent + 4) for item in value]
            return wrapped("(", items, ",)" if len(items) == 1 else ")", indent, before)
        case {"class_name": _, "config": _}:
            return source(_revive(value), indent, before)
        case Mapping():
            pairs = (f"{source(k)}: {source(item, indent + 4)}" for k, item in value.items())
            return wrapped("{", pairs, "}", indent, before)
        case keras.Sequential():
            return sequential(value, indent)
        case _:
            return _call(value, indent, before)


def sequential(model: keras.Sequential, indent: int = 0) -> str:
    """Returns ``keras.Sequential([…])``, one layer a line."""
    pad = " " * (indent + 8)
    layers = [input_call(tensor) for tensor in getattr(model, "inputs", None) or []]
    layers += [source(layer, indent + 8) for layer in model.layers]
    lines = "".join(f"{pad}{line},\n" for line in layers)
    pad = " " * (indent + 4)
    named = "" if has_automatic_name(model) else f"{pad}name={source(model.name)},\n"
    return f"keras.Sequential(\n{pad}[\n{lines}{pad}],\n{named}{' ' * indent})"


def input_call(tensor: Any) -> str:
    """Returns ``keras.Input((12,))`` for a model's input."""
    call = f"keras.Input({source(tuple(tensor.shape[1:]))}"
    call += "" if tensor.dtype == "float32" else f", dtype={source(tensor.dtype)}"
    automatic = re.fullmatch(r"(input_layer|keras_tensor)(_\d+)?", tensor.name)
    return call + ("" if automatic else f", name={source(tensor.name)}") + ")"


def has_automatic_name(thing: Any) -> bool:
    """Returns whether Keras itself named the layer or optimizer, such as dense_1."""
    plain = re.sub(r"_\d+$", "", thing.name).replace("_", "")
    return bool(plain == type(thing).__name__.lower())


def _call(thing: Any, indent: int, before: int) -> str:
    """Returns the constructor call that makes ``thing``, an object of Keras's own.

    Raises:
        ModelError: Its class is not Keras's own.
    """
    name = _public_name(thing)
    if isinstance(thing, keras.dtype_policies.DTypePolicy):
        return source(thing.name)
    config = _arguments(thing)
    required = [
        parameter.name
        for parameter in _parameters(type(thing))
        if parameter.default is parameter.empty and parameter.name in config
    ]
    default = _default_config(thing, {key: config[key] for key in required})
    given = [source(config[key], indent + 4) for key in required]
    given += [
        f"{key}={source(value, indent + 4, len(key) + 1)}"
        for key, value in config.items()
        if key not in required and not (key in default and default[key] == value)
    ]
    return wrapped(f"{name}(", given, ")", indent, before)


def _arguments(thing: Any) -> dict[str, Any]:
    """Returns the part of the configuration that the constructor takes, in its order."""
    config = thing.get_config()
    known = [parameter.name for parameter in _parameters(type(thing))]
    if isinstance(thing, keras.Layer):
        known += [name for name in _LAYER_ARGUMENTS if name not in known]
    # A metric's name is a word of the result; Keras counts up those of layers and optimizers.
    if isinstance(thing, keras.Layer | keras.optimizers.Optimizer) and has_automatic_name(thing):
        config.pop("name", None)
    return {name: config[name] for name in known if name in config}


def _parameters(cls: type) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = list(inspect.signature(cls).parameters.values())
    return [parameter for parameter in parameters if parameter.kind not in kinds]


def _default_config(thing: Any, required: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the configuration of an object made with the required arguments alone."""
    try:
        revived = {key: _revive(value) for key, value in required.items()}
        config: dict[str, Any] = type(thing)(**revived).get_config()
    except (TypeError, ValueError):
        return {}  # it needs more than its signature says: then every argument is written
    return config


def _revive(value: Any) -> Any:
    if not (isinstance(value, Mapping) and "class_name" in value and "config" in value):
        return value
    try:
        return keras.saving.deserialize_keras_object(dict(value))
    except (TypeError, ValueError) as exc:
        is_function = value["class_name"] == "function"
        raise _not_keras(str(value["config" if is_function else "class_name"])) from exc


def _public_name(thing: Any) -> str:
    """Returns the name under which Keras offers a class: ``keras.layers.Dense``."""
    cls = type(thing)
    described = keras.saving.serialize_keras_object(thing)
    module = str(described.get("module")) if isinstance(described, dict) else ""
    found: Any = keras
    for part in (*module.split(".")[1:], cls.__name__):
        found = getattr(found, part, None)
    if found is not cls or module.split(".")[:1] != ["keras"] or "src" in module.split("."):
        raise _not_keras(f"{cls.__module__}.{cls.__name__}")
    return f"{module}.{cls.__name__}"


def _not_keras(name: str) -> ModelError:
    return ModelError(
        f"{name} is not a public class of Keras, so it cannot stand in a script that needs only "
        "Keras; export NAME.toml or NAME.json instead, which `tuner train` takes"
    )
