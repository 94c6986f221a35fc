"""Mixed tables as numbers: what a learner makes of categories, gaps, dates and texts.

Terms:
    encoder: what is known of the training rows, and turns rows with the same columns into float32.
    style: for which learners the numbers are made, see `Style`.
    level: one of the texts of a category.
"""

from __future__ import annotations

from tuner.learners.encoding.encoder import FILE, Encoder
from tuner.learners.encoding.encoding_options import EncodedColumn, Style, settings_of, split_params

__all__ = ["FILE", "EncodedColumn", "Encoder", "Style", "settings_of", "split_params"]
