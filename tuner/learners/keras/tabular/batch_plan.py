"""What happens in each step of an epoch: which rows, which rates; several members side by side.

Terms:
    member: one network among those that are fitted at once: a fold and a seed.
    step: one batch of each member. A member with fewer batches than others rests in the last ones.
    progress: the share of all steps of a member's training that it has run, in [0, 1].

Rows are spread over a member's batches evenly: 257 rows in batches of at most 256 are 129 and 128
of them, and not 256 and one, whose gradient alone would be mostly noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEEDS_BELOW = 2**31 - 1


@dataclass(frozen=True)
class Optimizing:
    """How all members of a trial learn.

    Attributes:
        learning_rate: The largest.
        schedule: Of the learning rate, one of `SCHEDULES`.
        weight_decay: The largest; decoupled, multiplied by the learning rate.
        dropout: The largest.
        fading: The schedule of dropout and decay, one of `SCHEDULES`.
        batch_size: Most rows in a batch.
        epochs: Length of the schedules.
        betas: Of Adam.
    """

    learning_rate: float
    schedule: str
    weight_decay: float
    dropout: float
    fading: str
    batch_size: int
    epochs: int
    betas: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of an epoch, for S steps and M members with at most B rows in a batch.

    Attributes:
        rows: int32 ``(S, M, B)``, positions in a member's training rows.
        shares: float32 ``(S, M, B)``, one part in as many as the batch has rows; 0 for a filler.
        rates: float32 ``(S, M, 4)``: learning rate, β₁ᵗ, β₂ᵗ, and 1, or 0 for a member that rests.
        fading: float32 ``(S, M, 2)``: dropout and weight decay.
        seeds: int32 ``(S, M, 2)``, for dropout.
    """

    rows: NDArray[np.int32]
    shares: NDArray[np.float32]
    rates: NDArray[np.float32]
    fading: NDArray[np.float32]
    seeds: NDArray[np.int32]


class Plan:
    """Draws the steps of one epoch after the other."""

    def __init__(
        self, rows: list[int], randoms: list[np.random.Generator], optimizing: Optimizing
    ) -> None:
        """Prepares.

        Args:
            rows: Training rows of each member.
            randoms: Each member's own chance, which does not depend on the other members.
            optimizing: How they learn.
        """
        self._randoms = randoms
        self._optimizing = optimizing
        self._n_rows = rows
        self._n_steps = [math.ceil(n / optimizing.batch_size) for n in rows]
        self._done = 0

    def epoch(self) -> Steps:
        """Returns the steps of the next epoch."""
        members, steps = len(self._n_rows), max(self._n_steps)
        width = max(math.ceil(n / s) for n, s in zip(self._n_rows, self._n_steps, strict=True))
        made = Steps(
            rows=np.zeros((steps, members, width), np.int32),
            shares=np.zeros((steps, members, width), np.float32),
            rates=np.zeros((steps, members, 4), np.float32),
            fading=np.zeros((steps, members, 2), np.float32),
            seeds=np.zeros((steps, members, 2), np.int32),
        )
        made.rates[:, :, 1:3] = 0.5  # of those who rest: any number but 1, which divides by zero
        for member in range(members):
            self._fill(made, member)
        self._done += 1
        return made

    def _fill(self, made: Steps, member: int) -> None:
        random, n_steps = self._randoms[member], self._n_steps[member]
        order = random.permutation(self._n_rows[member])
        for step, batch in enumerate(np.array_split(order, n_steps)):
            made.rows[step, member, : len(batch)] = batch
            made.shares[step, member, : len(batch)] = 1 / len(batch)
        made.seeds[:n_steps, member] = random.integers(0, _SEEDS_BELOW, (n_steps, 2))
        wanted, first = self._optimizing, self._done * n_steps
        numbers = np.arange(first, first + n_steps)
        progress = np.minimum(numbers / (wanted.epochs * n_steps), 1.0)
        rate = wanted.learning_rate * SCHEDULES[wanted.schedule](progress)
        powers = [beta ** (numbers + 1.0) for beta in wanted.betas]
        made.rates[:n_steps, member] = np.stack([rate, *powers, np.ones(n_steps)], axis=1)
        left = SCHEDULES[wanted.fading](progress)
        made.fading[:n_steps, member] = np.outer(left, [wanted.dropout, wanted.weight_decay])


def _cosine_of_log(t: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))
    return found


def _flat_cosine(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(t < 0.5, 1.0, 0.5 * (1 + np.cos(np.pi * (2 * t - 1))))


SCHEDULES: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = MappingProxyType(
    {
        "constant": np.ones_like,
        "coslog4": _cosine_of_log,
        "flat_cos": _flat_cosine,
        "cos": lambda t: 0.5 * (1 + np.cos(np.pi * t)),
    }
)
"""Name to the function from progress to a factor; the names are those of the RealMLP paper."""
