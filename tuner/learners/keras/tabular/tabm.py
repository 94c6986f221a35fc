"""TabM: many networks in one, which share all weights but those of their inputs and outputs.

Source: Gorishniy, Kotelnikov, Babenko: "TabM: Advancing Tabular Deep Learning with
Parameter-Efficient Ensembling" (2410.24210), the version TabM-mini. The defaults are those of its
implementation, but for a smaller network: 32 heads of 512 units take a processor too long.
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


class TabM(TabularNet):
    """Dense layers that ``k`` heads share; each sees the inputs with signs of its own."""

    name = "tabm"
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "k": Setting(8, low=1),
            "n_layers": Setting(2, low=1),
            "units": Setting(128, low=1),
            "activation": Setting("relu", choices=NAMES),
            **embedding_settings("none"),
            "learning_rate": Setting(0.002, low=0.0, above=True),
            "label_smoothing": Setting(0.0, low=0.0, high=1.0),
            **training_settings(
                dropout=0.1,
                weight_decay=0.0003,
                fading="constant",
                schedule="constant",
                beta_2=0.999,
                epochs=100,
            ),
        }
    )

    def design(self, params: Mapping[str, Value], task: str) -> Design:
        activation = str(params["activation"])
        return design_of(
            params,
            structure_of(params, heads=int(params["k"]), activation=activation, ntp=False),
            learning_rate=float(params["learning_rate"]),
            smoothing=float(params["label_smoothing"]),
        )
