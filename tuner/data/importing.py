"""Finds and runs a user's own code: ``"module:function"``, beside the study file.

No error in it ends in a traceback: one line names the reference, the error, the file and the line
in the user's own code; the exception itself stays chained to it.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tuner.data.raised import described, short
from tuner.errors import DataError, RequestError, TunerError
from tuner.wording import hint, toml

_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_from_studies: set[str] = set()  # top-level modules that were imported from a study's folder


def import_function(
    reference: str, base: Path, error: type[RequestError] = DataError
) -> Callable[..., Any]:
    """Imports ``"module:function"``, the study's folder first.

    Args:
        reference: ``"my_module:build_model"`` or ``"package.module:function"``.
        base: Folder of the study file; stays first on ``sys.path``, so that the code can import its
            neighbours later, too.
        error: Class of the error to raise: `DataError` for data, ``ModelError`` for models.

    Returns:
        The function, not called.

    Raises:
        RequestError: Of class ``error``: the reference is not of that form, the module or the
            function is not there, it cannot be called, or the module raises when imported.
    """
    check_form(reference, error)
    module_name, _, function_name = reference.partition(":")
    base = base.resolve()
    module = _import(module_name, base, reference, error)
    if not hasattr(module, function_name):
        names = [name for name, value in vars(module).items() if callable(value)]
        raise error(
            f'"{reference}": {_file_of(module, base)} has no function "{function_name}"; '
            f"{hint(function_name, names, 'functions')}"
        )
    function = getattr(module, function_name)
    if not callable(function):
        raise error(
            f'"{reference}": "{function_name}" in {_file_of(module, base)} is '
            f"{type(function).__name__}, not a function; write def {function_name}(…)"
        )
    return function  # type: ignore[no-any-return]


def import_file(file: Path, error: type[RequestError] = DataError) -> ModuleType:
    """Imports a Python file that the user names, as the module of its name.

    Args:
        file: Such as ``my_network.py``; its folder becomes the first of ``sys.path``, so that the
            code can import its neighbours.
        error: Class of the error to raise.

    Returns:
        The module.

    Raises:
        RequestError: Of class ``error``: there is no such file, its name is not that of a module,
            or it raises when imported.
    """
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise error(f"{file} is not a Python module; name a file such as my_network.py")
    if not file.is_file():
        raise error(f"there is no file {file}")
    return _import(file.stem, file.resolve().parent, str(file), error)


def _import(module_name: str, base: Path, reference: str, error: type[RequestError]) -> ModuleType:
    """Imports a module, the (resolved) folder ``base`` first."""
    _make_room(module_name.partition(".")[0], base, reference, error)
    sys.path[:] = [str(base), *(folder for folder in sys.path if folder != str(base))]
    importlib.invalidate_caches()
    try:
        with user_code(reference, base, error):
            return importlib.import_module(module_name)
    except RequestError as exc:
        missing = exc.__cause__
        # Only when the module itself is missing; user_code has reported what it fails to import.
        missing_name = getattr(missing, "name", None) or "?"
        if isinstance(missing, ModuleNotFoundError) and f"{module_name}.".startswith(
            f"{missing_name}."
        ):
            raise error(not_found(reference, missing_name, base)) from missing
        raise


@contextmanager
def user_code(reference: str, base: Path, error: type[RequestError] = DataError) -> Iterator[None]:
    """Turns whatever a user's own code raises into one line; our own errors pass unchanged.

    Args:
        reference: The ``"module:function"`` that runs, for the text.
        base: Folder of the study file: the last line of code in there is the one that is named.
        error: Class of the error to raise.

    Raises:
        RequestError: Of class ``error``, from the original exception.
    """
    try:
        yield
    except TunerError:
        raise
    except (Exception, SystemExit) as exc:
        raise error(f'"{reference}" raised {described(exc, base)}') from exc


def check_form(reference: str, error: type[RequestError]) -> None:
    """Refuses what is not of the form ``"module:function"``.

    Raises:
        RequestError: Of class ``error``; the text says what to write instead.
    """
    if not _REFERENCE.fullmatch(reference) or ".py:" in reference:
        raise error(f'{toml(reference)} is not of the form "module:function"{_better(reference)}')


def check_room(top: str, base: Path, reference: str, error: type[RequestError]) -> bool:
    """Makes sure that the top-level module ``top`` can be imported from ``base``.

    Returns:
        Whether a module of that name that was imported for another study must go first.

    Raises:
        RequestError: Of class ``error``: it is there, but Python or a package has its name.
    """
    loaded = sys.modules.get(top)
    here = _lies_in(base, top)
    if here is None or loaded is None:
        return False
    files = [getattr(loaded, "__file__", None), *getattr(loaded, "__path__", ())]
    if any(file and Path(file).resolve().is_relative_to(base) for file in files):
        return False
    if top not in _from_studies:
        raise error(
            f'"{reference}": the name "{top}" is taken by a module of Python or of a package '
            f"({files[0] or 'built in'}); rename {here.name}"
        )
    return True


def _make_room(top: str, base: Path, reference: str, error: type[RequestError]) -> None:
    """Lets ``top`` be imported from ``base`` although another module of that name is loaded.

    One worker serves studies of several folders, and each may have its ``my_data.py``.
    """
    if not check_room(top, base, reference, error):
        if top not in sys.modules and _lies_in(base, top):
            _from_studies.add(top)
        return
    for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
        del sys.modules[name]


def _lies_in(base: Path, top: str) -> Path | None:
    """Returns the file or folder of that module in the study's folder."""
    return next((path for path in (base / f"{top}.py", base / top) if path.exists()), None)


def _better(reference: str) -> str:
    """Returns what to write instead of a malformed reference, where that can be guessed."""
    module, _, function = reference.replace(".py:", ":").partition(":")
    module = module.strip("./\\ ").replace("/", ".").replace("\\", ".")
    if not function and "." in module:
        module, _, function = module.removesuffix(".py").rpartition(".")
    guess = f"{module}:{function.strip()}"
    if not _REFERENCE.fullmatch(guess):
        guess = "my_module:my_function"
    return f'; write "{guess}"'


def not_found(reference: str, missing: str, base: Path) -> str:
    """Returns the text for a module that is nowhere."""
    neighbours = [path.stem for path in sorted(base.glob("*.py"))] if base.is_dir() else []
    last = missing.rpartition(".")[2]
    return (
        f'"{reference}": there is no module "{missing}" in {base} nor among the installed '
        f"packages; {hint(last, neighbours, 'modules in that folder')}"
    )


def _file_of(module: Any, base: Path) -> str:
    """Returns a module's file as people know it."""
    file = getattr(module, "__file__", None)
    return module.__name__ if file is None else short(Path(file), base)
