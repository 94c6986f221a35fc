"""Optimizers and learning-rate schedules from the parameters.

A schedule is given in epochs and counted in steps, so that it means the same with any batch size
and number of rows. With η the ``learning_rate`` and e the epochs done, in fractions:

- constant: η.
- decay: η · decay_rate^e.
- cyclic: η · ½ (1 + cos(π · (e mod c) / c)) with c = ``cycle_epochs``: down along a cosine, then
  back to η at once. Source: Loshchilov and Hutter (2017), SGDR, section 3, eq. 5.
- plateau: η · plateau_factor^k, k times the *training* loss was no better for
  ``plateau_patience`` epochs. Not the validation loss: the final model is trained with nothing
  held out, and the same rule must hold there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from tuner.space import Value


def make_optimizer(params: Mapping[str, Value], rows: int) -> keras.optimizers.Optimizer:
    """Returns the optimizer that the parameters describe.

    Args:
        params: Complete parameters. ``momentum`` counts for sgd and rmsprop; Adam has none.
        rows: Training rows, for the number of steps in an epoch.
    """
    rate = _learning_rate(params, steps=math.ceil(rows / int(params["batch_size"])))
    momentum = float(params["momentum"])
    match params["optimizer"]:
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=momentum)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate, momentum=momentum)
        case "adam":
            return keras.optimizers.Adam(rate)
    raise ValueError(f"unknown optimizer {params['optimizer']!r}")


def epoch_callbacks(params: Mapping[str, Value]) -> list[keras.callbacks.Callback]:
    """Keras's own callbacks that these parameters need; they look at whole epochs only."""
    if params["schedule"] != "plateau":
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="loss",
            factor=float(params["plateau_factor"]),
            patience=int(params["plateau_patience"]),
            verbose=0,
        )
    ]


def _learning_rate(
    params: Mapping[str, Value], steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Returns a number, or a schedule over optimizer steps.

    Args:
        params: Complete parameters.
        steps: Optimizer steps in an epoch.
    """
    rate = float(params["learning_rate"])
    match params["schedule"]:
        case "decay":
            return keras.optimizers.schedules.ExponentialDecay(
                rate, decay_steps=steps, decay_rate=float(params["decay_rate"])
            )
        case "cyclic":
            return keras.optimizers.schedules.CosineDecayRestarts(
                rate, first_decay_steps=steps * int(params["cycle_epochs"]), t_mul=1.0, m_mul=1.0
            )
    return rate
