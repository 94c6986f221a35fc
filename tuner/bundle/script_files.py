"""The files of an exported script: their names, and which of them may be replaced."""

from __future__ import annotations

from pathlib import Path

from tuner.bundle.folder import writing
from tuner.results.replacing import check_replaceable, read_text

SIGNS = ("Needs only Keras and NumPy, and ", "class ShuffledRows(keras.utils.PyDataset):")
"""What stands in every exported script, of this version and of earlier ones."""


def companion_of(script: Path) -> Path:
    """Returns the file beside a script that holds its data."""
    return script.with_name(f"{script.stem}-data.npz")


def is_script(text: str) -> bool:
    """Whether a text is an exported script."""
    return text.startswith('"""The network of ') and all(sign in text for sign in SIGNS)


def check_script_replaceable(path: Path, *, force: bool) -> None:
    """Makes sure that a script and its data may be written.

    Data have nothing in them that says who wrote them; those of an exported script are ours.

    Raises:
        RequestError: Another file has one of the two names.
        BundleError: A folder has.
    """
    companion = companion_of(path)
    for file in (path, companion):
        with writing(file):
            check_replaceable(file, lambda _: is_script(read_text(path)), force=force)
