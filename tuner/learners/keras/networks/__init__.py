"""Parameters in, compiled Keras model out; free of TensorFlow until a model is built.

A model may have a list ``epoch_callbacks`` of Keras callbacks that look at whole epochs: they go
into every training of it, in a trial and in the final one. A person's own model may have one too.
"""
