"""Why a trial exists."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Why a trial exists; stored as the user attribute ``role`` of the trial.

    Attributes:
        REFERENCE: It measures a configuration known beforehand, which the search is compared with.
        DEFAULT: It measures the learner's defaults, to begin the search with.
        SEARCH: The sampler, or a person who enqueued it, proposed its parameters.
        CONFIRM: It trains a candidate again with another seed.
        REPLAY: It trains an earlier trial again with the same seed.
    """

    REFERENCE = "reference"
    DEFAULT = "default"
    SEARCH = "search"
    CONFIRM = "confirm"
    REPLAY = "replay"

    @property
    def may_be_pruned(self) -> bool:
        """Whether the pruner may end the trial; what is measured on purpose runs to its end."""
        return self in (Role.SEARCH, Role.DEFAULT)

    @property
    def may_stop_early(self) -> bool:
        """Whether early stopping applies.

        A reference runs all its epochs, as it did where its score was reported; a trial that
        repeats another one stops by the rule that the other one stopped by.
        """
        return self is not Role.REFERENCE
