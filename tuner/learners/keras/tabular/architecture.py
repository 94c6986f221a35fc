"""The network that `realmlp` and `tabm` have in common: its parts, how they begin, its predictions.

Free of TensorFlow: a saved network predicts with NumPy alone. The graph that fits several of them
at once is `tuner.learners.keras.tabular.stacked_graph`; a test compares the two.

From a row to its outputs:

1. Each column of ``embedded`` numbers becomes ``embedding_width`` numbers, the first of which is
   itself and the others ``cos(2π (x · frequency + phase)) @ mix + mix_bias``. Columns of ``plain``
   numbers stay as they are. Each column of ``codes`` is looked up in ``table``. All are joined to
   ``width`` columns.
2. ``heads`` copies of that row are each multiplied by their own row of ``scale``. In RealMLP there
   is one head, and ``scale`` begins as ones; in TabM there are many, which begin as random signs.
3. Hidden layers, which the heads share: ``activation(h @ weight · gain + bias)``. The gain is
   1/√fan-in (the NTP parametrisation), or 1. With ``mixing`` the activation is parametric,
   ``h + (activation(h) − h) · mixing``.
4. Each head has its own output layer. Its results are averaged, for classes as probabilities.

Terms:
    part: one array of weights, named as above with the layer's number: ``weight_0``.
    codes: int32 ``(n, columns)``, rows of ``table``; the levels of different columns are different.

Sources: Holzmüller, Grinsztajn, Steinwart: "Better by Default" (2407.04491), RealMLP-TD; its
simplified version TD-S for how weights begin. Gorishniy, Kotelnikov, Babenko: "TabM" (2410.24210),
TabM-mini.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from tuner.spec.models import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Parts = Mapping[str, Array]

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


class Structure(Part):
    """What decides the shapes of all parts.

    Attributes:
        embedded: Columns of numbers that are embedded.
        plain: Columns of numbers that are not.
        codes: Columns of codes.
        levels: Rows of ``table``.
        heads: See the module.
        units: Of each hidden layer.
        outputs: Classes, or quantities.
        of_classes: Whether the outputs are logits of classes.
        activation: Of the hidden layers.
        parametric: Whether the activation has a weight for each unit.
        ntp: Whether weights are multiplied by 1/√fan-in.
        cosines: Of each embedded number.
        embedding_width: Numbers that each of them becomes, at least 2.
        table_width: Numbers that each code becomes.
    """

    embedded: Count
    plain: Count
    codes: Count
    levels: Count
    heads: Positive
    units: Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)]
    outputs: Positive
    of_classes: bool
    activation: Literal["selu", "mish", "relu", "silu"]
    parametric: bool
    ntp: bool
    cosines: Positive
    embedding_width: Annotated[int, Field(ge=2)]
    table_width: Positive

    @property
    def width(self) -> int:
        """Columns of the first hidden layer's input."""
        return self.embedded * self.embedding_width + self.plain + self.codes * self.table_width

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shape of each part; parts of no use are left out."""
        found: dict[str, tuple[int, ...]] = {}
        if self.embedded:
            mixed = self.embedding_width - 1
            found["frequency"] = found["phase"] = (self.embedded, self.cosines)
            found["mix"] = (self.embedded, self.cosines, mixed)
            found["mix_bias"] = (self.embedded, mixed)
        if self.codes:
            found["table"] = (self.levels, self.table_width)
        found["scale"] = (self.heads, self.width)
        inputs = self.width
        for layer, units in enumerate(self.units):
            found[f"weight_{layer}"] = (inputs, units)
            found[f"bias_{layer}"] = (units,)
            if self.parametric:
                found[f"mixing_{layer}"] = (units,)
            inputs = units
        found["head"] = (self.heads, inputs, self.outputs)
        found["head_bias"] = (self.heads, self.outputs)
        return found

    def gains(self) -> dict[str, float]:
        """Returns what each layer's weights are multiplied by."""
        fans = {f"weight_{i}": n for i, n in enumerate((self.width, *self.units[:-1]))}
        fans["head"] = self.units[-1]
        return {name: max(fan, 1) ** -0.5 if self.ntp else 1.0 for name, fan in fans.items()}


def largest(structures: list[Structure]) -> Structure:
    """Returns a structure into which all fit, which differ in their columns and levels only.

    The table has a row more than any of theirs: for columns of codes that a member does not have.
    """
    fields = ("embedded", "plain", "codes", "levels")
    most = {field: max(getattr(one, field) for one in structures) for field in fields}
    most["levels"] += 1
    return structures[0].model_copy(update=most)


def kind_of(name: str) -> str:
    """Returns the name of a part without the number of its layer."""
    return name.rpartition("_")[0] if name[-1].isdigit() else name


