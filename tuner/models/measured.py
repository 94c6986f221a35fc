"""What a model measures, asked of the model itself: a user's own may have any metrics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.raised import described
from tuner.errors import ModelError

if TYPE_CHECKING:
    import keras

    from tuner.data import Splits

_ROWS = 8


def available_metrics(
    model: keras.Model, data: Splits, base: Path | None = None
) -> tuple[str, ...]:
    """Evaluates the model on a few validation rows and returns what it reports.

    Args:
        model: Compiled; its weights stay as they are.
        data: Rows as the model will see them.
        base: Folder of the study file; errors name files from there.

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
        raise ModelError(
            f"the model does not fit the data {data.name}, rows of x have the shape {x.shape[1:]} "
            f"and of y {y.shape[1:]}: {described(exc, base or Path.cwd())}"
        ) from exc
    return ("loss", *(name for name in logs if name != "loss"))
