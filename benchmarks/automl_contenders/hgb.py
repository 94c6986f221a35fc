"""The default histogram gradient boosting of scikit-learn; texts are categories."""

from __future__ import annotations

from common import arguments, write_classes, write_quantities
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

MOST_LEVELS = 255


def main() -> None:
    """Fits and predicts; the seconds are not used."""
    about, train, test, _, output = arguments()
    target = train.pop(about["target"])
    for name in train.columns[
        [not str(t).startswith(("int", "float", "bool")) for t in train.dtypes]
    ]:
        levels = train[name].value_counts().index[:MOST_LEVELS]
        train[name] = train[name].astype("category").cat.set_categories(levels)
        test[name] = test[name].astype("category").cat.set_categories(levels)
    options = {"categorical_features": "from_dtype", "random_state": 0}
    if about["task"] == "regression":
        model = HistGradientBoostingRegressor(**options).fit(train, target)
        write_quantities(output, model.predict(test))
    else:
        model = HistGradientBoostingClassifier(**options).fit(train, target)
        write_classes(output, model.predict_proba(test), model.classes_)


main()
