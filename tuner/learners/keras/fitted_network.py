"""A trained ``keras.Model``: what it predicts as probabilities, and its file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.raised import described
from tuner.errors import BundleError
from tuner.learners.base import Fitted
from tuner.learners.keras.networks.outputs import gives_logits, probabilities
from tuner.learners.keras.networks.saving import LOST_STATE, predict_the_same, save_model
from tuner.learners.keras.training import evaluate

if TYPE_CHECKING:
    import keras

    from tuner.data import Split

FILE = "model.keras"
_BATCH = 256


class Network(Fitted):
    """A model that takes raw rows.

    Attributes:
        model: The Keras model.
    """

    lost = LOST_STATE

    def __init__(
        self,
        model: keras.Model,
        task: str,
        base: Path,
        logits: bool | None = None,
        file: Path | None = None,
    ) -> None:
        """Wraps a model.

        Args:
            model: Trained.
            task: "regression", "binary" or "multiclass".
            base: Folder of the study file; errors name files from there.
            logits: Whether its outputs are logits; None to ask its loss.
            file: Where it was loaded from.
        """
        self.model = model
        self._task = task
        self._base = base
        self._file = file
        self._logits = gives_logits(model) if logits is None else logits

    def predict(self, x: NDArray[Any]) -> NDArray[np.floating]:
        """Returns probabilities, or quantities: float64 where float32 has too few digits.

        Raises:
            BundleError: The network does not take such rows, or its output is something else.
        """
        output = self._output(x)
        if self._task == "regression":
            return output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output
        return probabilities(output, logits=self._logits)

    def n_params(self) -> int:
        return sum(math.prod(weight.shape) for weight in self.model.trainable_weights)

    def save(self, folder: Path) -> dict[str, Any]:
        save_model(self.model, folder / FILE, self._base)
        return {"logits": self._logits}

    @contextmanager
    def for_predictions(self) -> Iterator[None]:
        optimizer = getattr(self.model, "optimizer", None)  # some hold twice as much as the weights
        self.model.optimizer = None
        try:
            yield
        finally:
            self.model.optimizer = optimizer

    def evaluate(self, rows: Split) -> dict[str, float]:
        return evaluate(self.model, rows)

    def agrees(self, other: Fitted, x: NDArray[Any]) -> bool:
        assert isinstance(other, Network)
        return predict_the_same(self.model, other.model, x)

    def _output(self, x: NDArray[Any]) -> NDArray[np.floating]:
        """Returns the network's output: ``(n,)`` or ``(n, k)``."""
        file = self._file or FILE
        try:
            output = np.asarray(self.model.predict(x, batch_size=_BATCH, verbose=0))
        except Exception as exc:  # of many kinds, by where in Keras the shapes disagree
            said = described(exc, self._base)
            raise BundleError(
                f"{file} cannot predict rows as bundle.json describes them: {said}; "
                "train the bundle again"
            ) from exc
        if output.ndim not in (1, 2) or len(output) != len(x):
            raise BundleError(
                f"{file} gives an output of shape {output.shape} for {len(x)} "
                "rows, but a model must give a row of numbers for each; train the bundle again"
            )
        return output
