"""Hypothesis strategies: tables of search spaces and of whole studies that obey every rule."""

from __future__ import annotations

import math
from typing import Any

import optuna
from hypothesis import strategies as st

from tuner.space import SearchSpace

Table = dict[str, Any]

_NAMES = ("alpha", "beta", "gamma", "delta", "depth", "n_layers", "width", "Rate_", "_x")
# Letters, what TOML and dotted keys give a meaning, a line break, and what is not ASCII. A short
# list, because hypothesis needs seconds to prepare all of Unicode.
_SIGNS = "abXYZ019_- .=:,[]{}#\"'\\\n\t…é한🎉"
_WORDS = st.text(_SIGNS, min_size=1, max_size=8)
_SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    _WORDS,
)


@st.composite
def ints(draw: st.DrawFn, least: int = -60) -> Table:
    log = draw(st.booleans())
    low = draw(st.integers(max(1, least) if log else least, 60))
    step = 1 if log else draw(st.integers(1, 5))
    table = {"type": "int", "low": low, "high": low + step * draw(st.integers(0, 40))}
    if step > 1 or draw(st.booleans()):
        table["step"] = step
    return table | ({"log": True} if log else {})


@st.composite
def floats(draw: st.DrawFn) -> Table:
    if draw(st.booleans()):  # on a grid, all three with few digits as people write them
        low, step = draw(st.integers(-500, 500)), draw(st.integers(1, 300))
        high = low + step * draw(st.integers(0, 50))
        return {"type": "float", "low": low / 100, "high": high / 100, "step": step / 100}
    log = draw(st.booleans())
    ends = st.floats(1e-9 if log else -1e9, 1e9)
    low, high = sorted((draw(ends), draw(ends)))
    return {"type": "float", "low": low, "high": high, "log": log}


@st.composite
def categoricals(draw: st.DrawFn) -> Table:
    choices = draw(st.lists(_SCALARS, min_size=1, max_size=5, unique_by=lambda v: v))
    return {"type": "categorical", "choices": choices}


def values_of(table: Table) -> list[Any]:
    """Returns the values that an int or a categorical can take."""
    if table["type"] == "categorical":
        return list(table["choices"])
    return list(range(table["low"], table["high"] + 1, table.get("step", 1)))


@st.composite
def spaces(draw: st.DrawFn) -> Table:
    """Tables of search spaces, with ``repeat`` and ``when`` on parents declared anywhere."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=7, unique=True))
    tables: dict[str, Table] = {}
    for name in names:
        table = draw(st.one_of(ints(), ints(least=0), floats(), categoricals()))
        single = {n: t for n, t in tables.items() if "repeat" not in t}
        counts = [
            n for n, t in single.items() if t["type"] == "int" and 0 <= t["low"] <= t["high"] <= 6
        ]
        if draw(st.booleans()) and table["type"] == "int" and table["low"] >= 0:
            table = {"type": "int", "low": table["low"] % 3, "high": draw(st.integers(2, 4))}
        if counts and draw(st.booleans()):
            table["repeat"] = draw(st.sampled_from(counts))
        parents = [n for n, t in single.items() if t["type"] != "float"]
        if parents and draw(st.booleans()):
            chosen = draw(st.lists(st.sampled_from(parents), max_size=2, unique=True))
            table["when"] = {
                n: draw(
                    st.lists(
                        st.sampled_from(values_of(tables[n])), min_size=1, max_size=3, unique=True
                    )
                )
                for n in chosen
            }
        tables[name] = table
    return {name: tables[name] for name in draw(st.permutations(names))}


def suggested(space: SearchSpace, seed: int) -> dict[str, Any]:
    """Returns a configuration that Optuna's random sampler suggests in the space."""
    sampler = optuna.samplers.RandomSampler(seed=seed)
    return space.suggest(optuna.create_study(sampler=sampler).ask())


_PLAIN = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=3)
    ),
    max_leaves=5,
)
_DURATIONS = st.one_of(
    st.integers(1, 10**6),
    st.floats(0.001, 1e6),
    st.builds("{}h{}m{}s".format, st.integers(0, 30), st.integers(0, 90), st.integers(1, 90)),
)
_SIZES = st.one_of(
    st.integers(2**20, 2**50),
    st.builds("{}{}".format, st.integers(2, 900), st.sampled_from(("MiB", "GiB", "GB", "TB"))),
)
_TEXT = _WORDS.filter(str.strip)
_PLACES = st.sampled_from(("wine", "my_module:load", "a.b.c:f_1"))


