"""The storage behind Optuna's gRPC proxy, which is as Optuna ships it and knows no call of ours."""
