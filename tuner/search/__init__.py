"""What Optuna needs of a study: its sampler and pruner, when they decide, every trial's seed."""

from tuner.search.by_name import make_pruner, make_sampler
from tuner.search.judging import Judging, judging
from tuner.search.seeded import SeededSampler, derive_seed

__all__ = ["Judging", "SeededSampler", "derive_seed", "judging", "make_pruner", "make_sampler"]