def _optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Table]:
    return st.fixed_dictionaries({}, optional=keys)


def _choices(seeded: bool) -> st.SearchStrategy[Table]:
    reserved = {"name", "seed"} if seeded else {"name"}
    options = st.dictionaries(_WORDS.filter(lambda k: k not in reserved), _PLAIN, max_size=3)
    named = {"name": _TEXT} | ({"seed": st.integers(0, 2**32 - 1)} if seeded else {})
    return st.builds(lambda a, b: {**a, **b}, options, _optional(**named))


@st.composite
def studies(draw: st.DrawFn) -> Table:
    """Tables of study files, with an inline search space and references in it."""
    space = draw(spaces())
    parsed = SearchSpace.parse(space, "inline")
    names = draw(st.lists(_TEXT.filter(lambda n: n != "search"), max_size=3, unique=True))
    scores = st.dictionaries(
        _WORDS.filter(lambda k: k != "split"),
        st.floats(allow_nan=False, allow_infinity=False),
        max_size=2,
    )
    splits = st.sampled_from(("train", "validation", "test"))
    reported = st.builds(lambda scores, split: scores | {"split": split}, scores, splits)
    references = [
        {"name": name, "params": suggested(parsed, draw(st.integers(0, 99)))}
        | draw(_optional(note=st.text(_SIGNS, max_size=9), reported=reported))
        for name in names
    ]
    csv = st.fixed_dictionaries(
        {"csv": _WORDS, "target": _WORDS},
        optional={
            "task": st.sampled_from(("classification", "regression")),
            "drop": st.lists(st.sampled_from(("an id", "another")), max_size=2),
            "sep": st.sampled_from((";", "\t", "|", " ")),
            "decimal": st.just(","),
            "thousands": st.sampled_from(("'", " ")),
            "encoding": st.sampled_from(("utf-8", "cp1252")),
            "missing": st.lists(_WORDS, max_size=2),
            "not_missing": st.lists(_WORDS, max_size=2),
        },
    )
    required = {
        "dataset": draw(st.one_of(_PLACES, csv)),
        "model": draw(_PLACES),
        "search_space": space,
        "objective": {
            "metric": draw(_WORDS),
            "direction": draw(st.sampled_from(("minimize", "maximize"))),
        },
    }
    return required | draw(
        _optional(
            title=_TEXT,
            budget=_optional(
                n_trials=st.integers(1, 10**6),
                timeout=_DURATIONS,
                trial=_optional(timeout=_DURATIONS, memory=_SIZES),
                stop=st.fixed_dictionaries(
                    {"when": st.just("unlikely")},
                    optional={
                        "min_trials": st.integers(2, 99),
                        "patience": st.integers(1, 99),
                        "error": st.floats(1e-6, 10),
                    },
                ),
            ),
            duplicates=st.sampled_from(["reuse", "repeat"]),
            sampler=_choices(seeded=True),
            pruner=_choices(seeded=False),
            early_stopping=st.fixed_dictionaries(
                {"patience": st.integers(0, 99)},
                optional={
                    "min_delta": st.one_of(st.integers(0, 3), st.floats(0, 1e3)),
                    "start_from_epoch": st.integers(0, 99),
                },
            ),
            fixed=st.dictionaries(_WORDS.filter(lambda k: k not in parsed.names()), _SCALARS),
            reference=st.just(references),
        )
    )


def shuffled(draw: st.DrawFn, value: Any) -> Any:
    """Returns a table with the keys of every table in it in another order."""
    if isinstance(value, list):
        return [shuffled(draw, inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: shuffled(draw, value[key]) for key in draw(st.permutations(list(value)))}


# Whatever TOML can hold, and where a file may be wrong; nan and dates included.
anything = st.recursive(
    st.one_of(
        _SCALARS,
        st.sampled_from((math.nan, math.inf, 10**400, "", "int", "search", "90s", "1:2")),
        st.dates(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(_SIGNS, max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)
