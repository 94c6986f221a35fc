"""What `realmlp` and `tabm` have in common: their contract as learners, and shared parameters.

Free of TensorFlow, so that a study can be checked before any worker starts. A step is an epoch, and
all folds of a trial are fitted at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from tuner.errors import SpecError
from tuner.learners.base import Fitted, Learner
from tuner.learners.encoding import settings_of, split_params
from tuner.learners.keras.keras_learner import KerasLearner
from tuner.learners.keras.tabular.architecture import ACTIVATIONS, Structure
from tuner.learners.keras.tabular.batch_plan import SCHEDULES, Optimizing
from tuner.learners.settings import Setting
from tuner.quiet import load_tensorflow

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.checks import Described
    from tuner.learners.keras.tabular.fitting import Graphs
    from tuner.learners.watch import Watch
    from tuner.space import SearchSpace, Value

NAMES = tuple(ACTIVATIONS)
_OF_CLASSES = ("class_weight", "label_smoothing")
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Design:
    """A trial's parameters, complete.

    Attributes:
        structure: What the networks have in common; columns, levels and outputs are filled in.
        optimizing: How they learn.
        factors: Part, without its number, to the factor of its learning rate; 1 if it is absent.
        smoothing: Of labels.
        sigma: Standard deviation of an embedding's first frequencies.
        embed: Whether numbers are embedded.
        balanced: Whether all classes weigh the same.
        n_seeds: Networks of each fold, whose predictions are averaged.
        encoding: Parameters of the encoder.
    """

    structure: Structure
    optimizing: Optimizing
    factors: Mapping[str, float]
    smoothing: float
    sigma: float
    embed: bool
    balanced: bool
    n_seeds: int
    encoding: Mapping[str, Value]


def embedding_settings(default: str) -> dict[str, Setting]:
    """Returns the settings of the embeddings of numbers and of categories with many levels.

    Args:
        default: Of ``number_embedding``.
    """
    return {
        "number_embedding": Setting(default, choices=("pbld", "none")),
        "embedding_cosines": Setting(16, low=1),
        "embedding_sigma": Setting(0.1, low=0.0, above=True),
        "embedding_width": Setting(4, low=2),
        "category_width": Setting(8, low=1),
    }


def training_settings(
    *, dropout: float, weight_decay: float, fading: str, schedule: str, beta_2: float, epochs: int
) -> dict[str, Setting]:
    """Returns the settings of a training, with these defaults."""
    return {
        "dropout": Setting(dropout, low=0.0, high=1.0, below=True),
        "weight_decay": Setting(weight_decay, low=0.0),
        "fading": Setting(fading, choices=tuple(SCHEDULES)),
        "schedule": Setting(schedule, choices=tuple(SCHEDULES)),
        "beta_2": Setting(beta_2, low=0.0, high=1.0, below=True),
        "class_weight": Setting("none", choices=("none", "balanced")),
        "batch_size": Setting(256, low=1),
        "epochs": Setting(epochs, low=1),
        "n_seeds": Setting(1, low=1),
        **settings_of("embedding"),
    }


class TabularNet(Learner):
    """A network for tables of numbers and mixed ones."""

    library = "tensorflow"
    kinds = ("table", "mixed")
    steps_setting = "epochs"
    batches_folds = True
    runtime = "TensorFlow"
    preload = ("tuner.learners.keras.preloaded", "tuner.learners.keras.tabular.fitting")
    file: ClassVar[str | None] = "weights.npz"

    @abstractmethod
    def design(self, params: Mapping[str, Value], task: str) -> Design:
        """Returns a trial's parameters, complete.

        Args:
            params: All parameters.
            task: "regression", "binary" or "multiclass".
        """

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...]:
        return ()  # all are computed from predictions

    @classmethod
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = _EMPTY,
    ) -> None:
        names = {*fixed, *(space.names() if space else ())} & set(_OF_CLASSES)
        if data.task == "regression" and names:
            raise SpecError(
                f"{min(names)} is for classes, but the target of {data.name} is a quantity; "
                "remove it"
            )

    @classmethod
    def prepare_worker(cls) -> None:
        KerasLearner.prepare_worker()

    def fit(
        self, params: Mapping[str, Value], data: Development, seed: int, watch: Watch
    ) -> Fitted:
        return self.fit_folds(params, [data], [seed], [watch])[0]

    def fit_folds(
        self,
        params: Mapping[str, Value],
        folds: Sequence[Development],
        seeds: Sequence[int],
        watches: Sequence[Watch],
    ) -> list[Fitted]:
        load_tensorflow()
        from tuner.learners.keras.tabular.fitting import fit_together

        design = self.design({**self.parameters(), **params}, folds[0].task)
        return [*fit_together(design, folds, seeds, watches, self._graphs)]

    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        from tuner.learners.keras.tabular.fitted_nets import Nets

        return Nets.read(folder)

    @cached_property
    def _graphs(self) -> Graphs:
        from tuner.learners.keras.tabular.fitting import Graphs

        return Graphs(keep=self.setup.keep)


def structure_of(
    params: Mapping[str, Value], *, heads: int, activation: str, ntp: bool
) -> Structure:
    """Returns the structure that parameters ask for, without what only the data say."""
    return Structure(
        **dict.fromkeys(("embedded", "plain", "codes", "levels"), 0),
        heads=heads,
        units=(int(params["units"]),) * int(params["n_layers"]),
        outputs=1,
        of_classes=False,
        activation=activation,  # type: ignore[arg-type]  # one of its choices
        parametric=bool(params.get("parametric_activation", False)),
        ntp=ntp,
        cosines=int(params["embedding_cosines"]),
        embedding_width=int(params["embedding_width"]),
        table_width=int(params["category_width"]),
    )


def design_of(
    params: Mapping[str, Value],
    structure: Structure,
    *,
    learning_rate: float,
    smoothing: float,
    factors: Mapping[str, float] = _EMPTY,
) -> Design:
    """Returns the design that parameters ask for.

    Args:
        params: All parameters.
        structure: Of `structure_of`.
        learning_rate: The largest.
        smoothing: Of labels.
        factors: See `Design`.
    """
    encoding, _ = split_params(params, "embedding")
    return Design(
        structure=structure,
        optimizing=Optimizing(
            learning_rate=learning_rate,
            schedule=str(params["schedule"]),
            weight_decay=float(params["weight_decay"]),
            dropout=float(params["dropout"]),
            fading=str(params["fading"]),
            batch_size=int(params["batch_size"]),
            epochs=int(params["epochs"]),
            betas=(0.9, float(params["beta_2"])),
        ),
        factors=factors,
        smoothing=smoothing,
        sigma=float(params["embedding_sigma"]),
        embed=params["number_embedding"] != "none",
        balanced=params["class_weight"] == "balanced",
        n_seeds=int(params["n_seeds"]),
        encoding=encoding,
    )
