from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner.data.importing import import_function, user_code
from tuner.errors import DataError, ModelError


@pytest.fixture(autouse=True)
def clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def module(folder: Path, code: str, name: str = "own_module") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(code, encoding="utf-8")


def test_function_beside_the_study_is_imported(tmp_path: Path) -> None:
    module(tmp_path, "import own_neighbour\ndef f():\n    return own_neighbour.VALUE\n")
    module(tmp_path, "VALUE = 7\n", "own_neighbour")
    assert import_function("own_module:f", tmp_path)() == 7
    assert sys.path[0] == str(tmp_path.resolve())


def test_installed_function_is_imported(tmp_path: Path) -> None:
    assert import_function("os.path:join", tmp_path)("a", "b") == "a/b"


def test_two_studies_with_a_module_of_the_same_name(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        module(tmp_path / folder, f"def f():\n    return {folder!r}\n")
    assert import_function("own_module:f", tmp_path / "one")() == "one"
    assert import_function("own_module:f", tmp_path / "two")() == "two"
    assert import_function("own_module:f", tmp_path / "one")() == "one"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("own_module.load_data", 'not of the form "module:function"; write "own_module:load_data"'),
        ("own_module.py:load", 'not of the form "module:function"; write "own_module:load"'),
        ("./code/own.py:load", 'write "code.own:load"'),
        ("own module", 'write "my_module:my_function"'),
        ("own_modul:load", r'no module "own_modul" in .* nor .*; did you mean own_module\?'),
        ("own_module.sub:load", 'there is no module "own_module.sub"'),
        ("own_module:laod", r'own_module.py has no function "laod"; did you mean load\?'),
        ("own_module:SIZE", r'"SIZE" in own_module.py is int, not a function; write def SIZE'),
    ],
)
def test_a_wrong_reference_is_refused(tmp_path: Path, reference: str, words: str) -> None:
    module(tmp_path, "SIZE = 3\ndef load():\n    pass\n")
    with pytest.raises(DataError, match=words) as caught:
        import_function(reference, tmp_path)
    assert reference in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import math\nmath.sqrt(-1)\n", r"raised ValueError: .* \(own_module.py, line 2\)"),
        ("x = 1\ndef f(:\n", r"raised SyntaxError: .* \(own_module.py, line 2\)"),
        ("\nimport no_such_package\n", r"ModuleNotFoundError: No .*'no_such_package' \(own_.* 2\)"),
        ("import sys\nsys.exit(3)\n", r"raised SystemExit: 3 \(own_module.py, line 2\)"),
        ("raise RuntimeError\n", "raised RuntimeError: no message"),
    ],
)
def test_module_that_raises_is_one_line(tmp_path: Path, code: str, words: str) -> None:
    module(tmp_path, code)
    with pytest.raises(ModelError, match=words) as caught:
        import_function("own_module:f", tmp_path, ModelError)
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


def test_line_is_in_the_users_own_code(tmp_path: Path) -> None:
    module(tmp_path, "import json\n\ndef f():\n    return json.loads('{')\n")
    function = import_function("own_module:f", tmp_path)
    words = r'"own_module:f" raised JSONDecodeError: .* \(own_module.py, line 4\)'
    with pytest.raises(DataError, match=words), user_code("own_module:f", tmp_path):
        function()


def test_tuner_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^mine$"), user_code("m:f", tmp_path):
        raise ModelError("mine")


def test_name_of_a_standard_module_is_refused(tmp_path: Path) -> None:
    module(tmp_path, "def f():\n    pass\n", "json")
    with pytest.raises(DataError, match=r'the name "json" is taken by .*; rename json.py'):
        import_function("json:f", tmp_path)
