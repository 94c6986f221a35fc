"""The SQL database that studies live in.

What tuner stores is in Optuna's own tables, so the stock ``optuna`` and ``optuna-dashboard``
commands read it unchanged; the curves of trials are in a table beside them.
:mod:`tuner.storage.backend` declares what tuner asks of a storage; :mod:`tuner.storage.sql` answers
it by SQL, :mod:`tuner.storage.proxy` through Optuna's gRPC proxy.
:mod:`tuner.storage.optuna_private` names everything private of Optuna's. :mod:`tuner.storage.url`
and :mod:`tuner.storage.overview` work without Optuna, for commands that must answer at once.
"""
