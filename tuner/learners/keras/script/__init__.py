"""A built network as a Python script that needs Keras and NumPy alone."""
