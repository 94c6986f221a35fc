"""The text of a script that fits trees with scikit-learn alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuner.wording import in_docstring

if TYPE_CHECKING:
    from tuner.learners.setup import Script

_TEMPLATE = '''\
"""{title}

Needs only scikit-learn and NumPy, and {data} beside it: {rows}
Run it:  python {script}
It fits all rows but those of the test split, and scores the test split once.
"""

from pathlib import Path

import numpy as np
from sklearn.ensemble import {kind}
from sklearn.metrics import {metrics}

DATA = Path(__file__).with_name({data_name})


def build_model():
    return {kind}(
{arguments}    )


def main():
    data = np.load(DATA)
    model = build_model()
    model.fit(data["x_train"], data["y_train"]{weight_train})
    x, y = data["x_test"], data["y_test"]
    scores = {{
{scores}    }}
    print("test", scores)
    return model


if __name__ == "__main__":
    main()
'''
# As in tuner.scoring: whatever their sample weights, all rows count alike.
_CLASSES = {
    "accuracy": "accuracy_score(y, model.predict(x))",
    "log_loss": "log_loss(y, model.predict_proba(x), labels=model.classes_)",
}
_QUANTITIES = {
    "mse": "mean_squared_error(y, model.predict(x))",
    "mae": "mean_absolute_error(y, model.predict(x))",
}


def tree_script(name: str, arguments: Mapping[str, Any], task: str, about: Script) -> str:
    """Returns the script.

    Args:
        name: Stem of the estimator's class, such as "RandomForest".
        arguments: Of the estimator's class, its number of steps and seed among them.
        task: "regression", "binary" or "multiclass".
        about: What else stands in it.
    """
    is_quantity = task == "regression"
    scores = _QUANTITIES if is_quantity else _CLASSES
    return _TEMPLATE.format(
        title=in_docstring(f"The trees of {about.title}."),
        data=in_docstring(about.data_name),
        data_name=_literal(about.data_name),
        rows=about.rows,
        script=in_docstring(shlex.quote(about.name)),
        kind=f"{name}{'Regressor' if is_quantity else 'Classifier'}",
        metrics=", ".join(sorted(call.partition("(")[0] for call in scores.values())),
        arguments="".join(
            f"        {name}={_literal(value)},\n" for name, value in arguments.items()
        ),
        weight_train=', data["sample_weight_train"]' if about.weighted else "",
        scores="".join(f'        "{name}": {call},\n' for name, call in scores.items()),
    )


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