def initial(
    structure: Structure, random: np.random.Generator, sigma: float = 0.1
) -> dict[str, Array]:
    """Returns the parts that a training begins with.

    Args:
        structure: Their shapes.
        random: All chance.
        sigma: Standard deviation of the frequencies.
    """
    made: dict[str, Array] = {}
    for name, shape in structure.shapes().items():
        drawn = _INITIAL[kind_of(name)](structure, shape, random)
        made[name] = (drawn * sigma if name == "frequency" else drawn).astype(np.float32)
    return made


def _normal(_: Structure, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[Any]:
    return random.standard_normal(shape)


def _dense(of: Structure, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[Any]:
    """As the NTP parametrisation asks for, or uniform within 1/√fan-in."""
    if of.ntp:
        return random.standard_normal(shape)
    limit = max(shape[-2], 1) ** -0.5
    return random.uniform(-limit, limit, shape)


def _bias(of: Structure, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[Any]:
    return random.standard_normal(shape) if of.ntp else np.zeros(shape)


def _last(of: Structure, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[Any]:
    """Zero with NTP, so that a training begins with equal outputs for all rows."""
    return np.zeros(shape) if of.ntp else _dense(of, shape, random)


_INITIAL: Mapping[
    str, Callable[[Structure, tuple[int, ...], np.random.Generator], NDArray[Any]]
] = MappingProxyType(
    {
        "frequency": _normal,
        "phase": lambda _, s, random: random.uniform(-0.5, 0.5, s),
        "mix": lambda _, s, random: random.uniform(-1, 1, s) * s[-2] ** -0.5,
        "mix_bias": lambda _, s, random: random.uniform(-1, 1, s),
        "table": _normal,
        "scale": lambda _, s, random: np.ones(s) if s[0] == 1 else random.integers(0, 2, s) * 2 - 1,
        "weight": _dense,
        "bias": _bias,
        "mixing": lambda _, s, random: np.ones(s),
        "head": _last,
        "head_bias": lambda _, s, random: np.zeros(s),
    }
)


def outputs(structure: Structure, parts: Parts, numbers: Array, codes: NDArray[np.int32]) -> Array:
    """Returns what a network predicts.

    Args:
        structure: Its shapes.
        parts: Its weights.
        numbers: ``(n, embedded + plain)``.
        codes: ``(n, codes)``.

    Returns:
        ``(n, outputs)`` probabilities, or quantities in the unit of the training.
    """
    rows = len(numbers)
    joined = [numbers[:, structure.embedded :]]
    if structure.embedded:
        x = numbers[:, : structure.embedded].T[:, :, np.newaxis]  # (embedded, n, 1)
        angles = x * parts["frequency"][:, np.newaxis] + parts["phase"][:, np.newaxis]
        waves = np.cos(np.float32(2 * np.pi) * angles) @ parts["mix"]
        waves = waves + parts["mix_bias"][:, np.newaxis]
        embedded = np.concatenate([x, waves], axis=2).transpose(1, 0, 2)
        joined.insert(0, embedded.reshape(rows, structure.embedded * structure.embedding_width))
    if structure.codes:
        width = structure.codes * structure.table_width
        joined.append(parts["table"][codes].reshape(rows, width))
    front = np.concatenate(joined, axis=1)
    gains = structure.gains()
    activate = ACTIVATIONS[structure.activation]
    total = np.zeros((rows, structure.outputs), np.float32)
    for head in range(structure.heads):
        h = front * parts["scale"][head]
        for layer in range(len(structure.units)):
            name = f"weight_{layer}"
            h = h @ (parts[name] * np.float32(gains[name])) + parts[f"bias_{layer}"]
            activated = activate(h)
            if structure.parametric:
                activated = h + (activated - h) * parts[f"mixing_{layer}"]
            h = activated
        last = h @ (parts["head"][head] * np.float32(gains["head"])) + parts["head_bias"][head]
        total += _softmax(last) if structure.of_classes else last
    return total / np.float32(structure.heads)


def _softmax(logits: Array) -> Array:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _selu(x: Array) -> Array:
    negative = np.float32(_SELU_ALPHA) * np.expm1(np.minimum(x, 0))
    return np.float32(_SELU_SCALE) * np.where(x > 0, x, negative)


def _mish(x: Array) -> Array:
    """Returns x · tanh(softplus(x)), with one exponential."""
    e = np.exp(np.minimum(x, np.float32(20)))
    n = e * (e + 2)
    found: Array = x * (n / (n + 2))
    return found


def _silu(x: Array) -> Array:
    with np.errstate(over="ignore"):
        found: Array = x / (1 + np.exp(-x))
    return found


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "selu": _selu,
        "mish": _mish,
        "relu": lambda x: np.maximum(x, 0),
        "silu": _silu,
    }
)
"""Names of activations, as Keras has them."""
