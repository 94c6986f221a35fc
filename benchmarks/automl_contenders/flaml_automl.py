"""FLAML with its defaults, but for time, metric and two threads."""

from __future__ import annotations

from common import arguments, write_classes, write_quantities
from flaml import AutoML


def main() -> None:
    """Fits for the given seconds and predicts."""
    about, train, test, seconds, output = arguments()
    target = train.pop(about["target"])
    automl = AutoML()
    is_quantity = about["task"] == "regression"
    automl.fit(
        train,
        target,
        task="regression" if is_quantity else "classification",
        metric=about["metric"],
        time_budget=seconds,
        n_jobs=2,
        seed=0,
        verbose=0,
    )
    if is_quantity:
        write_quantities(output, automl.predict(test))
    else:
        write_classes(output, automl.predict_proba(test), automl.classes_)


main()
