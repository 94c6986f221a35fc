"""optuna-dashboard on our storage, behind gates for who may ask."""
