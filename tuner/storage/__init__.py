"""The SQL database that studies live in.

What tuner keeps stands in Optuna's own tables, so the stock ``optuna`` and ``optuna-dashboard``
commands read it unchanged; the curves of trials stand in a table beside them. SQL reaches it, or
Optuna's gRPC proxy in front of it: :mod:`tuner.storage.backend` says what tuner asks of either.
:mod:`tuner.storage.url` and :mod:`tuner.storage.overview` do without Optuna, for commands that must
answer at once.
"""
