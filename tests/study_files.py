"""Writes small studies and spaces into the working directory of a test."""

from __future__ import annotations

from pathlib import Path

SPACE = '[units]\ntype = "int"\nlow = 1\nhigh = {high}\n'
STUDY = """
title = "{title}"
dataset = "wine"
model = "mlp"
search_space = "{space}"
objective = {{ metric = "accuracy", direction = "maximize" }}
"""


def write_study(path: str, title: str = "mine", space: str = "mlp") -> Path:
    return write(path, STUDY.format(title=title, space=space))


def write_space(path: str, high: int) -> Path:
    return write(path, SPACE.format(high=high))


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
