"""Which outputs and losses go together, task by task; free of TensorFlow.

Terms:
    output: what the last layer gives. "linear": the quantity. "sigmoid": a probability for the
        second of two classes, or one for each class on its own. "softmax": probabilities of the
        classes that sum to 1. "logits": what sigmoid or softmax would be applied to; the loss
        applies it.
    loss: by Keras's names; "auto" and the order below decide what is not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.errors import SpecError
from tuner.wording import toml

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

OUTPUTS = ("auto", "linear", "sigmoid", "softmax", "logits")
LOSSES = ("auto", "mse", "mae", "binary_crossentropy", "categorical_crossentropy")

_PAIRS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "regression": {"linear": ("mse", "mae")},
        "binary": {
            "sigmoid": ("binary_crossentropy", "mse"),
            "logits": ("binary_crossentropy",),
        },
        "multiclass": {
            "softmax": ("categorical_crossentropy", "mse"),
            "sigmoid": ("binary_crossentropy", "mse"),
            "logits": ("categorical_crossentropy",),
        },
    }
)


def choose(task: str, output: str, loss: str, where: str = "params") -> tuple[str, str]:
    """Returns the output and the loss that are meant; the first that fits stands for "auto".

    Args:
        task: "regression", "binary" or "multiclass".
        output: One of ``OUTPUTS``.
        loss: One of ``LOSSES``.
        where: What to name in the error.

    Raises:
        SpecError: Nothing fits; lists what there is for the task.
    """
    for form, losses in _PAIRS[task].items():
        for cost in losses:
            if output in ("auto", form) and loss in ("auto", cost):
                return form, cost
    said = " with ".join(
        f"{name} = {toml(value)}"
        for name, value in (("output", output), ("loss", loss))
        if value != "auto"
    )
    offer = "; ".join(
        f"output {toml(form)} with loss {' or '.join(map(toml, losses))}"
        for form, losses in _PAIRS[task].items()
    )
    raise SpecError(f"{where}: {said} is not for a {task} task, which has: {offer}")


def gives_logits(model: keras.Model) -> bool:
    """Returns whether a compiled model's outputs are logits: whether its loss takes them so."""
    return bool(getattr(getattr(model, "loss", None), "from_logits", False))


def probabilities(output: NDArray[Any], *, logits: bool) -> NDArray[np.float32]:
    """Returns one column a class, float32, whatever form the model gives classes in.

    Args:
        output: ``(n, classes)``, or ``(n,)`` or ``(n, 1)`` for the second of two classes.
        logits: Whether these are logits.
    """
    output = output.astype(np.float32)
    if output.ndim == 2 and output.shape[1] == 1:
        output = output[:, 0]
    if output.ndim == 1:
        # tanh, because exp overflows where the network is sure.
        second = (1 + np.tanh(output / 2)) / 2 if logits else output
        return np.stack([1 - second, second], axis=1)
    if not logits:
        return output
    powers = np.exp(output - output.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
