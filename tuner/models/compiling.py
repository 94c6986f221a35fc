"""Optimizer from the parameters; output layer, loss and metrics from the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from tuner.data import Splits
    from tuner.space import Value


def make_optimizer(params: Mapping[str, Value]) -> keras.optimizers.Optimizer:
    """The optimizer that ``optimizer``, ``learning_rate`` and ``momentum`` describe.

    Args:
        params: Complete parameters. ``momentum`` counts for sgd and rmsprop; Adam has none.
    """
    rate, momentum = float(params["learning_rate"]), float(params["momentum"])
    match params["optimizer"]:
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=momentum)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate, momentum=momentum)
        case "adam":
            return keras.optimizers.Adam(rate)
    raise ValueError(f"unknown optimizer {params['optimizer']!r}")


def output_layer(data: Splits, l2: float = 0.0) -> keras.layers.Layer:
    """The last layer: shape (batch, k) linear, (batch, 1) sigmoid or (batch, classes) softmax."""
    if data.task == "regression":
        targets = 1 if data.train.y.ndim == 1 else data.train.y.shape[1]
        units, activation = targets, "linear"
    elif data.task == "binary":
        units, activation = 1, "sigmoid"
    else:
        units, activation = data.n_classes, "softmax"
    return keras.layers.Dense(units, activation, kernel_regularizer=penalty(l2), name="output")


def penalty(l2: float) -> keras.regularizers.Regularizer | None:
    """L2 on a layer's kernel; none for 0, because a term of zero costs time in every step."""
    return keras.regularizers.L2(l2) if l2 > 0 else None


def compile_for(model: keras.Model, params: Mapping[str, Value], task: str) -> keras.Model:
    """Compiles with the task's loss and metrics; the metrics bear the names of ``families``.

    Args:
        model: Ends in ``output_layer``.
        params: Complete parameters.
        task: "regression", "binary" or "multiclass".

    Returns:
        The same model.
    """
    loss, metrics = _loss_and_metrics(task)
    # XLA is off: on these sizes compiling costs more than it gains (measured).
    model.compile(make_optimizer(params), loss=loss, metrics=metrics, jit_compile=False)
    return model


def _loss_and_metrics(task: str) -> tuple[keras.losses.Loss, list[keras.metrics.Metric]]:
    if task == "regression":
        return keras.losses.MeanSquaredError(), [
            keras.metrics.MeanSquaredError(name="mse"),
            keras.metrics.MeanAbsoluteError(name="mae"),
        ]
    if task == "binary":
        return keras.losses.BinaryCrossentropy(), [
            keras.metrics.BinaryAccuracy(name="accuracy"),
            keras.metrics.Precision(name="precision"),
            keras.metrics.Recall(name="recall"),
            keras.metrics.AUC(name="auc"),
        ]
    return keras.losses.SparseCategoricalCrossentropy(), [
        keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    ]
