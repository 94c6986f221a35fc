"""Fits several networks of one structure at once: TensorFlow's side of the architecture.

Each member's parts are variables of their own; a step stacks them to arrays with a leading axis of
M members, walks forward and back once for all, and lets Adam update each member. So members differ
in rows, rates and chance, and each learns as it would alone. Where members have fewer columns or
levels than others, their parts are filled up with zeros, which stay zero: nothing reaches them.

Shapes: M members, B rows in a batch, D columns, H heads, U units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tuner.learners.keras.tabular.architecture import Structure, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.learners.keras.tabular.architecture import Parts
    from tuner.learners.keras.tabular.batch_plan import Steps

EPSILON = 1e-8
_DECAYED = ("weight", "head", "mix", "table")
_BITS = 2**16


@dataclass(frozen=True)
class Form:
    """What a traced graph depends on; all else are its inputs.

    Attributes:
        structure: That of the largest member, see `architecture.largest`.
        members: How many there are.
        drops: Whether there is dropout.
        betas: Of Adam.
    """

    structure: Structure
    members: int
    drops: bool
    betas: tuple[float, float]


class StackedGraph:
    """Variables of all members, and the traced functions that change and use them."""

    def __init__(self, form: Form) -> None:
        """Makes the variables; the functions are traced when they are first called."""
        self.form = form
        self._shapes = form.structure.shapes()
        self._members = [
            {name: [_variable(shape) for _ in range(3)] for name, shape in self._shapes.items()}
            for _ in range(form.members)
        ]
        some = tf.TensorSpec
        of_classes = form.structure.of_classes
        members = form.members
        inputs = [some((members, None, None), tf.float32), some((members, None, None), tf.int32)]
        layers = len(form.structure.units) + 1
        gains = some((members, layers), tf.float32)
        self._learn = tf.function(
            self._epoch,
            autograph=False,
            input_signature=[
                *inputs,
                some((members, None) if of_classes else (members, None, None), _target(of_classes)),
                some((members, None), tf.float32),
                some((None, members, None), tf.int32),
                some((None, members, None), tf.float32),
                some((None, members, 4), tf.float32),
                some((None, members, 2), tf.float32),
                some((None, members, 2), tf.int32),
                gains,
                some((len(self._shapes),), tf.float32),
                some((), tf.float32),
            ],
        )
        self._predict = tf.function(
            self._predicted, autograph=False, input_signature=[*inputs, gains]
        )

    def begin(self, members: Sequence[Parts]) -> None:
        """Sets all weights, and forgets what Adam knows of the last training."""
        for variables, parts in zip(self._members, members, strict=True):
            for name, (weight, *moments) in variables.items():
                whole = np.zeros(self._shapes[name], np.float32)
                whole[tuple(slice(n) for n in parts[name].shape)] = parts[name]
                weight.assign(whole)
                for moment in moments:
                    moment.assign(np.zeros(self._shapes[name], np.float32))

    def parts(self, member: int, structure: Structure) -> dict[str, NDArray[np.float32]]:
        """Returns a copy of a member's weights, without what fills them up.

        Args:
            member: Its position.
            structure: The member's own.
        """
        found = {}
        for name, shape in structure.shapes().items():
            whole = self._members[member][name][0].numpy()
            found[name] = np.array(whole[tuple(slice(n) for n in shape)])
        return found

    def learn(
        self,
        data: Sequence[Any],
        steps: Steps,
        gains: Any,
        factors: Mapping[str, float],
        smoothing: float,
    ) -> NDArray[np.float32]:
        """Runs an epoch.

        Args:
            data: Tensors of the training rows: numbers ``(M, n, D)``, codes, targets and weights.
            steps: What happens in it.
            gains: Of each member's layers, ``(M, layers + 1)``.
            factors: Part, without its number, to the factor of its learning rate; 1 if absent.
            smoothing: Of labels.

        Returns:
            Each member's mean loss, ``(M,)``, with dropout and smoothing as it was learned from.
        """
        kinds = [factors.get(kind_of(name), 1.0) for name in self._shapes]
        losses = self._learn(
            *data,
            *(steps.rows, steps.shares, steps.rates, steps.fading, steps.seeds),
            *(gains, np.array(kinds, np.float32), np.float32(smoothing)),
        )
        return np.asarray(losses.numpy())

    def outputs(self, numbers: Any, codes: Any, gains: Any) -> NDArray[np.float32]:
        """Returns predictions ``(M, n, outputs)``, as `architecture.outputs` does for a member.

        Args:
            numbers: ``(M, n, D)``.
            codes: ``(M, n, columns)``.
            gains: As in `learn`.
        """
        return np.asarray(self._predict(numbers, codes, gains).numpy())

    def _epoch(
        self,
        numbers: Any,
        codes: Any,
        targets: Any,
        weights: Any,
        rows: Any,
        shares: Any,
        rates: Any,
        fading: Any,
        seeds: Any,
        gains: Any,
        factors: Any,
        smoothing: Any,
    ) -> Any:
        def step(number: Any, losses: Any) -> tuple[Any, Any]:
            batch = rows[number]
            x, c, y, w = (
                tf.gather(array, batch, batch_dims=1)
                for array in (numbers, codes, targets, weights)
            )
            parts = self._stacked()
            with tf.GradientTape() as tape:
                tape.watch(parts)
                shares_dropped = fading[number, :, 0]
                masks = self._masks(seeds[number], shares_dropped, tf.shape(batch)[1])
                kept = 1 - shares_dropped[:, None]
                own = tf.concat([gains[:, :1], gains[:, 1:] / kept], axis=1)
                out = self._heads(parts, x, c, own, masks)
                loss = tf.reduce_sum(self._losses(out, y, smoothing) * w * shares[number], axis=1)
            gradients = tape.gradient(loss, parts)
            self._update(gradients, rates[number], fading[number, :, 1], factors)
            active = rates[number, :, 3]
            return number + 1, losses + loss * active

        count = tf.shape(rows)[0]
        zero = tf.zeros((self.form.members,))
        # One iteration at a time: the next step needs the weights of this one.
        _, losses = tf.while_loop(
            lambda number, _: number < count, step, (tf.constant(0), zero), parallel_iterations=1
        )
        return losses / tf.reduce_sum(rates[:, :, 3], axis=0)

    def _stacked(self) -> dict[str, Any]:
        return {
            name: tf.stack([member[name][0].read_value() for member in self._members])
            for name in self._shapes
        }

    def _masks(self, seeds: Any, shares: Any, batch: Any) -> list[Any]:
        """Returns for each hidden layer 1 where an output is kept, else 0, ``(M, B·H, U)``.

        Sixteen random bits decide on each output. The rows of a member that alone has smaller
        batches are those that it has alone.
        """
        units = self.form.structure.units
        if not self.form.drops:
            return [None for _ in units]
        total = sum(units)
        shape = tf.stack([batch * self.form.structure.heads, (total + 1) // 2])
        drawn = [
            tf.random.stateless_uniform(shape, seed, None, None, tf.int32)
            for seed in tf.unstack(seeds)
        ]
        bits = tf.bitcast(tf.stack(drawn), tf.int16)
        bits = tf.reshape(bits, (self.form.members, shape[0], 2 * shape[1]))[:, :, :total]
        limits = tf.cast(tf.round(shares * _BITS) - _BITS // 2, tf.int16)[:, None, None]
        return list(tf.split(tf.cast(bits >= limits, tf.float32), units, axis=2))

    def _heads(self, parts: Mapping[str, Any], x: Any, codes: Any, gains: Any, masks: Any) -> Any:
        """Returns the outputs of each head, ``(M, H, B, outputs)``; logits for classes."""
        structure, members = self.form.structure, self.form.members
        batch = tf.shape(x)[1]
        front = self._front(parts, x, codes, batch)
        scale = parts["scale"] * gains[:, 0, None, None]
        h = front[:, :, None] * scale[:, None]  # (M, B, H, D)
        h = tf.reshape(h, (members, batch * structure.heads, structure.width))
        activate = _ACTIVATIONS[structure.activation]
        for layer in range(len(structure.units)):
            h = tf.matmul(h, parts[f"weight_{layer}"]) + parts[f"bias_{layer}"][:, None]
            activated = activate(h)
            if structure.parametric:
                activated = h + (activated - h) * parts[f"mixing_{layer}"][:, None]
            gain = gains[:, layer + 1, None, None]
            h = activated * (gain if masks[layer] is None else masks[layer] * gain)
        h = tf.reshape(h, (members, batch, structure.heads, structure.units[-1]))
        h = tf.transpose(h, (0, 2, 1, 3))
        return tf.matmul(h, parts["head"]) + parts["head_bias"][:, :, None]

    def _front(self, parts: Mapping[str, Any], x: Any, codes: Any, batch: Any) -> Any:
        structure, members = self.form.structure, self.form.members
        joined = [x[:, :, structure.embedded :]]
        if structure.embedded:
            # Rows last, so that the innermost loops are long.
            columns = tf.transpose(x[:, :, : structure.embedded], (0, 2, 1))[:, :, None]
            frequency, phase = (2 * np.pi * parts[name] for name in ("frequency", "phase"))
            waves = tf.cos(frequency[..., None] * columns + phase[..., None])
            mixed = tf.matmul(parts["mix"], waves, transpose_a=True) + parts["mix_bias"][..., None]
            embedded = tf.concat([columns, mixed], axis=2)
            width = structure.embedded * structure.embedding_width
            embedded = tf.reshape(embedded, (members, width, batch))
            joined.insert(0, tf.transpose(embedded, (0, 2, 1)))
        if structure.codes:
            found = tf.gather(parts["table"], codes, batch_dims=1)
            width = structure.codes * structure.table_width
            joined.append(tf.reshape(found, (members, batch, width)))
        return tf.concat(joined, axis=2)

    def _losses(self, out: Any, y: Any, smoothing: Any) -> Any:
        """Returns each row's loss, ``(M, B)``: the mean of its heads' losses."""
        if not self.form.structure.of_classes:
            return tf.reduce_mean(tf.square(out - y[:, None]), axis=(1, 3))
        logs = tf.nn.log_softmax(out)
        chosen = tf.one_hot(y, self.form.structure.outputs)[:, None]
        hit = tf.reduce_sum(logs * chosen, axis=3)
        loss = (1 - smoothing) * hit + smoothing * tf.reduce_mean(logs, axis=3)
        return -tf.reduce_mean(loss, axis=1)

    def _update(self, gradients: Mapping[str, Any], rates: Any, decay: Any, factors: Any) -> None:
        """Lets Adam, with decoupled weight decay, update every member."""
        slopes = {name: tf.unstack(gradient) for name, gradient in gradients.items()}
        factor = tf.unstack(factors)
        for number, member in enumerate(self._members):
            rate, power_1, power_2, active = tf.unstack(rates[number])
            # A member that rests has a rate of 0, and keeps its moments.
            beta_1, beta_2 = (1 - (1 - beta) * active for beta in self.form.betas)
            for position, (name, (weight, mean, square)) in enumerate(member.items()):
                own = rate * factor[position]
                if kind_of(name) in _DECAYED:
                    tf.raw_ops.ResourceApplyGradientDescent(
                        var=weight.handle, alpha=own * decay[number], delta=weight.read_value()
                    )
                tf.raw_ops.ResourceApplyAdam(
                    var=weight.handle,
                    m=mean.handle,
                    v=square.handle,
                    beta1_power=power_1,
                    beta2_power=power_2,
                    lr=own,
                    beta1=beta_1,
                    beta2=beta_2,
                    epsilon=EPSILON,
                    grad=slopes[name][number],
                )

    def _predicted(self, numbers: Any, codes: Any, gains: Any) -> Any:
        masks = [None for _ in self.form.structure.units]
        out = self._heads(self._stacked(), numbers, codes, gains, masks)
        return tf.reduce_mean(tf.nn.softmax(out) if self.form.structure.of_classes else out, axis=1)


def _variable(shape: tuple[int, ...]) -> tf.Variable:
    return tf.Variable(np.zeros(shape, np.float32), trainable=False)


def _target(of_classes: bool) -> Any:
    return tf.int32 if of_classes else tf.float32


def _mish(x: Any) -> Any:
    """Returns x · tanh(softplus(x)).

    With one exponential, as 1 − 2 / (n + 2), n = eˣ (eˣ + 2). Not with a gradient of its own:
    TensorFlow registers such a function for good, and with it the whole graph.
    """
    e = tf.exp(tf.minimum(x, 20.0))
    return x - x * (2 / (e * (e + 2) + 2))


_ACTIVATIONS = {"selu": tf.nn.selu, "mish": _mish, "relu": tf.nn.relu, "silu": tf.nn.silu}
