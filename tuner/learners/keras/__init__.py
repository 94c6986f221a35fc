"""Keras: networks, their training, and how they are saved."""
