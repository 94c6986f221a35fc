"""RealMLP: a network of dense layers with defaults that were tuned on many tables.

Source: Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted
Trees on Tabular Data" (2407.04491). The defaults are those of RealMLP-TD there; weights begin as
those of its simplified version, RealMLP-TD-S. ``n_seeds`` is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from tuner.learners.keras.tabular.tabular_net import (
    NAMES,
    Design,
    TabularNet,
    design_of,
    embedding_settings,
    structure_of,
    training_settings,
)
from tuner.learners.settings import Setting

if TYPE_CHECKING:
    from tuner.space import Value

_AUTO = ("auto",)
_OF_PROBABILITIES = (
    *("roc_auc", "auc", "average_precision"),
    *("log_loss", "neg_log_loss", "neg_brier_score", "d2_log_loss_score", "d2_brier_score"),
)
"""How the names of metrics begin that compare probabilities, or the order of rows by them."""
_FACTOR = Setting(0.1, low=0.0)


class RealMlp(TabularNet):
    """Dense layers on embedded numbers, with a scale of its own for each of their inputs.

    ``learning_rate`` "auto" is 0.04 for classes and 0.2 for quantities, ``activation`` "auto" is
    "selu" and "mish". ``label_smoothing`` "auto" is 0.1, and 0 where the objective's metric is one
    of probabilities: smoothing moves all of them away from 0 and 1, so that by the log loss an
    epoch before the best one would be chosen.
    """

    name = "realmlp"
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "n_layers": Setting(3, low=1),
            "units": Setting(256, low=1),
            "activation": Setting("auto", choices=("auto", *NAMES)),
            "parametric_activation": Setting(True),
            **embedding_settings("pbld"),
            "learning_rate": Setting("auto", words=_AUTO, low=0.0, above=True, real=True),
            "scale_rate": Setting(6.0, low=0.0),
            "bias_rate": _FACTOR,
            "embedding_rate": _FACTOR,
            "activation_rate": _FACTOR,
            "label_smoothing": Setting("auto", words=_AUTO, low=0.0, high=1.0, real=True),
            **training_settings(
                dropout=0.15,
                weight_decay=0.02,
                fading="flat_cos",
                schedule="coslog4",
                beta_2=0.95,
                epochs=256,
            ),
        }
    )

    def design(self, params: Mapping[str, Value], task: str) -> Design:
        of_classes = task != "regression"
        activation, rate = ("selu", 0.04) if of_classes else ("mish", 0.2)
        if params["activation"] != "auto":
            activation = str(params["activation"])
        if params["learning_rate"] != "auto":
            rate = float(params["learning_rate"])
        smoothing = 0.0 if self.setup.metric.startswith(_OF_PROBABILITIES) else 0.1
        if params["label_smoothing"] != "auto":
            smoothing = float(params["label_smoothing"])
        embedding = ("frequency", "phase", "mix", "mix_bias")
        return design_of(
            params,
            structure_of(params, heads=1, activation=activation, ntp=True),
            learning_rate=rate,
            smoothing=smoothing,
            factors={
                "scale": float(params["scale_rate"]),
                **dict.fromkeys(("bias", "head_bias"), float(params["bias_rate"])),
                **dict.fromkeys(embedding, float(params["embedding_rate"])),
                "mixing": float(params["activation_rate"]),
            },
        )
