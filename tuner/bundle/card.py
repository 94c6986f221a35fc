"""``MODEL.md``: what a person must know before using the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.bundle.bundle_text import origin, scores
from tuner.learners.registry import step_word
from tuner.results.configuration_rules import ConfirmedScore
from tuner.units import count_plain, setting
from tuner.wording import toml

_TASKS = {
    "regression": "a quantity",
    "binary": "one of two classes",
    "multiclass": "one of several classes",
}
_MOST_NAMES = 30


def card(info: Mapping[str, Any], folder: str, alone: str = "") -> str:
    """Returns the card's Markdown.

    Args:
        info: What ``bundle.json`` holds.
        folder: The bundle's name, for the commands.
        alone: How the model is used without tuner; empty if that is not possible.
    """
    parts = [
        card_head(info, _scaled(info)),
        card_data(info),
        card_scores(info),
        _trained(info),
        _use(info, folder, alone),
    ]
    return "\n\n".join(parts) + "\n"


def _scaled(info: Mapping[str, Any]) -> str:
    """Returns what becomes of the raw values, to follow "as they stand in the data"."""
    if info["data"].get("kind") == "mixed":
        return ": what makes numbers of them is part of the model"
    return "" if "learner" in info else ": scaling is part of the model"


def card_head(info: Mapping[str, Any], scaled: str) -> str:
    """Returns the title, and what the model predicts from what.

    Args:
        info: What ``bundle.json`` holds.
        scaled: What becomes of the raw values, to follow "as they stand in the data".
    """
    data = info["data"]
    what = _TASKS[data["task"]]
    if data["class_names"]:
        what += f": {_listed(data['class_names'])}"
    if data["feature_names"]:
        source = f"{len(data['feature_names'])} columns: {_listed(data['feature_names'])}"
    else:
        source = f"arrays of shape {tuple(data['input_shape'])}"
    return (
        f"# {data['name']}\n\n"
        f"Predicts {what}.\n\n"
        f"From {source}. The values are taken raw, as they stand in the data{scaled}."
    )


def card_data(info: Mapping[str, Any]) -> str:
    """Returns the section on the data."""
    data = info["data"]
    rows = data["rows"]
    return (
        "## Data\n\n"
        f"- Source: {data['source'] or 'not recorded'}\n"
        f"- Licence: {data['licence'] or 'not recorded'}\n"
        f"- Trained on {rows['train'] + rows['validation']:,} rows "
        f"({rows['train']:,} training and {rows['validation']:,} validation rows of the search)\n"
        f"- Scored on {rows['test']:,} rows that neither the search nor the training has seen\n"
        f"- Fingerprint: `{data['fingerprint']}`"
    )


def card_scores(info: Mapping[str, Any]) -> str:
    """Returns the section with the scores."""
    usual = info["baseline"]["predicts"]
    lines = [f"| score | this model | trivial predictor ({usual}) |", "|---|---|---|"]
    for name, value, trivial, predicts in scores(info):
        other = f" ({predicts})" if trivial and predicts != usual else ""
        lines.append(f"| {name} | {value} | {trivial or '–'}{other} |")
    return "## Scores\n\n" + "\n".join(lines) + _confirmed(info)


def _confirmed(info: Mapping[str, Any]) -> str:
    """Returns what the confirmation of the study has found; empty without one."""
    if not info.get("confirmed"):
        return ""
    score = ConfirmedScore.model_validate(info["confirmed"])
    words = score.words(info["metric"])
    return (
        f"\n\nThe search chose it by its validation score; trained again it was {words} "
        "(mean and 95 % interval), on validation rows."
    )


def _trained(info: Mapping[str, Any]) -> str:
    params = "\n".join(f"| {name} | {setting(value)} |" for name, value in info["params"].items())
    versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    word = step_word(info["model"])
    steps = count_plain(info["epochs"], word)
    best = f"the best {word} of the trial"
    if info.get("folds", 1) > 1:
        best = f"the mean of the best {word}s of the trial's {info['folds']} folds"
    if info.get("confirmed"):
        best = f"the median of the best {word}s of its confirmation"
    batches = "" if "learner" in info else f"batches of {info['batch_size']} rows and "
    return (
        "## Training\n\n"
        f"Model `{info['model']}` from {origin(info)}, trained for {steps} ({best}) "
        f"with {batches}the seed {info['seed']}; {info['created']}.\n\n"
        "| parameter | value |\n|---|---|\n"
        f"{params}\n\n"
        f"Made with {versions}."
    )


def _use(info: Mapping[str, Any], folder: str, alone: str) -> str:
    names = info["data"]["feature_names"]
    shape = ", ".join(str(size) for size in info["data"]["input_shape"])
    rows = f"`rows` of shape (n, {shape})"
    match info["data"].get("kind"):
        case "text":
            file, rows = '"A TEXT"', "`rows` an array of texts of shape (n,)"
            takes = "Or `rows.txt` with one text a line, or a CSV file with the column `text`."
        case "image":
            file, takes = "rows.npy", f"`rows.npy` holds an array of shape (n, {shape})."
        case kind:
            file = "rows.csv"
            if kind == "mixed":
                rows = "`rows` a frame of pandas with these columns"
                alone = ""  # without tuner nothing makes numbers of them
            takes = f"`{file}` has at least the {len(names)} columns named above, in any order."
            takes += dialect_words(info.get("dataset"))
    own = ":" in info["model"]
    code = " --code FILE.py" if own else ""
    if own:
        what = "The model comes" if "learner" in info else "Layers that are not Keras's own come"
        takes += (
            f" {what} from your copy of `{info['model']}`: "
            "`--code`, or an import of it before the lines below."
        )
    return (
        "## Use\n\n"
        f"```sh\ntuner predict {folder} {file}{code}\n```\n\n"
        f"{takes} From Python, with {rows}:\n\n"
        "```python\n"
        "from tuner.bundle import load_bundle\n\n"
        f'load_bundle("{folder}").predict(rows)\n'
        "```" + (f"\n\n{alone}" if alone else "")
    )


def dialect_words(dataset: object) -> str:
    """Returns how rows are written if the training file was not written as most are."""
    table = dataset if isinstance(dataset, Mapping) else {}
    keys = [key for key in ("sep", "decimal", "thousands", "encoding") if key in table]
    if not keys:
        return ""
    declared = ", ".join(f"`{key} = {toml(table[key])}`" for key in keys)
    options = ", ".join(f"`--{key}`" for key in keys)
    return f" It is read as the training file was, with {declared}; {options} change that."


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    rest = len(names) - _MOST_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown
