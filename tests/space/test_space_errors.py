"""Errors for wrong search spaces."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Table, anything, spaces

from tuner.errors import SpecError
from tuner.space import SearchSpace


def parameter(lines: str, others: str = "") -> str:
    return f"[a]\n{lines}\n{others}"


INT = 'type = "int"\nlow = 1\nhigh = 4'
FLOAT = 'type = "float"\nlow = 0.0\nhigh = 1.0'
WORDS = 'type = "categorical"\nchoices = ["x", "yes"]'


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", r"^net\.toml: a search space needs at least one parameter; write .*\[units\]"),
        ("a = 3", r"^net\.toml: a: a parameter is a table, but got 3; write \[a\] and below"),
        ('["learning rate"]\n' + INT, r'"learning rate": a parameter\'s name is made of letters'),
        ("[1st]\n" + INT, r"1st: a parameter's name .* starts with no digit"),
        (parameter("low = 1\nhigh = 2"), r'a\.type: is missing; write type = "int"'),
        (parameter("choices = [1]"), r'a\.type: is missing; write type = "categorical"'),
        (
            parameter('type = "integer"\nlow = 1\nhigh = 2'),
            r'a\.type: must be "int", "float" or "categorical", but got "integer"; did you mean',
        ),
        (parameter("type = 3"), r'a\.type: must be "int", .* but got 3; the types are: int'),
        (parameter(INT + "\nhihg = 3"), r"a\.hihg: unknown key; did you mean high\?"),
        (parameter(INT + "\nwhatever = 3"), r"a\.whatever: unknown key; the keys are: type, low"),
        (parameter(INT + "\nchoices = [1]"), r'a\.choices: does not go with type = "int", only'),
        (parameter(WORDS + "\nlow = 1"), r'a\.low: does not go with type = "categorical", only'),
        (parameter('type = "int"\nlow = 1'), r'a\.high: is missing, and type = "int" needs it'),
        (parameter('type = "categorical"'), r"a\.choices: is missing, .* write choices = \[…\]"),
        (parameter('type = "int"\nlow = "1"\nhigh = 2'), r'a\.low: must be a number, but got "1"'),
        (parameter('type = "int"\nlow = true\nhigh = 2'), r"a\.low: .* got true, a boolean"),
        (
            parameter('type = "int"\nlow = 1.5\nhigh = 2'),
            r'a\.low: must be a whole number because .* got 1\.5; write low = 2 or type = "float"',
        ),
        (parameter('type = "int"\nlow = 1\nhigh = 1e400'), r"a\.high: must be a finite number"),
        (parameter('type = "float"\nlow = nan\nhigh = 1'), r"a\.low: must be a finite .* got nan"),
        (parameter(f'type = "int"\nlow = 0\nhigh = {2**60}'), r"a\.high: must lie within ±2\^53"),
        (
            parameter('type = "float"\nlow = -1.7e308\nhigh = 1.7e308'),
            r"a\.high: high - low must be a finite number",
        ),
        (
            parameter('type = "int"\nlow = 512\nhigh = 4'),
            r"a\.low: low <= high must hold, but low = 512 and high = 4; write low = 4 and high",
        ),
        (
            parameter(FLOAT + "\nlog = true"),
            r"a\.low: low > 0 must hold with log = true, but low = 0\.0; write a small number",
        ),
        (
            parameter('type = "int"\nlow = 0\nhigh = 4\nlog = true'),
            r"a\.low: low > 0 must hold with log = true, but low = 0; write 1, or remove log",
        ),
        (parameter(INT + "\nlog = 1"), r"a\.log: must be true or false, but got 1"),
        (
            parameter('type = "int"\nlow = 1\nhigh = 5\nlog = true\nstep = 2'),
            r"a\.step: a step does not go with log = true, but step = 2; remove one of them",
        ),
        (parameter(INT + "\nstep = 0"), r"a\.step: must be above 0, but got 0"),
        (parameter(FLOAT + "\nstep = -0.5"), r"a\.step: must be above 0, but got -0\.5"),
        (parameter(FLOAT + "\nstep = 1e-9"), r"a\.step: at most 1,000,000 steps fit"),
        (
            parameter(INT + "\nstep = 2"),
            r"a\.step: high must be low plus a multiple of step.* write high = 3 or high = 5",
        ),
        (
            parameter(FLOAT + "\nstep = 0.3"),
            r"a\.step: high must be low plus .* write high = 0\.9 or high = 1\.2",
        ),
        (parameter('type = "categorical"\nchoices = []'), r"a\.choices: is empty; write at least"),
        (
            parameter('type = "categorical"\nchoices = "relu"'),
            r'a\.choices: must be a list, but got "relu"; write \["relu", …\]',
        ),
        (
            parameter('type = "categorical"\nchoices = ["x", "y", "x"]'),
            r'a\.choices: has "x" twice; each value may occur once',
        ),
        (
            parameter('type = "categorical"\nchoices = [1, true]'),
            r"a\.choices: has true twice \(Optuna takes 1 for it\)",
        ),
        (
            parameter('type = "categorical"\nchoices = [[1, 2]]'),
            r"a\.choices: takes strings, numbers and booleans, but got \[1, 2\], a list",
        ),
        (parameter('type = "categorical"\nchoices = [2026-01-01]'), r"got 2026-01-01, a date;"),
        (parameter('type = "categorical"\nchoices = [inf]'), r"a\.choices: must be a finite"),
        (
            parameter(FLOAT + '\nrepeat = "n_layer"', "[n_layers]\n" + INT),
            r'a\.repeat: no parameter "n_layer"; did you mean n_layers\?',
        ),
        (
            parameter(FLOAT + '\nrepeat = "q"', "[n_layers]\n" + INT),
            r'a\.repeat: no parameter "q"; the int parameters are: n_layers',
        ),
        (
            parameter(FLOAT + '\nrepeat = "n"', "[n]\n" + WORDS),
            r"a\.repeat: must name an int parameter, but n is categorical; there are no int",
        ),
        (
            parameter(INT + '\nrepeat = "b"', f'[b]\n{INT}\nrepeat = "c"\n[c]\n{INT}'),
            r"a\.repeat: must name a parameter with one value, but b is itself repeated; the int",
        ),
        (parameter(INT + "\nrepeat = 3"), r"a\.repeat: must be the name of an int .* but got 3"),
        (
            parameter(INT + '\nrepeat = "b"', '[b]\ntype = "int"\nlow = -1\nhigh = 2'),
            r"a\.repeat: nothing can be repeated -1 times, which b permits; write low = 0 or",
        ),
        (
            parameter(INT + '\nrepeat = "b"', '[b]\ntype = "int"\nlow = 1\nhigh = 5000'),
            r"a\.repeat: at most 1000 repetitions, but b goes up to 5000",
        ),
        (parameter(INT + "\nwhen = 3"), r"a\.when: must be a table of parameters and .* got 3"),
        (
            parameter(INT + '\nwhen = { optimiser = ["x"] }', "[optimizer]\n" + WORDS),
            r'a\.when\.optimiser: no parameter "optimiser"; did you mean optimizer\?',
        ),
        (
            parameter(INT + '\nwhen = { b = ["x", "yess"] }', "[b]\n" + WORDS),
            r'a\.when\.b: b never is "yess": it must be "x" or "yes"; did you mean yes\?',
        ),
        (
            parameter(INT + "\nwhen = { b = 5 }", "[b]\n" + INT),
            r"a\.when\.b: b never is 5: it must lie between 1 and 4",
        ),
        (parameter(INT + "\nwhen = { b = [] }", "[b]\n" + INT), r"a\.when\.b: is empty"),
        (
            parameter(INT + "\nwhen = { b = 0.5 }", "[b]\n" + FLOAT),
            r"a\.when\.b: must name a categorical or int parameter, but b is float",
        ),
        (
            parameter(INT + "\nwhen = { b = 1 }", f'[b]\n{INT}\nrepeat = "c"\n[c]\n{INT}'),
            r"a\.when\.b: must name a parameter with one value, but b is repeated",
        ),
        (
            parameter(INT + "\nwhen = { b = 1 }", f"[b]\n{INT}\nwhen = {{ c = 1 }}\n[c]\n{INT}\n")
            + "when = { a = 1 }",
            r"a: parameters must not wait for each other in a circle, but a → b → c → a;",
        ),
        (
            parameter(INT + "\nwhen = { a = 1 }"),
            r"a: parameters must not wait for each other in a circle, but a → a; remove",
        ),
        (
            parameter(INT + '\nrepeat = "b"', f"[b]\n{INT}\n[a_2]\n{INT}"),
            r"a_2: \[a_2\] and \[a\] both make a parameter a_2 \(repeat numbers them from 1\)",
        ),
    ],
)
def test_wrong_space_is_refused(text: str, match: str) -> None:
    with pytest.raises(SpecError, match=match) as caught:
        SearchSpace.parse(tomllib.loads(text), "net.toml")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("net.toml: ")


def test_an_inline_space_is_named_by_its_key() -> None:
    with pytest.raises(SpecError, match=r"^wine\.toml: search_space\.units\.low: is missing"):
        SearchSpace.parse({"units": {"type": "int", "high": 3}}, "wine.toml", "search_space")


@given(spaces(), st.data())
def test_any_table_is_a_space_or_an_error_of_one_line(table: Table, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(table)))
    keys = ["type", "low", "high", "step", "log", "choices", "repeat", "when", "q\n"]
    table[name] = table[name] | {data.draw(st.sampled_from(keys)): data.draw(anything)}
    message = ""
    try:
        parsed = SearchSpace.parse(table, "a")
        assert SearchSpace.parse(parsed.to_dict(), "a") == parsed
    except SpecError as error:
        message = str(error)
    assert "\n" not in message
