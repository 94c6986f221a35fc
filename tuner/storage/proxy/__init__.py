"""The storage behind Optuna's gRPC proxy, whose calls are Optuna's own."""
