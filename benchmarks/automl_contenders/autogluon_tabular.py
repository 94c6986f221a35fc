"""AutoGluon with a preset (the fourth argument), two threads, and nothing else changed."""

from __future__ import annotations

import shutil
import sys
import tempfile

from autogluon.tabular import TabularPredictor
from common import arguments, write_classes, write_quantities

METRICS = {
    "roc_auc": "roc_auc",
    "log_loss": "log_loss",
    "rmse": "root_mean_squared_error",
}


def main() -> None:
    """Fits for the given seconds and predicts."""
    about, train, test, seconds, output = arguments()
    folder = tempfile.mkdtemp(prefix="autogluon-")
    predictor = TabularPredictor(
        label=about["target"],
        problem_type=about["task"],
        eval_metric=METRICS[about["metric"]],
        path=folder,
        verbosity=0,
    )
    predictor.fit(train, time_limit=seconds, presets=sys.argv[4], num_cpus=2, num_gpus=0)
    if about["task"] == "regression":
        write_quantities(output, predictor.predict(test))
    else:
        found = predictor.predict_proba(test)
        write_classes(output, found.to_numpy(), list(found.columns))
    shutil.rmtree(folder, ignore_errors=True)


main()
