"""Search spaces: which parameters there are, which values they take, and when they take part."""

from __future__ import annotations

from tuner.space.coverage import Coverage, Left, Tried
from tuner.space.parameter import Parameter, Value
from tuner.space.space import SearchSpace

__all__ = ["Coverage", "Left", "Parameter", "SearchSpace", "Tried", "Value"]
