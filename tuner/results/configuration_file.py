"""Writes a configuration to a file and reads it back.

The file is for people as much as for ``tuner train``: its first lines say what it is and what to
type next. The third form, a Python script, needs Keras and is written by ``tuner.bundle.export``.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tuner.errors import BundleError, RequestError, SpecError, TunerError
from tuner.learners.registry import step_word
from tuner.results.configuration import Configuration
from tuner.results.replacing import check_replaceable
from tuner.results.rows import ADDED
from tuner.spec.paths import exists, is_file
from tuner.spec.study import scored_on
from tuner.units import count_plain, figure
from tuner.wording import one_line

SUFFIXES = (".toml", ".json", ".py")


def suffix_of(path: Path) -> str:
    """Returns the form that ``path`` asks for.

    Raises:
        RequestError: It is none of the three.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        ending = f"ends in {path.suffix}" if path.suffix else "has no ending"
        raise RequestError(
            f"cannot export to {path}: its name {ending}; write NAME.toml, NAME.json, or NAME.py "
            "for a script that needs only Keras"
        )
    return suffix


def write(configuration: Configuration, path: Path, *, force: bool = False) -> None:
    """Writes ``configuration`` as TOML or JSON, as the suffix says, in one step.

    The text is read back before it is written.

    Args:
        configuration: What to write.
        path: The file; an earlier export in it is replaced.
        force: Replace any other file, too.

    Raises:
        RequestError: The suffix is neither ``.toml`` nor ``.json``, another file is there, or the
            folder is not.
        BundleError: The file cannot be written, or would not be read as what it is; nothing is
            left half-written.
    """
    suffix = suffix_of(path)
    if suffix == ".py":
        raise RequestError(f"{path}: a script is written by tuner.bundle.export, not from here")
    try:
        check_replaceable(path, is_export, force=force)
    except OSError as exc:
        raise cannot_write(path, exc) from exc
    text = as_json(configuration, path) if suffix == ".json" else as_toml(configuration, path)
    _check_text(configuration, path, text)
    write_text(path, text)


def is_export(text: str) -> bool:
    """Whether a text is an exported configuration, TOML or JSON."""
    try:
        table = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return "tuner_export" in table


def _check_text(configuration: Configuration, path: Path, text: str) -> None:
    """Makes sure that a text reads back as the configuration that it was made from.

    Raises:
        BundleError: It does not: it is not UTF-8, TOML or JSON, or something in it differs.
    """
    folder = path.absolute().parent
    try:
        text.encode()
        table = _parsed(path, text)
        Configuration.from_dict(table, folder=folder, where=path.name)
        table.pop("about", None)
        if table == configuration.to_dict(folder):
            return
        problem = "it would read back as another configuration"
    except (ValueError, SpecError) as exc:
        problem = str(exc)
    raise BundleError(f"cannot write {path}: {one_line(problem)}; nothing was written")


def as_toml(configuration: Configuration, path: Path) -> str:
    """Returns the TOML text of ``configuration`` for a file at ``path``."""
    import tomli_w

    head = "".join(f"# {one_line(line)}\n" for line in about(configuration, path))
    return head + "\n" + tomli_w.dumps(configuration.to_dict(path.absolute().parent))


def as_json(configuration: Configuration, path: Path) -> str:
    """Returns the JSON text of ``configuration`` for a file at ``path``; ``about`` comes first."""
    table = {"about": " ".join(one_line(line).strip() for line in about(configuration, path))}
    table |= configuration.to_dict(path.absolute().parent)
    return json.dumps(table, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def about(configuration: Configuration, path: Path) -> list[str]:
    """Returns what the file is, and the next command."""
    value = configuration.value
    scored = ""
    if value is not None:
        scored = f": {configuration.metric} {figure(value)} {scored_on(configuration.folds)} "
        steps = count_plain(configuration.epochs, step_word(configuration.model))
        if (confirmed := configuration.confirmed) is not None:
            scored += f"in the search, {confirmed.words()}, where {steps} were best"
        else:
            scored += f"after {steps}"
    elif configuration.trial is not None:
        scored = f", which was {ADDED}: its value was not measured here"
    code = configuration.own_code
    runs = [f"It names code, {' and '.join(code)}, which the command runs."] if code else []
    return [
        f"A configuration that tuner exported from {origin(configuration)}{scored}.",
        "Next: train it on everything but the test split, and write the model bundle:",
        f"    tuner train {shlex.quote(path.name)} -o model/",
        *runs,
    ]


def origin(configuration: Configuration) -> str:
    """Returns the study and the trial that the configuration comes from."""
    study, trial = configuration.study, configuration.trial
    return f"study {study}" if trial is None else f"study {study}, trial {trial}"


def read(path: Path) -> Configuration:
    """Reads what :func:`write` wrote, or a person changed.

    Raises:
        SpecError: There is no such file, it is not TOML or JSON, or it breaks a rule.
    """
    table = _load(path)
    return Configuration.from_dict(table, folder=path.absolute().parent, where=str(path))


def _load(path: Path) -> dict[str, Any]:
    if path.suffix.lower() not in (".toml", ".json"):
        raise SpecError(
            f"{path}: an exported configuration ends in .toml or .json; "
            "write one with `tuner export STUDY -o best.toml`"
        )
    if exists(path) and not (is_file(path) or path.is_dir()):  # reading a pipe may block for ever
        raise SpecError(f"{path} is no regular file; write one with `tuner export STUDY -o {path}`")
    try:
        table = _parsed(path, path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as exc:
        raise SpecError(
            f"{path} does not exist; write it with `tuner export STUDY -o {path}`"
        ) from exc
    except OSError as exc:
        raise SpecError(f"{path} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise SpecError(f"{path} is not text in UTF-8: byte {exc.start}; export it again") from exc
    except json.JSONDecodeError as exc:
        raise SpecError(
            f"{path}:{exc.lineno}:{exc.colno} is not JSON: {exc.msg}; correct it or export it again"
        ) from exc
    except tomllib.TOMLDecodeError as exc:
        raise SpecError(f"{path} is not TOML: {exc}; correct it or export it again") from exc
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits, deep nesting
        raise SpecError(f"{path} cannot be read: {exc}; export it again") from exc
    if not isinstance(table, dict):
        raise SpecError(f"{path} is not an exported configuration: it holds no table of keys")
    return table


def _parsed(path: Path, text: str) -> Any:
    """Parses the text of a file as TOML or JSON, as its suffix says."""
    return tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """Writes ``text`` to ``path`` in one step: the whole file or nothing.

    Args:
        path: The file.
        text: All of it, or its parts in order.

    Raises:
        RequestError: The folder is not there.
        BundleError: The folder is read-only, or the disk is full.
    """
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines([text] if isinstance(text, str) else text)
        temporary.chmod(0o644)  # mkstemp gives the file to its owner alone
        temporary.replace(path)
        temporary = None
    except OSError as exc:
        raise cannot_write(path, exc) from exc
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def cannot_write(path: Path, exc: OSError) -> TunerError:
    """Returns the error for a file or folder that cannot be written, with what to do.

    That a file's folder does not exist, or that a folder has its name, is a wrong request.
    """
    why = exc.strerror or str(exc)
    full = exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    cure = "make room there, or choose" if full else "choose"
    kind = RequestError if exc.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR) else BundleError
    return kind(
        f"cannot write {path}: {why}; nothing was left behind: {cure} another place with -o"
    )
