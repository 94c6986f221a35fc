"""``MODEL.md``: what a person must know before using the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.bundle.bundle_text import origin, scores
from tuner.bundle.refitting import chosen_by
from tuner.learners.registry import amount
from tuner.results.configuration_rules import ConfirmedScore
from tuner.units import setting
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
        f"{_opening(info)}"
        f"- Fingerprint: `{data['fingerprint']}`"
    )


def _opening(info: Mapping[str, Any]) -> str:
    """Returns the line that says how often the test split had been opened; empty of old bundles."""
    found = info.get("test_opening")
    if not found:
        return ""
    if not found["recorded"]:
        return (
            "- How often the test split was opened before is not known: this opening was not "
            "recorded in the database of the study\n"
        )
    before, same = found["before"], found["same_configuration"]
    if not before:
        return "- This was the first opening of the test split on record for the study\n"
    times = "once" if before == 1 else f"{before} times"
    line = f"- The test split had been opened {times} before for the study"
    line += f"; this was opening {before + 1}"
    if same == before:
        return f"{line}, of the same configuration: nothing was chosen by test scores\n"
    return f"{line}: choosing by test scores makes them optimistic\n"


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
    batches = "" if "learner" in info else f"batches of {info['batch_size']} rows and "
    return (
        "## Training\n\n"
        f"Model `{info['model']}` from {origin(info)}, trained{_steps(info)} "
        f"with {batches}{_seeds(info)}; {info['created']}.\n\n"
        "| parameter | value |\n|---|---|\n"
        f"{params}\n\n"
        f"Made with {versions}."
    )


def _steps(info: Mapping[str, Any]) -> str:
    """Returns for how many steps it was trained and how they were chosen."""
    done = amount(info["model"], info["params"], info["epochs"])
    if not done:
        return ""
    return f" for {done} ({info.get('epochs_by') or chosen_by(info)})"


def _seeds(info: Mapping[str, Any]) -> str:
    seeds = info.get("seeds", ())
    if seeds:
        listed = ", ".join(map(str, seeds))
        return (
            f"the seeds {listed}: it gives the mean of {len(seeds)} models that differ in their "
            "seed alone"
        )
    same = "" if info.get("seed_matters", True) else ", which does not matter: others give the same"
    return f"the seed {info['seed']}{same}"


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
