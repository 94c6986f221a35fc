"""The files of an exported script: their names, and which of them may be replaced."""

from __future__ import annotations

from pathlib import Path

from tuner.bundle.folder import writing
from tuner.results.replacing import check_replaceable, read_text

_CONTENTS = {
    '"""The network of ': (
        "Needs only Keras and NumPy, and ",
        "class ShuffledRows(keras.utils.PyDataset):",
    ),
    '"""The trees of ': (
        "Needs only scikit-learn and NumPy, and ",
        "    return HistGradientBoosting",
    ),
}
"""How exported scripts begin, and what they contain: those of this version and of earlier ones."""


def companion_of(script: Path) -> Path:
    """Returns the file beside a script that holds its data."""
    return script.with_name(f"{script.stem}-data.npz")


def is_script(text: str) -> bool:
    """Returns whether a text is an exported script."""
    return any(
        text.startswith(opening) and all(part in text for part in parts)
        for opening, parts in _CONTENTS.items()
    )


def check_script_replaceable(path: Path, *, force: bool) -> None:
    """Makes sure that a script and its data may be written.

    A data file does not say who wrote it; beside an exported script it counts as exported, too.

    Raises:
        RequestError: Another file has one of the two names.
        BundleError: A folder has.
    """
    companion = companion_of(path)
    for file in (path, companion):
        with writing(file):
            check_replaceable(file, lambda _: is_script(read_text(path)), force=force)
