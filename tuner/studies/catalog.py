"""Finds studies and search spaces: a path as given, then the working directory, then shipped."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from tuner.errors import SpecError, UnknownNameError
from tuner.space import SearchSpace
from tuner.spec import StudySpec, apply_settings
from tuner.spec.paths import exists, expanded, is_link, shown, special_kind
from tuner.wording import hint, nearest, one_line, toml

_STUDIES, _SPACES = "studies", "search_spaces"
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def find_study(name_or_path: str, settings: Sequence[str] = ()) -> StudySpec:
    """Finds and reads a study.

    Args:
        name_or_path: A path when it ends in ``.toml`` or has a ``/``; otherwise a name, looked up
            as ``studies/NAME.toml`` and ``NAME.toml`` in the working directory, then among the
            shipped studies.
        settings: ``dotted.key=value`` that replace the file's values, as from ``--set``.

    Raises:
        UnknownNameError: There is none; the text offers the nearest.
        SpecError: The file cannot be read, or breaks a rule.
    """
    path = _study_path(name_or_path)
    where, base = shown(path), path.absolute().parent
    table = read_toml(path)
    if settings:
        if any(s.startswith("search_space.") for s in settings):
            table = _with_inline_space(table, base)
        table = apply_settings(table, settings, where)
        where = f"{where} (with settings)"
    return StudySpec.from_table(
        table, name=path.stem, base=base, where=where, load_space=find_space
    )


def locate(study: str) -> tuple[Path | None, str]:
    """Folder and name of a study; a name alone needs no file, and says nothing of the folder.

    A stored study may have ``/`` in its name: without ``.toml`` only a file that is there is meant.
    """
    if study.endswith(".toml") or ("/" in study and exists(Path(study))):
        spec = find_study(study)
        return spec.base, spec.name
    return None, study


def find_space(name_or_path: str, base: Path) -> SearchSpace:
    """Finds and reads a search space.

    Next to the study comes first, so that a study file means the same wherever it is run from.

    Args:
        name_or_path: A path when it ends in ``.toml`` or has a ``/``, seen from ``base``, then
            from the working directory; otherwise a name, looked up beside the study, in the
            working directory, then among the shipped spaces.
        base: Folder of the study file.

    Raises:
        UnknownNameError: There is none; the text offers the nearest.
        SpecError: The file cannot be read, or breaks a rule.
    """
    paths = list(_space_paths(name_or_path, base))
    for path in paths:
        # Elsewhere than in search_spaces/, a file of that name may well be the study itself.
        if exists(path) and (path.parent.name == _SPACES or not _is_study(path)):
            return SearchSpace.parse(read_toml(path), shown(path))
    if _is_path(name_or_path):
        names = _names(base / name_or_path, ".toml")
    else:
        names = [n for p in paths if p.parent.name == _SPACES for n in _names(p)]
    raise UnknownNameError(
        f"no search space {toml(name_or_path)}; "
        f"{hint(name_or_path, sorted(set(names)), 'search spaces')}"
    )


def shipped_studies() -> list[str]:
    """Returns the names of the studies that come with tuner, sorted."""
    return sorted(path.stem for path in _shipped(_STUDIES).glob("*.toml"))


def study_names() -> list[str]:
    """Returns every name that :func:`find_study` finds from here, sorted."""
    local = [path.stem for path in Path(_STUDIES).glob("*.toml")]
    loose = [path.stem for path in Path().glob("*.toml") if _is_study(path)]
    return sorted({*shipped_studies(), *local, *loose})


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        SpecError: It cannot be read or is not TOML; the text has file, line and column.
    """
    where = one_line(shown(path))
    try:
        if kind := special_kind(path):
            raise SpecError(f"{where}: is {kind}, not a regular file; write the study into one")
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        what = "is a link to a file that is not there" if is_link(path) else "does not exist"
        raise SpecError(f"{where}: {what}") from error
    except RecursionError as error:
        raise SpecError(f"{where}: not valid TOML: lists or tables nest too deeply") from error
    except OSError as error:
        raise SpecError(f"{where}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(
            f"{where}: line {line}: not UTF-8, which TOML must be; save the file as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{where}: {_syntax(str(error))}") from error


def _syntax(message: str) -> str:
    match = _POSITION.search(message)
    if match is None:
        return f"not valid TOML: {message}"
    at = f"line {match[1]}, column {match[2]}" if match[1] else "end of the file"
    return f"{at}: not valid TOML: {message[: match.start()]}"


def _with_inline_space(table: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Writes a named space out, so that a setting can reach into it."""
    space = table.get("search_space")
    if not isinstance(space, str):
        return dict(table)
    return {**table, "search_space": find_space(space, base).to_dict()}


def _is_path(text: str) -> bool:
    return text.endswith(".toml") or "/" in text or "\\" in text


def _study_path(name_or_path: str) -> Path:
    path = expanded(name_or_path)
    if _is_path(name_or_path):
        if exists(path) or is_link(path):
            return path
        near = hint(path.name, _names(path, ".toml"), f"files in {path.parent}")
        raise UnknownNameError(f"no study file {toml(name_or_path)}; {near}")
    file = f"{name_or_path}.toml"
    paths = (Path(_STUDIES, file), Path(file), _shipped(_STUDIES) / file)
    for is_there in (exists, is_link):  # a broken link hides no study behind it
        for path in paths:
            if is_there(path):
                return path
    if exists(Path(name_or_path)) and not Path(name_or_path).is_dir():
        raise UnknownNameError(
            f"{toml(name_or_path)} is no study file: the name of one ends in .toml"
        )
    meant = nearest(name_or_path, _names(Path(file), ".toml"))
    if meant and Path(name_or_path).suffix:
        raise UnknownNameError(f"no study {toml(name_or_path)}; did you mean {meant}?")
    near = hint(name_or_path, study_names(), "studies")
    raise UnknownNameError(
        f"no study {toml(name_or_path)}; {near}{'' if near.endswith('?') else '.'} "
        "`tuner studies` lists them, and a path such as ./my.toml names a study of your own"
    )


def _space_paths(name: str, base: Path) -> Iterator[Path]:
    if _is_path(name):
        path = expanded(name)
        yield from (base / path, path)
        return
    file = f"{name}.toml"
    yield from (base / _SPACES / file, base.parent / _SPACES / file, base / file)
    yield from (Path(_SPACES, file), Path(file), _shipped(_SPACES) / file)


def _is_study(path: Path) -> bool:
    """Returns whether a TOML file is a study: not a search space, an export or a pyproject.toml."""
    try:
        table = read_toml(path)
    except SpecError:
        return False
    return "search_space" in table and "objective" in table


def _names(beside: Path, suffix: str = "") -> list[str]:
    """Returns the TOML files in the folder of a path: their stems, with a suffix."""
    return sorted(path.stem + suffix for path in beside.parent.glob("*.toml"))


def _shipped(folder: str) -> Path:
    """Returns the package's folder of data files; an editable install has the checkout's."""
    package = Path(str(resources.files("tuner")))
    inside = package / "shipped" / folder
    return inside if inside.is_dir() else package.parent / folder
