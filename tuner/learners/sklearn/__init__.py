"""Learners of scikit-learn; they need no TensorFlow."""

FILE = "model.skops"
"""The file of a saved model in its bundle."""
