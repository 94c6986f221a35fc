from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.data.raised import described


def raised(run: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any, that is the point
        run()
    return caught.value


def run_file(folder: Path, code: str, name: str = "own.py") -> BaseException:
    """What a file raises when it is run."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code)
    return raised(lambda: exec(compile(code, str(file), "exec"), {"__name__": "own"}))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("{}['lr']", "KeyError: 'lr' (own.py, line 1)"),
        ("\n\nraise ValueError", "ValueError: no message (own.py, line 3)"),
        ("raise ValueError('a\\nb\\n\\tc')", "ValueError: a b c (own.py, line 1)"),
        (
            "raise ValueError('\\x1b[1mbold\\x1b[0m \\x1b]0;x\\x07')",
            r"ValueError: bold \x1b]0;x\x07 (",
        ),
        ("raise ValueError('x' * 5000)", f"ValueError: {'x' * 399}… (own.py, line 1)"),
        ("import json\njson.loads('{')", "JSONDecodeError: Expecting property name"),
        ("import json\njson.loads('{')", "(own.py, line 2)"),
        ("import sys\nsys.exit(3)", "SystemExit: 3 (own.py, line 2)"),
        (
            "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd",
            "Odd: no message (own.py, line 4)",
        ),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: no message (own.py, line 1)"),
    ],
)
def test_described_is_one_line_with_file_and_line(tmp_path: Path, code: str, expected: str) -> None:
    text = described(run_file(tmp_path, code), tmp_path)
    assert expected in text
    assert "\n" not in text
    assert "\x1b" not in text


def test_a_syntax_error_names_its_line_once(tmp_path: Path) -> None:
    code = "x = 1\ndef f(:\n"
    error = raised(lambda: compile(code, str(tmp_path / "own.py"), "exec"))
    assert described(error, tmp_path) == "SyntaxError: invalid syntax (own.py, line 2)"


def test_deepest_line_of_the_users_own_code_is_named(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import json\n\ndef load(text):\n    json.loads(text)\n")
    (tmp_path / "env" / "site-packages").mkdir(parents=True)
    sys.path.insert(0, str(tmp_path))
    try:
        error = run_file(tmp_path, "import helper\nhelper.load('{')")
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("helper", None)
    assert described(error, tmp_path).endswith("(helper.py, line 4)")
    # From another folder the same file is named in full.
    assert described(error, tmp_path / "env").endswith(f"({tmp_path}/helper.py, line 4)")


def test_no_line_of_a_library_or_a_generated_file_is_named(tmp_path: Path) -> None:
    for name in ("env/site-packages/lib.py", "__autograph_generated_file1.py"):
        text = described(run_file(tmp_path, "1 / 0", name), tmp_path)
        assert text.startswith("ZeroDivisionError: division by zero")
        assert Path(name).name not in text
    assert described(ValueError("never raised"), tmp_path) == "ValueError: never raised"


def test_text_that_libraries_add_is_left_out(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("\n" * 9)
    place = f'File "{own}", line 7, in bad'
    keras = "Exception encountered when calling Bad.call(). boom\n\nArguments received by Bad: …"
    texts = {
        f"in user code:\n\n    {place}  *\n        z.x\n\n    ValueError: 'z' is not there\n": (
            "ValueError: 'z' is not there (own.py, line 7)"
        ),
        "{{function_node f}} KeyError: 'a'\nTraceback (most recent call last):\n\n"
        f"  {place}\n    x\n\n\t [[{{{{node PyFunc}}}}]] [Op:IteratorGetNext] name: ": (
            "ValueError: KeyError: 'a' (own.py, line 7)"
        ),
        keras: "ValueError: Exception encountered when calling Bad.call(). boom",
        "X could not be deserialized. config={}.\n\nException encountered: Could not locate class "
        "'Mine'.\n\nFull object config: {'a': 1}": "ValueError: Could not locate class 'Mine'",
    }
    for text, expected in texts.items():
        assert described(ValueError(text), tmp_path) == expected
