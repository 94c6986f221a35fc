"""What a learner is given besides parameters and data: where it works, what a script says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tuner.spec.models import Training

BATCH_SIZE = 32
"""Rows in a step where nothing says how many."""


@dataclass(frozen=True)
class Setup:
    """Where and how a learner works; the same for all trials of a worker.

    Attributes:
        base: Folder of the study file: ``module:name`` is looked for there first.
        training: The study file's ``[training]``.
        batch_size: Rows in a step where the parameters do not say.
        n_beside: How many workers share this machine's memory, this one among them.
        keep: Whether what one fit has prepared is kept for the next; a worker does.
        metric: The objective's metric; empty if it is not known.
        missing_code: What to do about code that a saved model needs and that was not imported;
            empty if it was.
    """

    base: Path = Path()
    training: Training = field(default_factory=Training)
    batch_size: int = BATCH_SIZE
    n_beside: int = 1
    keep: bool = False
    metric: str = ""
    missing_code: str = ""


@dataclass(frozen=True)
class Script:
    """What an exported script contains besides the model.

    Attributes:
        title: What the script is, in one line.
        name: Name of the script's file.
        data_name: Name of the ``.npz`` file beside it: ``x_train``, ``y_train``, ``x_test``,
            ``y_test``, and ``sample_weight_…`` for rows that have weights.
        rows: How many rows there are, in words.
        steps: Steps to run.
        seed: As in ``Learner.fit``.
        weighted: Whether the rows have weights.
    """

    title: str
    name: str
    data_name: str
    rows: str
    steps: int
    seed: int
    weighted: bool
