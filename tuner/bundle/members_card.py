"""``MODEL.md`` of a bundle of several members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def members_card(info: Mapping[str, Any], folder: str) -> str:
    """Returns the card's Markdown."""
    return f"# {info['data']['name']}\n"
