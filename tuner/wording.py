"""The words that errors about names, keys and values share.

Every error about a file is one line: ``file: key: rule, but got value; write …``. :class:`Position`
holds the first half, so that the code which knows the rule need not know where it is read.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.errors import SpecError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 80  # characters of a value that are shown; enough to recognise it, still one line
_LONGEST_QUOTE = 60  # characters of a text from a file
_MOST_NAMES = 15  # names that an error lists
# Control characters but tab and line break, line separators, marks that turn the direction of
# writing round, and lone surrogates, which no encoding can write.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Returns a text that is safe to print: control characters escaped, line breaks and tabs kept.

    Every text goes through here on its way to standard output and standard error, because names,
    titles and reasons may come from anybody who can write to the database.
    """
    return _CONTROL.sub(_escaped, text)


def one_line(text: str) -> str:
    r"""Returns a text on one line: as :func:`printable`, but ``\n`` and ``\t`` are escaped, too."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def in_docstring(text: str) -> str:
    """Returns a text that means itself inside a Python docstring, on one line."""
    return one_line(text).replace("\\", r"\\").replace('"', "'")


def error_text(text: str) -> str:
    """Returns an error as it is printed: on one line, but for lines indented below it.

    A list of faults or differences stands below its error, each indented by two spaces, and a line
    may follow it. Any other line break came with a name or a value, and is escaped.
    """
    lines: list[str] = []
    for line in printable(text).split("\n"):
        if not lines or line.startswith("  ") or lines[-1].startswith("  "):
            lines.append(line)
        else:
            lines[-1] += rf"\n{line}"
    return "\n".join(lines).rstrip("\n")


def json_printable(document: str) -> str:
    """Returns a JSON document whose control characters are JSON escapes; it means the same."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def toml(value: object) -> str:
    """Returns a value as it is written in TOML, on one line, shortened when long."""
    text = one_line(_toml(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Mapping():
            pairs = ", ".join(f"{key_text(str(k))} = {_toml(v)}" for k, v in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case None:
            return "nothing"
        case _:
            return str(value)


def excerpt(text: str, longest: int = _LONGEST_QUOTE) -> str:
    """Returns a text from a file as messages show it: one line, escaped, shortened when long.

    Line breaks, control characters and what else cannot be seen (a no-break space) are written
    as Python escapes.
    """
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut
    )


def quoted(text: str, longest: int = _LONGEST_QUOTE) -> str:
    """Returns :func:`excerpt` in double quotes."""
    return '"' + excerpt(text, longest).replace('"', '\\"') + '"'


def key_text(key: str) -> str:
    """Returns a key as TOML writes it: bare where it can be, otherwise quoted."""
    return key if _BARE_KEY.fullmatch(key) else one_line(json.dumps(key, ensure_ascii=False))


def kind(value: object) -> str:
    """Returns what a value read from TOML is, in a person's words."""
    match value:
        case bool():
            return "a boolean"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case str():
            return "a string"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "a table"
        case None:
            return "nothing"
        case _:
            return f"a {type(value).__name__}"


def either(values: Iterable[object], word: str = "or") -> str:
    """Returns ``"a", "b" or "c"``, each value as TOML writes it."""
    *head, last = [toml(value) for value in values]
    return f"{', '.join(head)} {word} {last}" if head else last


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name that looks most like ``name``, or None when none does."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def hint(name: str, known: Iterable[str], plural: str) -> str:
    """Returns ``did you mean x?`` when a known name is similar, or else the known names.

    Args:
        name: The unknown name.
        known: The known names.
        plural: What they are, such as ``"keys"``.
    """
    names = list(known)
    if (near := nearest(name, names)) is not None:
        return f"did you mean {one_line(near)}?"
    if not names:
        return f"there are no {plural}"
    more = ", …" if len(names) > _MOST_NAMES else ""
    return f"the {plural} are: {', '.join(map(one_line, names[:_MOST_NAMES]))}{more}"


@dataclass(frozen=True)
class Position:
    """Where a value stands: a file and the path of keys that leads to it.

    Attributes:
        where: The file, as a person would name it: ``search_spaces/mlp.toml``.
        keys: The keys from the file's top: ``("units", "low")``.
    """

    where: str
    keys: tuple[str, ...] = ()

    def at(self, *keys: str) -> Position:
        """Returns the position further down."""
        return Position(self.where, (*self.keys, *keys))

    def error(self, text: str) -> SpecError:
        """Returns the error to raise: file, dotted key, text."""
        dotted = ".".join(key_text(key) for key in self.keys)
        return SpecError(": ".join(part for part in (self.where, dotted, text) if part))
