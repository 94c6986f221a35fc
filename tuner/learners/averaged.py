"""The mean of several models, each in a folder of its own.

On the disk they are ``seeds/1``, ``seeds/2`` … in the bundle's folder: positions alone name them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.learners.base import Fitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.data.split import Inputs


class Averaged(Fitted):
    """Models whose predictions, probabilities or quantities, are averaged.

    Attributes:
        models: At least one.
    """

    def __init__(self, models: Sequence[Fitted]) -> None:
        self.models = tuple(models)

    @property
    def lost(self) -> str:  # type: ignore[override]  # it depends on the models
        return self.models[0].lost

    def predict(self, x: Inputs) -> NDArray[np.floating]:
        predictions = [model.predict(x) for model in self.models]
        mean = np.mean(predictions, axis=0, dtype=np.float64)
        return np.asarray(mean, predictions[0].dtype)

    def save(self, folder: Path) -> Mapping[str, Any] | None:
        places = seed_folders(folder, len(self.models))
        saved: Mapping[str, Any] | None = None
        for model, place in zip(self.models, places, strict=True):
            place.mkdir(parents=True)
            saved = model.save(place)  # the same for all: they differ in their seed alone
        return saved

    def n_params(self) -> int | None:
        each = [model.n_params() for model in self.models]
        return None if None in each else sum(number or 0 for number in each)

    @contextmanager
    def for_predictions(self) -> Iterator[None]:
        with ExitStack() as stack:
            for model in self.models:
                stack.enter_context(model.for_predictions())
            yield


def seed_folders(folder: Path, n_models: int) -> list[Path]:
    """Returns the folders of the models.

    Args:
        folder: The bundle's folder.
        n_models: How many there are.
    """
    return [folder / "seeds" / str(number) for number in range(1, n_models + 1)]
