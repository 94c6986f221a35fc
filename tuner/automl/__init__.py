"""From a table to a study, its trials, an ensemble and a bundle.

The package is also the function of its name: ``tuner.automl(frame, target="price")``. An import of
any part of it would otherwise hide that function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.automl.automl_result import AutoMLResult


class _Function(ModuleType):
    """A module that can be called."""

    def __call__(self, data: Any, target: str, **options: Any) -> AutoMLResult:
        """Calls `tuner.automl.automl_result.automl`, which says what it takes."""
        from tuner.automl.automl_result import automl

        return automl(data, target, **options)


sys.modules[__name__].__class__ = _Function
