"""Several networks of one structure as one ``keras.Model`` that gives the mean of their outputs.

All parts are Keras's own, so that the model loads without this package. Layers at the head that
have nothing to learn and are the same in all networks, such as scaling or the numbers of words,
are there once. The mean is that of probabilities or quantities. Where the networks give logits, so
does the model: those of the mean of their probabilities, which its loss can take.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import keras

from tuner.errors import ModelError
from tuner.learners.keras.networks.feeding import target_offset

_CURE = "or train it with one seed"


def averaging_model(models: Sequence[keras.Model], *, logits: bool) -> keras.Model:
    """Returns a compiled model that takes what each of the networks takes.

    It shares their layers. It is compiled as they are, but for the optimizer, whose state would
    take as much room as all weights; it is not if Keras cannot compile it from a configuration.

    Args:
        models: Built by the same code with the same parameters; two or more.
        logits: Whether their outputs are logits.

    Raises:
        ModelError: They cannot be averaged; the text says why.
    """
    first = models[0]
    check_averageable(first)
    average = (
        _of_layers(models, logits=logits)
        if all(isinstance(model, keras.Sequential) for model in models)
        else _mean(models, first.inputs[0], first.name, logits=logits)
    )
    with suppress(TypeError, ValueError, KeyError):  # a loss or metric of one's own
        average.compile_from_config({**(first.get_compile_config() or {}), "optimizer": "sgd"})
    return average


def check_averageable(model: keras.Model) -> None:
    """Makes sure that a network can be a part of another.

    Raises:
        ModelError: It cannot.
    """
    if not isinstance(model, keras.Sequential) and not getattr(model, "inputs", None):
        raise ModelError(
            f"its class {type(model).__name__} says in call() alone how layers are connected, so "
            "Keras cannot make one model of several; build it with keras.Sequential or "
            f"keras.Model(inputs, outputs), {_CURE}"
        )
    for what, found in (("inputs", model.inputs), ("outputs", model.outputs)):
        if len(found) != 1:
            raise ModelError(
                f"it has {len(found)} {what}, but only a network of one input and one output can "
                f"be averaged; build it so, {_CURE}"
            )


def _of_layers(models: Sequence[keras.Sequential], *, logits: bool) -> keras.Sequential:
    """Returns the layers that all have at the head, the mean, and the offset that ends them."""
    first = models[0]
    n_head = _n_common(models)
    # In float64, after what the networks have learned in float32; see `target`.
    tail = [] if target_offset(first) is None else [first.layers[-1]]
    end = len(first.layers) - len(tail)
    given = first.layers[n_head - 1].output if n_head else first.inputs[0]
    parts = [keras.Sequential([_input(given), *model.layers[n_head:end]]) for model in models]
    mean = _mean(parts, given, "mean", logits=logits)
    head = first.layers[:n_head]
    return keras.Sequential([_input(first.inputs[0]), *head, mean, *tail], name=first.name)


def _n_common(models: Sequence[keras.Sequential]) -> int:
    """Returns how many layers at the head have no weights and are the same in all networks."""
    together = zip(*(model.layers for model in models), strict=False)
    for position, (layer, *others) in enumerate(together):
        if layer.weights or any(_config(layer) != _config(other) for other in others):
            return position
    return 0  # none has weights


def _config(layer: keras.Layer) -> dict[str, Any]:
    """Returns what makes a layer, but for its name, as values that JSON holds."""
    made = keras.saving.serialize_keras_object(layer)
    return {**made, "config": {**made["config"], "name": ""}}


def _mean(parts: Sequence[keras.Model], given: Any, name: str, *, logits: bool) -> keras.Model:
    """Returns the mean of the parts' outputs as a model that takes what ``given`` is."""
    start = _input(given)
    outputs = [
        # A new model, because one that is compiled would be saved with its optimizer.
        keras.Model(part.inputs[0], part.outputs[0], name=f"seed_{number}")(start)
        for number, part in enumerate(parts, start=1)
    ]
    if not logits:
        # In the outputs' own dtype: a layer makes float32 of what it is given.
        return keras.Model(start, keras.layers.Average(dtype=outputs[0].dtype)(outputs), name=name)
    stacked = keras.ops.stack(outputs, axis=0)
    if len(stacked.shape) == 3 and stacked.shape[-1] > 1:
        mean = keras.ops.logsumexp(keras.ops.log_softmax(stacked, axis=-1), axis=0)
    else:
        second = keras.ops.logsumexp(keras.ops.log_sigmoid(stacked), axis=0)
        mean = second - keras.ops.logsumexp(keras.ops.log_sigmoid(-stacked), axis=0)
    return keras.Model(start, mean, name=name)


def _input(given: Any) -> Any:
    """Returns the input of a new model for what a tensor of another model holds."""
    return keras.Input(given.shape[1:], dtype=given.dtype, name=given.name)
