"""A built and compiled Keras model as the lines of a script that build and compile it."""

from __future__ import annotations

import keyword
import re
from typing import Any

import keras
import numpy as np

from tuner.errors import ModelError
from tuner.learners.keras.script.literal import input_call, sequential, source

_COMPILE_DEFAULTS = {
    "loss_weights": None,
    "metrics": None,
    "weighted_metrics": None,
    "run_eagerly": False,
    "steps_per_execution": 1,
    "jit_compile": "auto",
    "auto_scale_loss": True,
}


def model_source(model: keras.Model, indent: int = 4) -> str:
    """Returns statements that leave an equal, untrained, compiled model in ``model``.

    Raises:
        ModelError: It is neither Sequential nor functional, or has parts that are not Keras's.
    """
    pad = " " * indent
    if isinstance(model, keras.Sequential):
        lines = [f"model = {sequential(model, indent)}"]
    elif type(model).__module__.startswith("keras.") and "input_layers" in model.get_config():
        lines = _functional(model, indent)
    else:
        raise _unwritable(f"a model of the class {type(model).__name__}")
    text = "".join(f"{pad}{line}\n" for line in [*lines, _compile(model, indent)])
    _check(model, text)
    return text


def _functional(model: keras.Model, indent: int) -> list[str]:
    """Returns a line a call, in the order in which their inputs become known."""
    config = model.get_config()
    operations = {operation.name: operation for operation in model.operations}
    names: dict[tuple[str, int], str] = {}
    lines = []
    for tensor, start in zip(model.inputs, _history(config["input_layers"]), strict=True):
        names[start] = _variable(start[0], names)
        lines.append(f"{names[start]} = {input_call(tensor)}")
    for table in config["layers"]:
        calls = table["inbound_nodes"]
        if len(calls) > 1:
            raise _unwritable(f"a layer that is used {len(calls)} times ({table['name']})")
        if calls:
            arguments = [_argument(item, names) for item in calls[0]["args"]]
            arguments += [
                f"{key}={_argument(item, names)}"
                for key, item in calls[0]["kwargs"].items()
                if item is not None and (key, item) != ("training", False)
            ]
            name = names[table["name"], 0] = _variable(table["name"], names)
            layer = source(operations[table["name"]], indent)
            lines.append(f"{name} = {layer}({', '.join(arguments)})")
    ends = [
        ", ".join(names[end] for end in _history(config[key]))
        for key in ("input_layers", "output_layers")
    ]
    first, last = (f"[{end}]" if ", " in end else end for end in ends)
    return [*lines, f"model = keras.Model({first}, {last}, name={source(model.name)})"]


def _history(layers: Any) -> list[tuple[str, int]]:
    """Returns (layer, output number) of a model's ends: one, or a list of them."""
    if layers and isinstance(layers[0], str):
        layers = [layers]
    return [(name, int(output)) for name, _, output in layers]


def _argument(item: Any, names: dict[tuple[str, int], str]) -> str:
    if isinstance(item, list | tuple):
        return f"[{', '.join(_argument(part, names) for part in item)}]"
    if isinstance(item, dict) and item.get("class_name") == "__keras_tensor__":
        layer, _, output = item["config"]["keras_history"]
        if (layer, output) not in names:
            raise _unwritable(f"a layer with several outputs ({layer})")
        return names[layer, output]
    return source(item)


def _variable(layer: str, names: dict[tuple[str, int], str]) -> str:
    name = re.sub(r"\W|^(?=\d)", "_", layer)
    taken = {*names.values(), "keras", "np", "model"}
    while name in taken or keyword.iskeyword(name):
        name += "_"
    return name


def _compile(model: keras.Model, indent: int) -> str:
    config = model.get_compile_config() or {}
    pad = " " * (indent + 4)
    lines = [
        f"{pad}{key}={source(value, indent + 4, len(key) + 1)},\n"
        for key, value in config.items()
        if key not in _COMPILE_DEFAULTS or value != _COMPILE_DEFAULTS[key]
    ]
    return f"model.compile(\n{''.join(lines)}{' ' * indent})"


def _check(model: keras.Model, text: str) -> None:
    """Runs the lines and makes sure that they make the same model.

    Raises:
        ModelError: They do not: its configuration does not describe all of it.
    """
    namespace: dict[str, Any] = {"keras": keras, "np": np}
    exec(f"if True:\n{text}", namespace)
    made = namespace["model"]
    for what in ("get_config", "get_compile_config"):
        if _nameless(getattr(model, what)()) != _nameless(getattr(made, what)()):
            raise _unwritable("a part that its configuration does not fully describe")


def _nameless(config: Any) -> Any:
    """Returns a configuration without the names that Keras counts up, floats as float32."""
    if isinstance(config, dict):
        skipped = {"name", "keras_history", "input_layers", "output_layers"}
        return {key: _nameless(item) for key, item in config.items() if key not in skipped}
    if isinstance(config, list | tuple):
        return [_nameless(item) for item in config]
    return np.float32(config) if isinstance(config, float) else config


def _unwritable(what: str) -> ModelError:
    return ModelError(
        f"the model has {what}, which cannot be written as a script; export NAME.toml or "
        "NAME.json instead, which `tuner train` takes"
    )
