"""The private names of Optuna that tuner uses are known, few, and there."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import keras
import optuna
import pytest
from optuna.pruners import HyperbandPruner
from optuna.samplers import TPESampler
from optuna.storages import GrpcStorageProxy
from optuna.trial import FrozenTrial

import tuner
from tuner.storage import optuna_private

PACKAGE = Path(tuner.__file__).parent
REPOSITORY = PACKAGE.parent
OWNER = "storage/optuna_private.py"
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
NAMES = optuna_private.NAMES

# Private names of the standard library, Keras, TensorFlow and scikit-learn.
OTHERS = {
    *("_call_flat", "_flatten_layers", "_initial_epoch", "_symbolic_build"),
    *("_exit", "_replace", "_bin_mapper"),
}


def parsed(file: str) -> ast.Module:
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_names(tree: ast.Module) -> Iterator[str]:
    """Every name that is defined in a module: functions, classes, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_only_one_module_imports_private_modules_of_optuna() -> None:
    private = [
        f"{file}: {name}"
        for file in FILES
        for name in imported(parsed(file))
        if file != OWNER
        and name.startswith("optuna.")
        and any(is_private(part) for part in name.split("."))
    ]
    assert private == []


@pytest.mark.slow
def test_private_attributes_of_optuna_are_those_that_are_named() -> None:
    trees = [parsed(file) for file in FILES]
    named = {name.partition(".")[2] for name in NAMES}
    own = {name for tree in trees for name in own_names(tree)} - named
    used = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_private(node.attr)
    }
    overridden = {name for tree in trees for name in own_names(tree)} & named
    assert used - own - OTHERS <= named
    assert named <= used | overridden, "no longer used: take it out of NAMES"


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_optuna_has_all_of_them_and_their_tests_exist() -> None:
    study = optuna.create_study()
    made = {
        "TPESampler": TPESampler(group=True),
        "HyperbandPruner": HyperbandPruner(),
        "Study": study,
        "GrpcStorageProxy": GrpcStorageProxy(),
        "Trial": study.ask(),
        "FrozenTrial": study.trials[0],
        "truncnorm": optuna_private.truncnorm,
    }
    classes = {
        "TPESampler": TPESampler,
        "HyperbandPruner": HyperbandPruner,
        "GrpcStorageProxy": GrpcStorageProxy,
        "FrozenTrial": FrozenTrial,
    }
    for name, test in NAMES.items():
        owner, _, attribute = name.partition(".")
        assert hasattr(made[owner.removesuffix("()")], attribute), name
        if owner in classes and not owner.endswith("()") and attribute != "_trial_id":
            assert hasattr(classes[owner], attribute), name
        assert (REPOSITORY / test).is_file(), test


def test_the_upper_bounds_are_those_that_were_tested() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    bounds = dict(line.split(">=") for line in project["project"]["dependencies"] if ">=" in line)
    for package, version in (("optuna", optuna.__version__), ("keras", keras.__version__)):
        major, minor = (int(part) for part in version.split(".")[:2])
        assert bounds[package].partition("<")[2] == f"{major}.{minor + 1}", package
