"""The model families that ship: their parameters and what each may be.

Free of TensorFlow, so that a study can be checked before any worker starts.

Terms:
    family: a way from parameters and a description of the data to a compiled model.
    setting: one parameter of a family with its default and its rule.
    repeated: ``units`` of layer i is ``units_i`` (1-based); plain ``units`` serves all layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tuner.learners.keras.networks.family import Family
from tuner.learners.keras.networks.outputs import LOSSES, OUTPUTS
from tuner.learners.settings import Setting

ACTIVATIONS = (
    *("relu", "elu", "leaky_relu", "selu", "gelu", "silu", "sigmoid", "tanh", "linear"),
    "maxout",
)
INITIALIZERS = (
    *("zeros", "random_uniform", "random_normal"),
    *("glorot_uniform", "glorot_normal", "he_uniform", "he_normal"),
)
OPTIMIZERS = ("sgd", "rmsprop", "adam")
SCALINGS = ("minmax", "standard", "none")
TARGET_SCALINGS = ("standard", "none")
SCHEDULES = ("constant", "decay", "cyclic", "plateau")

_SHARE = Setting(0.0, low=0.0, high=1.0, below=True)  # of units, of an image's width, …
_PENALTY = Setting(0.0, low=0.0)

_SCALING = {"scaling": Setting("minmax", choices=SCALINGS)}
_WEIGHTS = {
    "initializer": Setting("glorot_uniform", choices=INITIALIZERS),
    "l1": _PENALTY,
    "l2": _PENALTY,
}
TRAINING = {
    "target_scaling": Setting("standard", choices=TARGET_SCALINGS),
    "output": Setting("auto", choices=OUTPUTS),
    "loss": Setting("auto", choices=LOSSES),
    "optimizer": Setting("adam", choices=OPTIMIZERS),
    "learning_rate": Setting(0.001, low=0.0, above=True),
    "momentum": Setting(0.0, low=0.0, high=1.0),
    "schedule": Setting("constant", choices=SCHEDULES),
    "decay_rate": Setting(0.95, low=0.0, high=1.0, above=True),
    "cycle_epochs": Setting(10, low=1),
    "plateau_factor": Setting(0.5, low=0.0, high=1.0, above=True, below=True),
    "plateau_patience": Setting(5, low=1),
    "batch_size": Setting(32, low=1),
    "epochs": Setting(50, low=1),
}


def _dense(n_layers: int, units: int) -> dict[str, Setting]:
    """Returns the settings of a stack of hidden dense layers."""
    return {
        "n_layers": Setting(n_layers, low=0),
        "units": Setting(units, low=1),
        "activation": Setting("relu", choices=ACTIVATIONS),
        "dropout": _SHARE,
        "batch_norm": Setting(False),
    }


class Mlp(Family):
    """Fully connected layers."""

    name = "mlp"
    settings = MappingProxyType({**_dense(2, 64), **_SCALING, **_WEIGHTS, **TRAINING})
    repeated = MappingProxyType({"units": "n_layers"})
    kinds = ("table", "image")


class Linear(Family):
    """No hidden layer."""

    name = "linear"
    settings = MappingProxyType({**_SCALING, **_WEIGHTS, **TRAINING})
    kinds = ("table", "image")


class Cnn(Family):
    """Blocks of convolutions, then dense layers."""

    name = "cnn"
    settings = MappingProxyType(
        {
            "n_blocks": Setting(2, low=1),
            "filters": Setting(32, low=1),
            "kernel_size": Setting(3, low=1),
            "pooling": Setting("max", choices=("max", "average")),
            "global_pooling": Setting("none", choices=("none", "max", "average")),
            "block_dropout": _SHARE,
            "flip": Setting(False),
            "translation": _SHARE,
            "contrast": _SHARE,
            **_dense(1, 128),
            **_WEIGHTS,
            **TRAINING,
        }
    )
    repeated = MappingProxyType({"filters": "n_blocks", "units": "n_layers"})
    kinds = ("image",)


class Embedding(Family):
    """Embedded words, pooled over the text, then dense layers."""

    name = "embedding"
    settings = MappingProxyType(
        {
            "max_tokens": Setting(10_000, low=3),
            "sequence_length": Setting(200, low=1),
            "truncating": Setting("post", choices=("pre", "post")),
            "embedding_width": Setting(64, low=1),
            "embedding_dropout": _SHARE,
            "pooling": Setting("max", choices=("max", "average")),
            **_dense(1, 64),
            **_WEIGHTS,
            **TRAINING,
        }
    )
    repeated = MappingProxyType({"units": "n_layers"})
    kinds = ("text",)


FAMILIES: Mapping[str, type[Family]] = MappingProxyType(
    {family.name: family for family in (Mlp, Linear, Cnn, Embedding)}
)
