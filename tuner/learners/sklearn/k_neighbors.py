"""The nearest training rows vote, each with its weight.

Source: ``sklearn.neighbors.KNeighborsClassifier`` and ``KNeighborsRegressor``. Sample weights,
which they do not take, multiply the votes. Where there are fewer training rows than neighbours
asked for, all vote. Rows are encoded and scaled (`tuner.learners.encoding`). There is one step. A
saved model holds the encoded training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from tuner.learners.base import Fitted
from tuner.learners.encoding import Encoder, settings_of
from tuner.learners.settings import Setting
from tuner.learners.sklearn.sklearn_learner import CLASS_WEIGHT, SklearnLearner

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.watch import Watch
    from tuner.space import Value


class KNeighbors(SklearnLearner):
    """The nearest neighbours among the training rows."""

    name = "k_neighbors"
    encoding = "one_hot"
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "n_neighbors": Setting(5, low=1),
            "weights": Setting("uniform", choices=("uniform", "distance")),
            "p": Setting(2.0, low=1.0),
            "class_weight": CLASS_WEIGHT,
            **settings_of("one_hot"),
        }
    )
    preload = ("tuner.learners.sklearn.neighbors",)

    def fit_rows(
        self,
        params: Mapping[str, Value],
        data: Development,
        seed: int,
        watch: Watch,
        encoder: Encoder | None = None,
    ) -> Fitted:
        from tuner.learners.sklearn.neighbors import fit_neighbors

        return fit_neighbors({**self.parameters(), **params}, data, watch)

    def load_rows(self, folder: Path, n_features: int, n_classes: int) -> Fitted:
        from tuner.learners.sklearn.neighbors import read_neighbors

        return read_neighbors(folder, n_features, n_classes)
