"""Imported by the fork server for learners of scikit-learn: what their workers would import."""

from __future__ import annotations

import tuner.learners.sklearn.boosting  # noqa: F401 - imported for those who are forked
