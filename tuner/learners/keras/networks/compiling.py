"""Output layer, target scaling, loss and metrics from the task; compiling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from tuner.learners.keras.networks.layers import kernel
from tuner.learners.keras.networks.optimizing import epoch_callbacks, make_optimizer
from tuner.learners.keras.networks.outputs import choose
from tuner.learners.keras.networks.target import loss_weight, target_layers

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.space import Value


def compiled(
    name: str, layers: list[keras.layers.Layer], params: Mapping[str, Value], data: Development
) -> keras.Model:
    """Makes a model of its layers, adds the output and compiles it.

    Args:
        name: Of the model.
        layers: All but the output; the last gives shape (batch, features).
        params: Complete parameters.
        data: Its task and targets decide the width of the output.

    Returns:
        A model whose output has shape (batch, targets), (batch, 1) for two classes, or
        (batch, classes). Its metrics bear the names of ``task_metrics``; its
        ``epoch_callbacks`` go into every training.

    Raises:
        SpecError: ``output`` and ``loss`` do not fit the task.
    """
    output, cost = choose(data.task, str(params["output"]), str(params["loss"]))
    activation = "linear" if output == "logits" else output
    last = keras.layers.Dense(_width(data), activation, **kernel(params), name="output")
    scaling = str(params["target_scaling"])
    # In one go: a Sequential to which layers are added is built anew for each.
    model = keras.Sequential([*layers, last, *target_layers(data, scaling)], name=name)
    loss, metrics = _loss_and_metrics(data.task, cost, logits=output == "logits")
    # XLA is off: on these sizes compiling costs more than it gains (measured).
    model.compile(
        make_optimizer(params, len(data.train)),
        loss=loss,
        loss_weights=loss_weight(data, scaling, cost),
        metrics=metrics,
        jit_compile=False,
    )
    model.epoch_callbacks = epoch_callbacks(params)
    return model


def _width(data: Development) -> int:
    if data.task == "multiclass":
        return data.n_classes
    return 1 if data.train.y.ndim == 1 else data.train.y.shape[1]


def _loss_and_metrics(
    task: str, cost: str, *, logits: bool
) -> tuple[keras.losses.Loss, list[keras.metrics.Metric]]:
    """Keras's own, so that a saved model loads without this package."""
    match task, cost:
        case "multiclass", "categorical_crossentropy":
            return keras.losses.SparseCategoricalCrossentropy(from_logits=logits), [
                keras.metrics.SparseCategoricalAccuracy(name="accuracy")
            ]
        case "multiclass", _:  # one number a class: the targets are given one-hot (see feeding)
            return _loss(cost), [keras.metrics.CategoricalAccuracy(name="accuracy"), *_distances()]
        case "binary", _:
            loss = keras.losses.BinaryCrossentropy(from_logits=True) if logits else _loss(cost)
            return loss, _binary_metrics(logits=logits)
        case _:
            return _loss(cost), _distances()


def _loss(cost: str) -> keras.losses.Loss:
    return {
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
    }[cost]()


def _distances() -> list[keras.metrics.Metric]:
    return [
        keras.metrics.MeanSquaredError(name="mse"),
        keras.metrics.MeanAbsoluteError(name="mae"),
    ]


def _binary_metrics(*, logits: bool) -> list[keras.metrics.Metric]:
    """A probability of a half is a logit of zero."""
    half = 0.0 if logits else 0.5
    return [
        keras.metrics.BinaryAccuracy(threshold=half, name="accuracy"),
        keras.metrics.Precision(thresholds=half, name="precision"),
        keras.metrics.Recall(thresholds=half, name="recall"),
        keras.metrics.AUC(from_logits=logits, name="auc"),
        *([] if logits else _distances()),
    ]
