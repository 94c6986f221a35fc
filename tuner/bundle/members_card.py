"""``MODEL.md`` of a bundle of several members: what a person must know before using it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner.bundle.card import card_data, card_head, dialect_words
from tuner.bundle.members_text import members_scores
from tuner.units import count, figure, setting

_MOST_COLUMNS = 60
_MOST_IMPORTANT = 20
_MOST_CLASSES = 12


def members_card(info: Mapping[str, Any], folder: str) -> str:
    """Returns the card's Markdown.

    Args:
        info: What ``bundle.json`` holds.
        folder: The bundle's name, for the commands.
    """
    parts = [
        card_head(info, scaled=": what is made of them is part of the model"),
        card_data(info),
        _schema(info["data"].get("schema")),
        _warnings(info),
        _scores(info),
        _leaderboard(info),
        _members(info),
        _importance(info),
        _confusion(info),
        _residuals(info),
        _calibration(info),
        _intervals(info),
        _use(info, folder),
        _limits(info),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _number(value: float | None) -> str:
    return "–" if value is None else figure(value)


def _schema(schema: Mapping[str, Any] | None) -> str:
    if not schema:
        return ""
    columns = schema["columns"]
    rows = [
        (
            one["name"],
            one["kind"],
            one["treatment"],
            f"{one.get('missing', 0):,}",
            one.get("reason", ""),
        )
        for one in columns[:_MOST_COLUMNS]
    ]
    rest = len(columns) - _MOST_COLUMNS
    more = f"\n\nAnd {count(rest, 'more column')}, see `bundle.json`." if rest > 0 else ""
    table = _table(("column", "kind", "used as", "missing", "why"), rows)
    notes = "".join(f"\n- {note}" for note in schema.get("notes", []))
    return f"## Columns\n\n{table}{more}" + (f"\n{notes}" if notes else "")


def _warnings(info: Mapping[str, Any]) -> str:
    warnings = info.get("warnings", [])
    return "## Warnings\n\n" + "\n".join(f"- {one}" for one in warnings) if warnings else ""


def _scores(info: Mapping[str, Any]) -> str:
    usual = info["baseline"]["predicts"]
    rows = []
    for name, value, trivial, predicts in members_scores(info):
        other = f" ({predicts})" if trivial and predicts != usual else ""
        rows.append((name, value, f"{trivial or '–'}{other}"))
    header = ("score", "this model (95 % interval)", f"trivial predictor ({usual})")
    return (
        f"## Scores\n\n{_table(header, rows)}\n\n"
        "The test rows were predicted once, at the end; the interval is that of resampled test "
        f"rows. {_divided(info)} The choice of the members has seen the scores out of fold, which "
        "are therefore a little too good."
    )


def _divided(info: Mapping[str, Any]) -> str:
    folds, repeats = info["validation"]["folds"], info["validation"].get("repeats", 1)
    if folds == 1:
        return "Out of fold means: on the validation rows, which no model was fitted on."
    times = f", {repeats} times" if repeats > 1 else ""
    return (
        f"Out of fold means: each of {folds} folds{times} was predicted by a model that was "
        "fitted on the others."
    )


def _leaderboard(info: Mapping[str, Any]) -> str:
    rows = [
        (
            one["learner"],
            _number(one.get("value"))
            + (f" ± {figure(one['error'])}" if one.get("error") is not None else ""),
            _number(one.get("fit_s")),
            _number(one.get("predict_s")),
            f"{one.get('share', 0):.0%}",
            str(one.get("trials", 1)),
        )
        for one in info.get("leaderboard", [])
    ]
    if not rows:
        return ""
    header = (
        *("learner", f"{info['metric']} out of fold", "fit, s", "predict 1,000 rows, s"),
        *("share", "trials"),
    )
    return f"## Leaderboard\n\nThe best trial of each learner.\n\n{_table(header, rows)}"


def _members(info: Mapping[str, Any]) -> str:
    rows = [
        (
            one["learner"],
            str(one.get("trial", "–")),
            f"{one['weight']:.0%}",
            figure(one.get("temperature", 1.0)),
            figure(one.get("shift", 0.0)),
            str(one["folds"]),
            ", ".join(f"{name} {setting(value)}" for name, value in one["params"].items()),
        )
        for one in info["members"]
    ]
    header = ("learner", "trial", "weight", "temperature", "shift", "models", "parameters")
    versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    return (
        "## Members\n\nA member's prediction is the mean of its models', one a fold; probabilities "
        "are brought to its temperature and, of two classes, shifted; the prediction is the "
        "weighted mean of the members'.\n\n"
        f"{_table(header, rows)}\n\n"
        f"From the study {info['study']}, seed {info['seed']}; {info['created']}. Made with "
        f"{versions}."
    )


def _importance(info: Mapping[str, Any]) -> str:
    found = info.get("importance", [])
    if not found:
        return ""
    rows = [
        (one["column"], f"{figure(one['loss'])} ± {figure(one['error'])}")
        for one in found[:_MOST_IMPORTANT]
    ]
    total = len(info["data"]["feature_names"])
    rest = len(found) - _MOST_IMPORTANT
    more = f"The other {rest} matter less. " if rest > 0 else ""
    if len(found) < total:
        more += f"There was no time to measure {count(total - len(found), 'column')}."
    return (
        f"## What matters\n\nHow much worse {info['metric']} gets on held-out rows when one column "
        "is permuted. Columns that say the same share what they matter.\n\n"
        f"{_table(('column', 'worse by'), rows)}\n\n{more}".rstrip()
    )


def _confusion(info: Mapping[str, Any]) -> str:
    counts, names = info.get("confusion", []), info["data"]["class_names"]
    if not counts:
        return ""
    if len(names) > _MOST_CLASSES:
        wrong = sorted(
            ((counts[i][j], i, j) for i in range(len(names)) for j in range(len(names)) if i != j),
            reverse=True,
        )[:_MOST_CLASSES]
        table = _table(
            ("class", "predicted as", "rows"),
            [(names[i], names[j], f"{number:,}") for number, i, j in wrong if number],
        )
        return f"## Where it is wrong\n\nThe most frequent errors out of fold.\n\n{table}"
    rows = [
        (name, *(f"{number:,}" for number in row)) for name, row in zip(names, counts, strict=True)
    ]
    table = _table(("class", *(f"predicted {name}" for name in names)), rows)
    return f"## Where it is wrong\n\nRows of each class by their prediction out of fold.\n\n{table}"


def _residuals(info: Mapping[str, Any]) -> str:
    rows = [
        (
            f"{figure(one['lower'])} to {figure(one['upper'])}",
            f"{one['rows']:,}",
            figure(one["mean"]),
            figure(one["mae"]),
        )
        for one in info.get("residuals", [])
    ]
    if not rows:
        return ""
    table = _table(("prediction", "rows", "mean of target − prediction", "mean absolute"), rows)
    return f"## Where it is wrong\n\nErrors out of fold by decile of the prediction.\n\n{table}"


def _calibration(info: Mapping[str, Any]) -> str:
    found = info.get("calibration", [])
    if not found:
        return ""
    names = info["data"]["class_names"]
    of = f"probability of {names[1]}" if len(names) == 2 else "probability of the predicted class"
    rows = [
        (f"{one['predicted']:.1%}", f"{one['observed']:.1%}", f"{one['rows']:,}") for one in found
    ]
    table = _table((f"{of}, mean", "was true for", "rows"), rows)
    return f"## Are the probabilities right?\n\nOut of fold.\n\n{table}"


def _intervals(info: Mapping[str, Any]) -> str:
    found = info.get("intervals", [])
    if not found:
        return ""
    rows = [
        (
            f"{one['level']:.0%}",
            figure(one["half_width"]),
            "–" if one.get("coverage") is None else f"{one['coverage']:.1%}",
        )
        for one in found
    ]
    table = _table(("interval", "prediction ±", "share of test rows in it"), rows)
    return (
        "## How far off it may be\n\nSplit-conformal intervals from the errors out of fold: of "
        "rows like those that it was trained on, such a share lies within. The width is the same "
        f"for all rows. `tuner predict --interval` adds the 90 % one.\n\n{table}"
    )


def _use(info: Mapping[str, Any], folder: str) -> str:
    kind, shape = info["data"].get("kind", "table"), info["data"]["input_shape"]
    file, rows = "rows.csv", "a DataFrame, a dict of columns or an array"
    takes = (
        "`rows.csv` (or a Parquet or Excel file) has at least the columns named above, in any "
        "order."
    )
    if kind == "text":
        file, rows = '"A TEXT"', "a DataFrame or an array of texts"
        takes = "Or a file with the column named above, or `rows.txt` with one text a line."
    elif kind == "image":
        file, rows = "rows.npy", "an array"
        takes = f"`rows.npy` holds an array of shape (n, {', '.join(map(str, shape))})."
    else:
        takes += dialect_words(info.get("dataset"))
    explain = f"\ntuner predict {folder} {file} --explain 5" if info.get("background") else ""
    return (
        f"## Use\n\n```sh\ntuner predict {folder} {file}{explain}\n```\n\n{takes} From Python, "
        f"with `rows` {rows}:\n\n```python\nimport tuner\n\n"
        f'tuner.load_bundle("{folder}").predict(rows)\n```\n\n'
        "Loading and predicting runs no code of the bundle."
    )


def _limits(info: Mapping[str, Any]) -> str:
    lines = [
        "It predicts rows like those that it was trained on; nothing warns of others.",
        "What a column matters, and what moves a prediction, says nothing about causes.",
    ]
    background = info.get("background", {})
    if size := max(map(len, background.values()), default=0):
        lines.append(
            f"`bundle.json` holds {size} of the training rows, for `tuner predict --explain`; "
            "remove its key `background` before you give the bundle to people who must not see "
            "them."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)
