"""The commands that follow a search."""

from __future__ import annotations

import shlex


def export_and_train(study: str, options: str = "") -> str:
    """Returns the commands that train the model of a study.

    Args:
        study: Its name.
        options: What they need beside it: ``--storage URL``. Training records there that it
            opens the test split.
    """
    more = f" {options}" if options else ""
    export = f"tuner export {shlex.quote(study)}{more} -o best.toml"
    return f"{export} && tuner train best.toml{more} -o model/"
