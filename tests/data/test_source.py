"""Functions that are looked for in their source: nothing is imported."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from tuner.data.source import check_function
from tuner.errors import DataError, ModelError

CODE = """
import keras
from os.path import join as joined

raise RuntimeError("imported")

SIZE, (WIDTH, *REST) = 3, (4, 5)
scale: float = 1.0

def load_data():
    pass

def build_model(params, data, units=3):
    hidden = 1

class Maker:
    def inside(self): ...

if SIZE > 2:
    def chosen(): ...
else:
    def other(): ...
try:
    import cupy as fast
except ImportError:
    fast = None
    def fallback(): ...
finally:
    def at_last(): ...
for index in range(3):
    last = index
with open(__file__) as handle:
    def within(): ...
match SIZE:
    case 3:
        def matched(): ...
if (walrus := SIZE):
    pass
"""


def module(folder: Path, code: str, name: str = "own_source") -> None:
    file = folder / f"{name}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")


@pytest.fixture(autouse=True)
def _nothing_is_imported() -> None:
    before = {name for name in sys.modules if name.startswith("own_")}
    yield
    assert {name for name in sys.modules if name.startswith("own_")} == before


@pytest.mark.parametrize(
    "name",
    [
        *("load_data", "Maker", "joined", "keras", "SIZE", "WIDTH", "REST", "scale", "chosen"),
        *("other", "fast", "fallback", "at_last", "index", "last", "handle", "within", "matched"),
        "walrus",
    ],
)
def test_every_name_at_the_top_of_a_module_is_found(tmp_path: Path, name: str) -> None:
    module(tmp_path, CODE)
    check_function(f"own_source:{name}", tmp_path)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (
            "own_source:laod_data",
            r'own_source\.py has no function "laod_data"; did you mean load_d',
        ),
        ("own_source:hidden", r'own_source\.py has no function "hidden"'),
        ("own_source:inside", r'own_source\.py has no function "inside"'),
        ("own_sourse:load_data", r'no module "own_sourse" in .*; did you mean own_source\?'),
        ("own_source.deep:load_data", r'there is no module "own_source\.deep"'),
        ("no_such_package.deep:load", r'there is no module "no_such_package"'),
        ("os.paht:join", r'there is no module "os\.paht"'),
        ("own source", 'not of the form "module:function"'),
        ("json:load", r'the name "json" is taken by .*; rename json\.py'),
    ],
)
def test_missing_module_or_function_is_refused(tmp_path: Path, reference: str, words: str) -> None:
    module(tmp_path, CODE)
    module(tmp_path, "", "json")
    with pytest.raises(ModelError, match=words):
        check_function(reference, tmp_path, ModelError)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1\ndef f(:\n", r"raised SyntaxError: invalid syntax \(own_source\.py, line 2\)$"),
        ("if 1:\nf = 1\n", r"raised IndentationError: .* \(own_source\.py, line 2\)$"),
        ("\0", r"raised (SyntaxError|ValueError): .*null bytes"),
        ("import nowhere_at_all\n", r"ModuleNotFoundError: No .* 'nowhere_at_all' \(own_.* 1\)"),
        (
            "from nowhere_at_all.x import y\n",
            r"No module named 'nowhere_at_all' \(own_.*, line 1\)",
        ),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused(tmp_path: Path, code: str, words: str) -> None:
    module(tmp_path, code)
    with pytest.raises(DataError, match=words):
        check_function("own_source:f", tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "from math import *\n",
        "def __getattr__(name): ...\n",
        "globals()['f'] = print\n",
        "exec('f = print')\n",
        "try:\n    import nowhere_at_all\nexcept ImportError:\n    pass\nf = 1\n",
        "import sys\nsys.path.append('/x')\nimport nowhere_at_all\nf = 1\n",
        "import own_neighbour\nf = own_neighbour.f\n",
        "import importlib.metadata\nimport os.path\nf = 1\n",
    ],
)
def test_check_leaves_dynamic_names_to_the_import(tmp_path: Path, code: str) -> None:
    module(tmp_path, code)
    module(tmp_path, "", "own_neighbour")
    check_function("own_source:f", tmp_path)


def test_packages_and_installed_modules_are_found(tmp_path: Path) -> None:
    module(tmp_path / "own_package" / "deep", "def f(): ...\n", "__init__")
    module(tmp_path / "own_package", "", "__init__")
    module(tmp_path / "own_package", "def g(): ...\n", "inner")
    for reference in ("own_package.deep:f", "own_package.inner:g", "os.path:join", "math:sqrt"):
        check_function(reference, tmp_path)
    with pytest.raises(DataError, match=r'own_package/inner\.py has no function "h"'):
        check_function("own_package.inner:h", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "is_accepted"),
    [
        ("params, data", True),
        ("params, data, units=3", True),
        ("*args", True),
        ("params, *rest, units=3, **more", True),
        ("params=None, data=None", True),
        ("params, /, data", True),
        ("", False),
        ("params", False),
        ("params, data, more", False),
        ("params, data, *, more", False),
    ],
)
def test_function_must_accept_its_arguments(
    tmp_path: Path, arguments: str, is_accepted: bool
) -> None:
    module(tmp_path, f"def f({arguments}): ...\n@print\ndef g({arguments}): ...\n")
    check_function("own_source:g", tmp_path, arguments=("params", "data"))  # print may change it
    if is_accepted:
        check_function("own_source:f", tmp_path, arguments=("params", "data"))
        return
    words = r"f\(.*\) is called with 2 arguments \(own_source\.py, line 1\); write def f\(params, d"
    with pytest.raises(DataError, match=words):
        check_function("own_source:f", tmp_path, arguments=("params", "data"))


def test_module_of_another_machine_may_be_missing(tmp_path: Path) -> None:
    module(tmp_path, "import nowhere_at_all\ndef f(): ...\n")
    check_function("nowhere_at_all:f", tmp_path, elsewhere=True)
    check_function("own_source:f", tmp_path, elsewhere=True)
    with pytest.raises(DataError, match='has no function "g"'):
        check_function("own_source:g", tmp_path, elsewhere=True)


def test_loaded_module_of_a_script_does_not_hide_the_studys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path / "script", "", "helpers_of_a_script")
    module(tmp_path / "study", "def f(): ...\n", "helpers_of_a_script")
    loaded = types.ModuleType("helpers_of_a_script")
    loaded.__file__ = str(tmp_path / "script" / "helpers_of_a_script.py")
    monkeypatch.setitem(sys.modules, "helpers_of_a_script", loaded)
    check_function("helpers_of_a_script:f", tmp_path / "study")
    with pytest.raises(
        DataError, match=r'has no function "g"; did you mean f|the functions are: f'
    ):
        check_function("helpers_of_a_script:g", tmp_path / "study")
