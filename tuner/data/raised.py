"""Describes in one line what a user's own code raised, with file and line of that code."""

from __future__ import annotations

import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

from tuner.spec.paths import is_file
from tuner.wording import one_line

_OURS = Path(__file__).parent.parent  # the package: its lines are never the user's
_STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
_LONGEST = 400
_EMBEDDED = re.compile(r'File "([^"]+)", line (\d+), in')
"""A line of a traceback that TensorFlow has put into the text of an error."""
_NOISE = re.compile(
    r"\x1b\[[0-9;]*m"  # Keras's colours
    r"|\{\{function_node \S+\}\} ?"  # TensorFlow's nodes
    r"|\s*\[\[\{\{.*\Z"
    r"|\s*\[Op:\w+\] name:.*\Z"
    r"|\s*Arguments received by .*\Z"  # Keras's: every tensor of the call
    r"|\s*Full object config: .*\Z"  # Keras's, when it cannot load a layer
    r"|\s*If you trust the source of the artifact.*\Z"
    r"|\n\s*Example:\s.*\Z"
    r"|\s*Traceback \(most recent call last\):.*\Z",
    re.DOTALL,
)


def described(exc: BaseException, base: Path) -> str:
    """Returns ``KeyError: 'lr' (my_model.py, line 7)``.

    Args:
        exc: What was raised.
        base: Folder of the study file: paths below it are shown from there.

    Returns:
        One line. Without file and line if no code of the user was running, as when a function
        was called with the wrong arguments.
    """
    name = type(exc).__name__
    said = _said(exc).removeprefix(f"{name}: ") or "no message"
    shortened = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
    return f"{name}: {shortened}{_where(exc, base.resolve())}"


def short(file: Path, base: Path) -> str:
    """Returns a file's path from ``base`` if it is below it, else as it is."""
    return str(file.relative_to(base)) if file.is_relative_to(base) else str(file)


def _text(exc: BaseException) -> str:
    """Returns the message; empty if it cannot be had from a class of the user's own."""
    try:
        return str(exc)
    except Exception:  # noqa: BLE001 - whatever its ``__str__`` raises
        return ""


def _said(exc: BaseException) -> str:
    """Returns the message itself, without what the libraries wrap around it."""
    # str() repeats file and line
    text = str(exc.msg) if isinstance(exc, SyntaxError) else _text(exc)
    if text.startswith("in user code:"):
        # AutoGraph's: a traceback, each frame with its line of code, then the error.
        text = re.split(r"\n\s*\n", text.strip())[-1]
    text = text.rpartition("Exception encountered: ")[2]  # Keras's, after the whole configuration
    return one_line(" ".join(_NOISE.sub("", text).split()).rstrip("."))


def _where(exc: BaseException, base: Path) -> str:
    if isinstance(exc, SyntaxError) and exc.filename:
        return f" ({short(Path(exc.filename), base)}, line {exc.lineno})"
    own = [(file, line) for file, line in _lines(exc) if is_own(file)]
    below = [(file, line) for file, line in own if file.is_relative_to(base)]
    for file, line in (below or own)[-1:]:
        return f" ({one_line(short(file, base))}, line {line})"
    return ""


def _lines(exc: BaseException) -> Iterator[tuple[Path, int]]:
    """Yields every file and line of the traceback, the deepest last."""
    for frame in traceback.extract_tb(exc.__traceback__):
        yield Path(frame.filename), frame.lineno or 0
    for file, line in _EMBEDDED.findall(_text(exc)):
        yield Path(file), int(line)


def is_own(file: Path) -> bool:
    """Returns whether a user wrote a file: it is neither ours nor a library's nor generated."""
    if not is_file(file) or file.name.startswith("__autograph_generated_file"):
        return False
    # A virtual environment is often inside the project's folder.
    if {"site-packages", "dist-packages"} & set(file.parts):
        return False
    return not (file.is_relative_to(_OURS) or file.is_relative_to(_STANDARD_LIBRARY))
