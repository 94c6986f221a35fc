"""Writes a configuration in any of its three forms."""

from __future__ import annotations

from pathlib import Path

from tuner.bundle.script_files import check_script_replaceable
from tuner.bundle.write import check_configuration
from tuner.results import configuration_file as files
from tuner.results.configuration import Configuration


def export(configuration: Configuration, path: Path, *, force: bool = False) -> list[Path]:
    """Writes ``configuration`` as TOML, JSON or a Python script, as the suffix says.

    Args:
        configuration: What to write.
        path: The file; an earlier export in it is replaced.
        force: Replace any other file, too.

    Returns:
        The files that were written; a script has its data beside it.

    Raises:
        RequestError: Another suffix, a file is there that is no earlier export, or a script needs
            code or data that a database names and may not be used.
        BundleError: The file cannot be written, or the model cannot be written as a script.
        DataError: A script needs the data, and they are not those of the study.
    """
    if files.suffix_of(path) == ".py":
        check_script_replaceable(path, force=force)
        configuration.check_access()
        check_configuration(configuration)
        from tuner.bundle.script import write_script

        return write_script(configuration, path, force=force)
    files.write(configuration, path, force=force)
    return [path]
