"""Imports point one way: a module imports only what stands above it in :data:`ORDER`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import tuner

# From what everything else stands on down to what people type. A package counts as one, and an
# import inside a function counts too. `tuner` itself offers all of it and imports none of it.
ORDER = (
    "errors",
    "wording",
    "units",
    "quiet",
    "scoring",
    "costs",
    "space",
    "spec",
    "data",
    "storage",
    "search",
    "learners",
    "trials",
    "studies",
    "workers",
    "service",
    "results",
    "bundle",
    "automl",
    "dashboard",
    "api",
    "cli",
)

# TensorFlow takes seconds and half a gigabyte to import: only these may, in functions.
HEAVY = ("data/sets/fetching.py", "learners/keras/")

PACKAGE = Path(tuner.__file__).parent
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def part(file: str) -> str:
    """The entry of ORDER that a file belongs to."""
    return file.split("/")[0].removesuffix(".py")


def imported(file: str) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, wherever in it, and the line."""
    for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"tuner/{file}, line {node.lineno}: a relative import"
            assert node.module is not None
            if node.module == "tuner":
                for alias in node.names:
                    yield f"tuner.{alias.name}", node.lineno
            else:
                yield node.module, node.lineno


def test_the_order_names_every_module_once() -> None:
    assert len(set(ORDER)) == len(ORDER)
    assert {part(file) for file in FILES} - {"__init__"} == set(ORDER)


def test_no_two_modules_have_one_name() -> None:
    tests = Path(__file__).parent
    for files in (PACKAGE.rglob("*.py"), tests.rglob("*.py")):
        names = Counter(path.name for path in files)
        del names["__init__.py"], names["conftest.py"]
        assert [name for name, count in names.items() if count > 1] == []


def test_imports_point_one_way() -> None:
    wrong = []
    for file in FILES:
        if file == "__init__.py":
            continue
        for module, line in imported(file):
            package, _, inner = module.partition(".")
            other = inner.partition(".")[0]
            if package != "tuner" or inner == "__version__":
                continue
            if ORDER.index(other) > ORDER.index(part(file)):
                wrong.append(f"tuner/{file}, line {line}: {part(file)} stands above {module}")
    assert not wrong, "\n".join(wrong)


def test_only_some_modules_name_tensorflow() -> None:
    wrong = [
        f"tuner/{file}, line {line}: imports {module}"
        for file in FILES
        for module, line in imported(file)
        if module.partition(".")[0] in ("tensorflow", "keras") and not file.startswith(HEAVY)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_package_imports_tensorflow_when_it_is_itself_imported() -> None:
    modules = [f"tuner.{name}" for name in ORDER]
    code = f"import sys, {', '.join(modules)}\nprint(*{{'tensorflow', 'keras'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_import_of_tuner_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import tuner; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {n for n in done.stdout.split() if n.partition(".")[0] not in sys.stdlib_module_names}
    assert ours == {"tuner"}
