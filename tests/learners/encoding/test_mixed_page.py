"""The page on mixed tables says what encoders do."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from tuner.learners.encoding import Style, settings_of
from tuner.learners.encoding.encoding_options import options

PAGE = (Path(__file__).parents[3] / "docs" / "mixed.md").read_text(encoding="utf-8")
ROWS = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("| `e")}


def test_page_on_mixed_tables_has_every_parameter_and_its_default() -> None:
    settings = {**settings_of("trees"), **settings_of("one_hot"), **settings_of("embedding")}
    assert {name.strip("`") for name in ROWS} == set(settings)
    for name, setting in settings.items():
        default = f'"{setting.default}"' if isinstance(setting.default, str) else setting.default
        assert str(default) in ROWS[f"`{name}`"].split("|")[3]


def test_page_on_mixed_tables_has_the_defaults_of_each_style() -> None:
    found = [options(style, {}) for style in get_args(Style)]
    assert ", ".join(str(one.max_levels) for one in found) in ROWS["`encode_max_levels`"]
    assert ", ".join(str(one.text_features) for one in found) in ROWS["`encode_text_features`"]
