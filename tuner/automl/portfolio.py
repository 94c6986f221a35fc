"""The configurations that an AutoML study begins with, cheapest first, and what they cost.

They are strong defaults: of the gradient boosting those to which LightGBM was tuned on many tables,
and small trees beside them; of the forests scikit-learn's with more trees; of the networks the
published ones, see `tuner.learners`. A short time gets shorter networks, whose schedules follow.

Costs are seconds of one idle core, measured with scikit-learn 1.9 and TensorFlow 2.21; the search
corrects them by what the trials so far took (`tuner.search.portfolio_sampler`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tuner.data.schema import Task
from tuner.data.split import Kind
from tuner.learners.combined import prefixed
from tuner.learners.registry import LEARNERS, shipped
from tuner.space import SearchSpace, Value

Params = dict[str, Value]

_LOADING_SECONDS = 4.0
"""Until a worker has loaded TensorFlow."""
_SHARE_OF_TIME = 0.35
"""That one network may take of the time of a worker."""
_EPOCHS = (256, 192, 128, 96, 64, 48, 32, 24, 16)
_EPOCHS_OF_TEXTS = (20, 10, 5)
_SHARE_OF_ITERATIONS = 0.5
"""Of the iterations of a boosting that early stopping leaves."""
_MOST_CELLS_OF_NEIGHBORS = 2_000_000
_MOST_CLASSES_OF_FORESTS = 200
_LATER: Mapping[str, float] = {"k_neighbors": 5.0}
"""Learner to seconds by which its default comes later than its cost says."""


@dataclass(frozen=True)
class Extent:
    """What costs depend on.

    Attributes:
        kind: Of the data.
        task: What is learnt.
        rows: That each model is fitted on.
        columns: Features.
        classes: Classes; 1 for a quantity.
        folds: Models a trial.
        seconds: The time for everything.
    """

    kind: Kind
    task: Task
    rows: int
    columns: int
    classes: int
    folds: int
    seconds: float

    @property
    def cells(self) -> int:
        """Rows times columns."""
        return self.rows * self.columns

    @property
    def trees_a_round(self) -> int:
        """Trees that boosting grows in an iteration."""
        return self.classes if self.task == "multiclass" else 1

    @property
    def is_quantity(self) -> bool:
        """Whether the target is a quantity."""
        return self.task == "regression"


@dataclass(frozen=True)
class Default:
    """A configuration that the search begins with.

    Attributes:
        name: Its name, unique in the study.
        learner: The learner's name.
        params: Its parameters as the learner names them, all of those in the search space.
        seconds: What a trial costs.
    """

    name: str
    learner: str
    params: Params
    seconds: float

    def reference(self, space: SearchSpace) -> dict[str, Any]:
        """Returns the table of a reference; what the space does not have is left out."""
        combined = {f"{self.learner}_{key}": value for key, value in self.params.items()}
        known = set(space.names())
        return {
            "name": self.name,
            "role": "default",
            "expected": self.seconds,
            "params": {
                "learner": self.learner,
                **{key: value for key, value in combined.items() if key in known},
            },
        }


def portfolio(extent: Extent) -> list[Default]:
    """Returns the defaults for a table, cheapest first.

    The first two are small, so that there is a usable model at once; the others follow by what
    they cost. Nearest neighbours, which are cheap and rarely the best, come after the first trees.
    """
    made = [make(extent) for make in _MAKERS]
    able = [one for one in made if one is not None and _fits(one.learner, extent)]
    return sorted(able, key=lambda one: one.seconds + _LATER.get(one.learner, 0.0))


def _fits(learner: str, extent: Extent) -> bool:
    return learner in LEARNERS and extent.kind in shipped(learner).kinds


def _linear(extent: Extent) -> Default | None:
    params: Params = {"alpha": 1.0, "encode_numbers": "robust"}
    seconds = extent.folds * (0.03 + 3e-7 * extent.cells * extent.classes)
    return Default("linear", "linear_model", params, seconds)


def _boosting(extent: Extent, name: str, params: Params) -> Default:
    trees = _SHARE_OF_ITERATIONS * int(params["max_iter"]) * extent.trees_a_round
    leaves = int(params["max_leaf_nodes"])
    seconds = extent.folds * trees * (1e-3 + 4e-5 * leaves + 1.5e-8 * extent.cells)
    return Default(name, "hist_gradient_boosting", params, seconds)


def _small_trees(extent: Extent) -> Default | None:
    return _boosting(
        extent,
        "small_trees",
        {
            "learning_rate": 0.1,
            "max_iter": 200,
            "max_leaf_nodes": 8,
            "min_samples_leaf": 20,
            "l2_regularization": 1e-3,
            "max_features": 0.7,
        },
    )


def _large_trees(extent: Extent) -> Default | None:
    if extent.is_quantity:
        own: Params = {"learning_rate": 0.05, "max_leaf_nodes": 100, "min_samples_leaf": 3}
    else:
        own = {"learning_rate": 0.04, "max_leaf_nodes": 50, "min_samples_leaf": 40}
    own |= {"max_iter": 500, "l2_regularization": 1e-3, "max_features": 0.7}
    return _boosting(extent, "large_trees", own)


def _forest(learner: str, seconds_a_cell: float) -> Callable[[Extent], Default | None]:
    def make(extent: Extent) -> Default | None:
        if extent.classes > _MOST_CLASSES_OF_FORESTS:
            return None
        params: Params = {
            "n_estimators": 300,
            "min_samples_leaf": 2 if extent.is_quantity else 1,
            "max_features": 0.5 if extent.is_quantity else 0.3,
        }
        seconds = extent.folds * 300 * (2e-3 + seconds_a_cell * extent.cells)
        return Default(learner, learner, params, seconds)

    return make


def _neighbors(extent: Extent) -> Default | None:
    if extent.cells > _MOST_CELLS_OF_NEIGHBORS:
        return None
    seconds = extent.folds * (0.05 + 2e-9 * extent.rows * extent.cells)
    params: Params = {"n_neighbors": 20, "weights": "distance", "encode_numbers": "standard"}
    return Default("k_neighbors", "k_neighbors", params, seconds)


def _network(
    extent: Extent, learner: str, seconds_a_row: float, params: Params, epochs: tuple[int, ...]
) -> Default:
    """Returns a network with as many epochs as its share of the time allows.

    Args:
        extent: What costs depend on.
        learner: Its name.
        seconds_a_row: What a row costs in each epoch.
        params: All parameters but the epochs.
        epochs: How many there may be, most first.
    """
    an_epoch = extent.folds * extent.rows * seconds_a_row
    affordable = _SHARE_OF_TIME * extent.seconds / an_epoch
    n_epochs = next((n for n in epochs if n <= affordable), epochs[-1])
    seconds = _LOADING_SECONDS + an_epoch * n_epochs
    return Default(learner, learner, {**params, "epochs": n_epochs}, seconds)


def _realmlp(extent: Extent) -> Default | None:
    params: Params = {
        "learning_rate": 0.2 if extent.is_quantity else 0.04,
        "units": 256,
        "dropout": 0.15,
        "weight_decay": 0.02,
        "number_embedding": "pbld",
    }
    return _network(extent, "realmlp", 2.2e-5 + 7e-8 * extent.columns, params, _EPOCHS)


def _tabm(extent: Extent) -> Default | None:
    params: Params = {
        "learning_rate": 0.002,
        "units": 128,
        "dropout": 0.1,
        "weight_decay": 3e-4,
        "number_embedding": "none",
    }
    return _network(extent, "tabm", 2.7e-5 + 4e-8 * extent.columns, params, _EPOCHS[3:])


def _cnn(name: str, params: Params) -> Callable[[Extent], Default | None]:
    def make(extent: Extent) -> Default:
        common: Params = {
            "kernel_size": 3,
            "pooling": "max",
            "activation": "relu",
            "initializer": "glorot_uniform",
            "l2": 0.0,
            "batch_size": 32,
            "optimizer": "adam",
            "learning_rate": 0.001,
        }
        seconds_a_row = 1e-7 * extent.columns + 2e-4
        found = _network(extent, "cnn", seconds_a_row, {**common, **params}, _EPOCHS[4:])
        return replace(found, name=name)

    return make


_small_cnn = _cnn(
    "small_cnn",
    {
        "n_blocks": 2,
        "filters_1": 32,
        "filters_2": 64,
        "global_pooling": "none",
        "block_dropout": 0.0,
        "n_layers": 1,
        "units_1": 128,
        "dropout": 0.5,
        "batch_norm": False,
        "translation": 0.0,
    },
)
_deep_cnn = _cnn(
    "deep_cnn",
    {
        "n_blocks": 3,
        "filters_1": 32,
        "filters_2": 48,
        "filters_3": 64,
        "global_pooling": "average",
        "block_dropout": 0.1,
        "n_layers": 0,
        "batch_norm": True,
        "translation": 0.1,
    },
)


def _embedding(extent: Extent) -> Default | None:
    params: Params = {
        "max_tokens": 10000,
        "sequence_length": 200,
        "truncating": "pre",
        "embedding_width": 64,
        "embedding_dropout": 0.3,
        "pooling": "max",
        "n_layers": 1,
        "units_1": 64,
        "activation": "relu",
        "dropout": 0.5,
        "batch_size": 64,
        "optimizer": "adam",
        "learning_rate": 0.001,
    }
    return _network(extent, "embedding", 4e-4, params, _EPOCHS_OF_TEXTS)


_MAKERS: tuple[Callable[[Extent], Default | None], ...] = (
    _linear,
    _small_trees,
    _large_trees,
    _forest("extra_trees", 2e-8),
    _forest("random_forest", 6e-8),
    _neighbors,
    _realmlp,
    _tabm,
    _small_cnn,
    _deep_cnn,
    _embedding,
)


def learners_of(defaults: list[Default]) -> list[str]:
    """Returns the learners of some defaults, each once, in their order."""
    return list(dict.fromkeys(one.learner for one in defaults))


def restricted(
    space: Mapping[str, Any],
    defaults: list[Default],
    own: Callable[[str], Mapping[str, Any]],
) -> dict[str, Any]:
    """Returns the part of the combined search space that belongs to the learners of defaults.

    No network trains longer than the default does, which suits the time.

    Args:
        space: As a search space file has it.
        defaults: The study's.
        own: Returns a learner's own space, for those that the combined one does not have.
    """
    learners = learners_of(defaults)
    for name in [one for one in learners if one not in space["learner"]["choices"]]:
        space = {**space, **prefixed(own(name), name)}
    kept = {"learner": {**space["learner"], "choices": learners}}
    for name, table in space.items():
        if table.get("repeat") in kept or any(
            one in learners for one in table.get("when", {}).get("learner", ())
        ):
            kept[name] = dict(table)
    for one in defaults:
        if (epochs := one.params.get("epochs")) is not None:
            table = kept[f"{one.learner}_epochs"]
            table |= {"low": min(table["low"], epochs), "high": epochs}
    return kept
