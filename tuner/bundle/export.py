"""Writes a configuration in any of its three forms."""

from __future__ import annotations

from pathlib import Path

from tuner.quiet import load_tensorflow
from tuner.results import export as files
from tuner.results.configuration import Configuration


def export(configuration: Configuration, path: Path) -> list[Path]:
    """Writes ``configuration`` as TOML, JSON or a Python script, as the suffix says.

    Returns:
        The files that were written; a script has its data beside it.

    Raises:
        RequestError: Another suffix.
        BundleError: The file cannot be written, or the model cannot be written as a script.
        DataError: A script needs the data, and they are not those of the study.
        RequestError: A script needs code or data that a database names and may not be used.
    """
    if files.suffix_of(path) == ".py":
        configuration.check_access()
        load_tensorflow()
        from tuner.bundle.script import write_script

        return write_script(configuration, path)
    files.write(configuration, path)
    return [path]
