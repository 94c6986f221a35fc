"""Looks for a user's function in its source, without importing the module.

A module of a network imports Keras, which takes seconds; a misspelt name is found in
milliseconds. What the source alone does not show is left to the import.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from tuner.data.importing import check_form, check_room, not_found
from tuner.data.raised import described, is_own, short
from tuner.errors import DataError, RequestError
from tuner.wording import hint

_DYNAMIC = re.compile(r"\b(__getattr__|globals|locals|exec|setattr)\b|^from\s.*\bimport\s+\*", re.M)
"""Names may appear in such a module that its source does not show."""
_IMPORTS = (ast.Import, ast.ImportFrom)


def check_function(
    reference: str,
    base: Path,
    error: type[RequestError] = DataError,
    *,
    arguments: Sequence[str] = (),
    elsewhere: bool = False,
) -> None:
    """Makes sure that ``"module:function"`` is there and takes as many arguments as it is given.

    Args:
        reference: ``"my_module:build_model"``.
        base: Folder of the study file, looked in first.
        error: Class of the error to raise.
        arguments: Names of the arguments that it is called with, for the text.
        elsewhere: Whether it runs on other machines, so that the module and what it imports need
            not be here.

    Raises:
        RequestError: Of class ``error``, with the words that the import would have had.
    """
    check_form(reference, error)
    module, _, function = reference.partition(":")
    base = base.resolve()
    top = module.partition(".")[0]
    loaded = getattr(sys.modules.get(top), "__file__", None)
    if loaded is None or not is_own(Path(loaded)):  # a worker has not loaded what a script has
        check_room(top, base, reference, error)
    found, missing = _find(module, base)
    if found is None:
        if elsewhere:
            return
        raise error(not_found(reference, missing, base))
    if not found.origin or not found.origin.endswith(".py"):
        return  # built in, compiled, or a namespace
    file = Path(found.origin)
    try:
        text = file.read_bytes()
        tree = ast.parse(text, str(file))
    except (SyntaxError, ValueError) as exc:
        raise error(f'"{reference}" raised {described(exc, base)}') from exc
    except (OSError, RecursionError):
        return
    source = text.decode(errors="replace")
    if not elsewhere and "sys.path" not in source:
        _check_imports(tree, file, base, reference, error)
    names = dict(_defined(tree.body))
    if function not in names:
        if _DYNAMIC.search(source):
            return
        others = [name for name, node in names.items() if not isinstance(node, _IMPORTS)]
        raise error(
            f'"{reference}": {short(file, base)} has no function "{function}"; '
            f"{hint(function, others, 'functions')}"
        )
    node = names[function]
    if isinstance(node, ast.FunctionDef) and not _accepts(node, len(arguments)):
        given = f"with {len(arguments)} arguments" if arguments else "without arguments"
        raise error(
            f'"{reference}": {function}({ast.unparse(node.args)}) is called {given} '
            f"({short(file, base)}, line {node.lineno}); write "
            f"def {function}({', '.join(arguments)})"
        )


def derives_from(reference: str, base: Path, parent: str) -> bool:
    """Returns whether ``"module:Class"`` is a class that derives from one of a name.

    Only sources are read: a base class must have the name ``parent``, or be a class of which the
    same holds, in the same module or in one that it is imported from. What cannot be seen there
    counts as no.

    Args:
        reference: ``"my_module:MyLearner"``.
        base: Folder of the study file, looked in first.
        parent: Such as ``"Learner"``.
    """
    base = base.resolve()
    open_ends, seen = [reference], set[str]()
    while open_ends:
        reference = open_ends.pop()
        if reference in seen:
            continue
        seen.add(reference)
        module, _, name = reference.partition(":")
        match _statements(module, base).get(name):
            case ast.ClassDef(bases=bases):
                names = [ast.unparse(one).rpartition(".")[2] for one in bases]
                if parent in names:
                    return True
                open_ends += [f"{module}:{one}" for one in names]
            case ast.ImportFrom(module=str(other), names=aliases, level=0):
                given = {alias.asname or alias.name: alias.name for alias in aliases}
                open_ends.append(f"{other}:{given[name]}")
    return False


def _statements(module: str, base: Path) -> dict[str, ast.stmt]:
    """Returns the names that a module's source binds at its top; none if it cannot be read."""
    try:
        found, _ = _find(module, base)
        if found is None or not found.origin or not found.origin.endswith(".py"):
            return {}
        return dict(_defined(ast.parse(Path(found.origin).read_bytes()).body))
    except (OSError, ValueError, RecursionError, SyntaxError):
        return {}


def _find(module: str, base: Path) -> tuple[ModuleSpec | None, str]:
    """Returns where a module is, or None and the first part of its name that is not there."""
    importlib.invalidate_caches()
    top, *parts = module.split(".")
    own = PathFinder.find_spec(top, [str(base)])
    if own is None and module in sys.modules:
        return ModuleSpec(module, None), module  # os.path has no file of its own
    spec = own or _installed(top)
    name = top
    for part in parts:
        if spec is None:
            break
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations or ()))
    return spec, name


def _installed(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except ValueError:  # loaded, but without a record of its file: __main__
        return ModuleSpec(top, None)


def _check_imports(
    tree: ast.Module, file: Path, base: Path, reference: str, error: type[RequestError]
) -> None:
    """Refuses a module that imports at its top, unconditionally, what is not installed."""
    for node in tree.body:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.modules and _find(top, base)[0] is None:
                raise error(
                    f"\"{reference}\" raised ModuleNotFoundError: No module named '{top}' "
                    f"({short(file, base)}, line {node.lineno})"
                )


def _defined(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Yields every name that statements bind at the top of a module, and the statement."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    yield (alias.asname or alias.name).partition(".")[0], node
            case _:
                for inner in ast.walk(node) if not _blocks(node) else ast.walk(_head(node)):
                    if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                        yield inner.id, node
                for block in _blocks(node):
                    yield from _defined(block)


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    """Returns the blocks of ``if``, ``try``, ``with`` and loops."""
    blocks = [getattr(node, field, []) for field in ("body", "orelse", "finalbody")]
    blocks += [case.body for case in getattr(node, "cases", [])]
    blocks += [handler.body for handler in getattr(node, "handlers", [])]
    return [block for block in blocks if isinstance(block, list) and block]


def _head(node: ast.AST) -> ast.AST:
    """Returns what binds names before a block: ``for NAME in``, ``with … as NAME``."""
    heads = [getattr(node, field, None) for field in ("target", "test")]
    heads += [item.optional_vars for item in getattr(node, "items", [])]
    return ast.Tuple([head for head in heads if isinstance(head, ast.expr)], ast.Load())


def _accepts(node: ast.FunctionDef, given: int) -> bool:
    """Returns whether a function can be called with that many positional arguments."""
    if node.decorator_list:  # it may be another function by then
        return True
    args = node.args
    positional = len(args.posonlyargs) + len(args.args)
    required = positional - len(args.defaults)
    keywords = sum(default is None for default in args.kw_defaults)
    return required <= given and (given <= positional or args.vararg is not None) and not keywords
