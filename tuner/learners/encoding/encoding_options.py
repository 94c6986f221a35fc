"""How columns of a mixed table may be encoded: styles, parameters, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, get_args

from pydantic import Field

from tuner.learners.settings import Setting

if TYPE_CHECKING:
    from tuner.space import Value

Style = Literal["one_hot", "trees", "embedding"]
"""What the columns are made for:

- ``"one_hot"``: scaled numbers only, none missing, for linear models, networks, neighbours;
- ``"trees"``: raw numbers, NaN where missing, and codes of categories;
- ``"embedding"``: scaled numbers, none missing, and codes of categories with many levels.
"""
Scaling = Literal["robust", "standard", "quantile", "none"]
Names = Annotated[tuple[str, ...], Field(strict=False)]

PREFIX = "encode_"
_AUTO = ("auto",)
_ANY_STYLE: Mapping[str, Setting] = MappingProxyType(
    {
        "encode_max_levels": Setting("auto", words=_AUTO, low=1, high=10_000),
        "encode_min_rows": Setting(2, low=1),
        "encode_text_features": Setting("auto", words=_AUTO, low=0, high=100_000),
        "encode_text_ngrams": Setting(1, low=1, high=3),
    }
)
_SCALED: Mapping[str, Setting] = MappingProxyType(
    {"encode_numbers": Setting("robust", choices=get_args(Scaling)), **_ANY_STYLE}
)
_MAX_LEVELS: Mapping[Style, int] = {"one_hot": 50, "trees": 254, "embedding": 8}
_TEXT_FEATURES: Mapping[Style, int] = {"one_hot": 200, "trees": 100, "embedding": 100}


class EncodedColumn(NamedTuple):
    """A column of what an encoder returns.

    Attributes:
        name: What it says, such as "city = Oslo".
        source: Name of the column that it comes from.
        kind: "number"; or "code", a level of a category as a whole number from 0.
        levels: How many codes there are; 0 for numbers.
    """

    name: str
    source: str
    kind: Literal["number", "code"] = "number"
    levels: int = 0


@dataclass(frozen=True)
class Options:
    """The parameters of an encoder, complete.

    Attributes:
        style: What the columns are made for.
        numbers: How numbers are scaled.
        max_levels: How many levels of a category are encoded by a column of its own each, or,
            for trees, by a code of its own.
        min_rows: Levels in fewer training rows are rare.
        text_features: How many words of a text column become columns.
        text_ngrams: Up to how many words in a row count as one.
    """

    style: Style
    numbers: Scaling
    max_levels: int
    min_rows: int
    text_features: int
    text_ngrams: int


def settings_of(style: Style) -> Mapping[str, Setting]:
    """Returns the parameters of a style, by the names that they have in a search space."""
    return _ANY_STYLE if style == "trees" else _SCALED


def split_params(
    params: Mapping[str, Value], style: Style
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Returns the encoder's parameters, and the others, which are the learner's own."""
    names = settings_of(style)
    own = {name: value for name, value in params.items() if name in names}
    return own, {name: value for name, value in params.items() if name not in names}


def options(style: Style, params: Mapping[str, Value]) -> Options:
    """Returns the options for parameters; those not given have their defaults.

    Raises:
        ValueError: There is no such parameter, or it cannot have such a value.
    """
    settings = settings_of(style)
    for name, value in params.items():
        if name not in settings:
            raise ValueError(f"{name} is no parameter of an encoder for {style}")
        if problem := settings[name].violation(value):
            raise ValueError(f"{name} {problem}, but got {value!r}")
    complete = {**{name: setting.default for name, setting in settings.items()}, **params}

    def number(name: str, auto: int = 0) -> int:
        return auto if complete[name] in _AUTO else int(complete[name])

    scaling: Scaling = "none" if style == "trees" else complete["encode_numbers"]  # type: ignore[assignment]  # one of its choices
    return Options(
        style,
        scaling,
        number("encode_max_levels", _MAX_LEVELS[style]),
        number("encode_min_rows"),
        number("encode_text_features", _TEXT_FEATURES[style]),
        number("encode_text_ngrams"),
    )
