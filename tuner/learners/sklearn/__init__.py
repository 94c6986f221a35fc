"""Learners of scikit-learn; they need no TensorFlow."""
