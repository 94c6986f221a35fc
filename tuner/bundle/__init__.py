"""From a configuration to something that runs by itself: a model bundle, or a Python script.

A bundle is a folder: what the learner saves (of Keras ``model.keras``), ``bundle.json`` (where it
comes from and how good it is), ``MODEL.md`` (the same for people). Nothing here knows a library
that fits: learners import theirs when they fit or load.

Shapes: a model takes float32 ``(n, …)`` raw rows; it returns ``(n, classes)`` or ``(n, 1)`` for
classes, ``(n,)`` or ``(n, k)`` for quantities.
"""

from __future__ import annotations

from tuner.bundle.export import export
from tuner.bundle.load import Bundle, load_bundle
from tuner.bundle.predict import predict
from tuner.bundle.write import train

__all__ = ["Bundle", "export", "load_bundle", "predict", "train"]
