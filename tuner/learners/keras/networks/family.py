"""A shipped family of networks as a learner: what it measures, and what its loss is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tuner.data.trivial import trivial
from tuner.learners.checks import check_data, check_values
from tuner.learners.keras.keras_learner import KerasLearner
from tuner.learners.keras.networks.outputs import choose
from tuner.learners.keras.networks.target import loss_weight

if TYPE_CHECKING:
    import keras

    from tuner.data import Development
    from tuner.learners.checks import Described
    from tuner.space import SearchSpace, Value

_METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "regression": ("loss", "mse", "mae"),
        "binary": ("loss", "accuracy", "precision", "recall", "auc", "mse", "mae"),
        "multiclass": ("loss", "accuracy"),
    }
)


class Family(KerasLearner):
    """One shipped family; its name is also that of its builder."""

    first_defaults = MappingProxyType({"target_scaling": "none"})

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...]:
        """Returns the metrics that the shipped families report for a task, ``loss`` first.

        Precision and recall are those of the second of two classes. For more classes Keras has
        no metric that averages them over the classes, and a saved model with one of our own could
        not be loaded without this package; so there are none. A binary model that gives logits has
        no ``mse`` and ``mae``, which are about probabilities.
        """
        return _METRICS[task]

    @classmethod
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = MappingProxyType({}),
    ) -> None:
        """Refuses outputs and losses that do not fit the task.

        The space's choices are looked at one by one, the fixed parameters together.
        """
        output, loss = (str(fixed.get(name, "auto")) for name in ("output", "loss"))
        choose(data.task, output, loss, "fixed")
        for parameter in space.parameters if space else ():
            for choice in parameter.choices or ():
                if parameter.name == "output":
                    choose(data.task, str(choice), "auto", "search_space")
                elif parameter.name == "loss":
                    choose(data.task, "auto", str(choice), "search_space")

    def build(self, params: Mapping[str, Value], data: Development) -> keras.Model:
        check_values(type(self), {name: [value] for name, value in params.items()}, "params")
        check_data(type(self), data)
        from tuner.learners.keras.networks.builders import BUILDERS

        return BUILDERS[self.name]({**self.parameters(), **params}, data)

    def baseline(
        self, metric: str, data: Development, fixed: Mapping[str, Value], drawn: Collection[str]
    ) -> dict[str, Any] | None:
        """Returns the trivial predictor's value; None of a loss that differs between trials."""
        if metric != "loss":
            return trivial(data, metric)
        if not {"loss", "output", "target_scaling"}.isdisjoint(drawn):
            return None
        params = {**self.parameters(), **fixed}
        _, loss = choose(data.task, str(params["output"]), str(params["loss"]))
        if data.task == "multiclass" and loss == "binary_crossentropy":
            return None  # one for each class on its own
        known = "crossentropy" if loss.endswith("crossentropy") else loss
        found = trivial(data, known, weighted=True)
        factor = loss_weight(data, str(params["target_scaling"]), loss)
        if found is None or factor is None:
            return found
        return {**found, "value": found["value"] * factor}
