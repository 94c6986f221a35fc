"""A user's own network as a learner: ``module:function`` of (params, data)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tuner.data.trivial import trivial
from tuner.learners.keras.keras_learner import KerasLearner
from tuner.learners.keras.networks.families import TRAINING
from tuner.learners.setup import Setup

if TYPE_CHECKING:
    import keras

    from tuner.data import Development
    from tuner.space import Value


class OwnNetwork(KerasLearner):
    """Epochs and batch size are tuner's own parameters; the others are the function's."""

    kinds = ("table", "image", "text")
    settings = MappingProxyType({name: TRAINING[name] for name in ("epochs", "batch_size")})
    takes_any = True
    own_code = True

    def __init__(self, model: str, setup: Setup) -> None:
        super().__init__(model, setup)
        self._known: Mapping[str, str] | None = None

    def build(self, params: Mapping[str, Value], data: Development) -> keras.Model:
        from tuner.learners.keras.networks.custom import build_custom
        from tuner.learners.keras.networks.measured import known_metrics

        model = build_custom(self.model, params, data, self.setup.base)
        if self._known is None:
            self._known = known_metrics(model)
        return model

    def try_out(self, params: Mapping[str, Value], data: Development) -> Sequence[str]:
        """Builds the model and evaluates it on a few rows; checks that it can be saved."""
        from tuner.learners.keras.networks.measured import available_metrics
        from tuner.learners.keras.networks.saving import check_saveable

        base = self.setup.base
        model = self.build(params, data)
        metrics = available_metrics(model, data, base)
        if self.setup.training.saveable:
            check_saveable(model, self.model, data, base)
        return metrics

    def baseline(
        self, metric: str, data: Development, fixed: Mapping[str, Value], drawn: Collection[str]
    ) -> dict[str, Any] | None:
        """Returns the trivial predictor's value; None of a metric of the user's own."""
        known = (self._known or {}).get(metric)
        if known == "rmse":  # Keras's is that of all targets together, not the mean over them
            found = trivial(data, "mse")
            return found and {**found, "value": math.sqrt(found["value"])}
        return None if known is None else trivial(data, known)
