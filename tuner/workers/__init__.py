"""Runs the trials of a study in worker processes: supervisor, worker, and what they say."""
