"""The storage of a database that SQL reaches: claims, reads and writes in Optuna's tables."""
