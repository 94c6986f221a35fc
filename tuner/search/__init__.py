"""What Optuna needs of a study: its sampler and pruner, when they decide, every trial's seed."""

from tuner.search.by_name import make_pruner, make_sampler
from tuner.search.first_direction import by_first
from tuner.search.judging import Judging, judging
from tuner.search.seeded import SeededSampler, derive_seed
from tuner.search.stored_check import check_stored
from tuner.search.what_is_left import count_left, left_counter, left_of

__all__ = [
    "Judging",
    "SeededSampler",
    "by_first",
    "check_stored",
    "count_left",
    "derive_seed",
    "judging",
    "left_counter",
    "left_of",
    "make_pruner",
    "make_sampler",
]
