"""What a model measures, asked of the model itself: a user's own may have any metrics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tuner.errors import ModelError

if TYPE_CHECKING:
    import keras

    from tuner.data import Splits

_ROWS = 8
_LONGEST = 300  # characters of Keras's own text; the first sentence tells, the rest are dumps
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # Keras writes parts of its errors in bold


def available_metrics(model: keras.Model, data: Splits) -> tuple[str, ...]:
    """Evaluates the model on a few validation rows and returns what it reports.

    Args:
        model: Compiled; its weights stay as they are.
        data: Rows as the model will see them.

    Returns:
        The names that ``objective.metric`` may have, ``loss`` first.

    Raises:
        ModelError: The model cannot be evaluated on these rows.
    """
    from tuner.models.feeding import targets

    x, y = data.validation.x[:_ROWS], data.validation.y[:_ROWS]
    try:
        logs = model.evaluate(x, targets(model, y), verbose=0, return_dict=True)
    except Exception as exc:  # of many kinds, by where in Keras the shapes disagree
        text = " ".join(_COLOURS.sub("", str(exc)).split())
        raise ModelError(
            f"the model does not fit the data {data.name}, rows of x have the shape {x.shape[1:]} "
            f"and of y {y.shape[1:]}: {type(exc).__name__}: {text[:_LONGEST]}"
        ) from exc
    return ("loss", *(name for name in logs if name != "loss"))
