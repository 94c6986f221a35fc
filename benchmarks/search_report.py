"""Writes what `search.py` has measured: a table and a plot for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MARKERS = ("<!-- table of benchmarks/search.py -->", "<!-- end of the table -->")
SHIPPED = ("tpe", "hyperband")
DRAWN = ("hyperband", "nop", "median", "halving from 1, by 3", "one epoch for all")
LEAST_ROWS = 300
"""Configurations of a table that is shown: several times as many as a search tries."""
Line = dict[str, Any]


class Summary(NamedTuple):
    """What one way of searching reaches.

    Attributes:
        mean: Regret at the end, the mean over tables and seeds.
        course: The same at each moment, shape (moments,).
        gain: By how much `mean` is less than that of the shipped way, same tables and seeds; None
            if the two have none in common.
        error: Standard error of `gain`, over the seeds.
        n: Trials that ended within the time, the mean.
        searches: How many there were.
    """

    mean: float
    course: NDArray[np.float64]
    gain: float | None
    error: float
    n: float
    searches: int


def summary(lines: Iterable[Line], shipped: Iterable[Line], by: str) -> Summary:
    """Sums up the searches of one kind.

    Args:
        lines: Of the kind.
        shipped: Of the kind to compare with.
        by: "seconds" or "trials".
    """
    own = {(line["table"], line["seed"]): line for line in lines}
    other = {(line["table"], line["seed"]): line for line in shipped}
    course = _mean_of_tables(own, by)
    common = [key for key in own if key in other]
    by_seed: dict[int, list[float]] = {}
    for key in common:
        by_seed.setdefault(key[1], []).append(other[key][by][-1] - own[key][by][-1])
    gains = np.array([np.mean(each) for each in by_seed.values()])
    return Summary(
        mean=float(course[-1]),
        course=course,
        gain=float(gains.mean()) if len(gains) else None,
        error=float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("nan"),
        n=float(np.mean([line["n"] for line in own.values()])),
        searches=len(own),
    )


def _mean_of_tables(lines: dict[tuple[str, int], Line], by: str) -> NDArray[np.float64]:
    """Returns the mean of the tables' means, so that each table counts the same."""
    tables: dict[str, list[list[float]]] = {}
    for (table, _), line in lines.items():
        tables.setdefault(table, []).append(line[by])
    return np.asarray(np.mean([np.mean(each, axis=0) for each in tables.values()], axis=0))


def shown(lines: Sequence[Line]) -> list[Line]:
    """Returns the lines measured on the largest version of each table that is large enough."""
    most: dict[str, int] = {}
    for line in lines:
        most[line["table"]] = max(most.get(line["table"], 0), line["rows"])
    return [x for x in lines if x["rows"] == most[x["table"]] and x["rows"] >= LEAST_ROWS]


def table_text(lines: Sequence[Line]) -> str:
    """Returns the results as Markdown: curves by time, exhaustive tables by trials."""
    curves = [line for line in shown(lines) if "/" not in line["table"]]
    finals = [line for line in shown(lines) if "/" in line["table"]]
    parts = []
    for held, by, shipped, title in (
        (curves, "seconds", SHIPPED, "Learning curves, at the end of the time"),
        (finals, "trials", ("tpe", "nop"), "Exhaustive tables, after 60 trials"),
    ):
        if not held:
            continue
        n_tables = {line["table"]: line["rows"] for line in held}
        seeds = len({line["seed"] for line in held})
        said = ", ".join(f"`{name}` ({rows:,})" for name, rows in sorted(n_tables.items()))
        parts.append(f"{title}; up to {seeds} seeds; configurations of each table: {said}.\n")
        parts.append(
            "| sampler | pruner | regret | gain ± error | n | 4 workers: regret | gain ± error |\n"
            "| --- | --- | --- | --- | --- | --- | --- |"
        )
        parts.append("\n".join(_rows(held, by, shipped)) + "\n")
    return "\n".join(parts)


def _rows(lines: Sequence[Line], by: str, shipped: tuple[str, str]) -> list[str]:
    kinds: dict[tuple[str, str], dict[int, Summary]] = {}
    for sampler, pruner, workers in {(x["sampler"], x["pruner"], x["workers"]) for x in lines}:
        own = of(lines, sampler, pruner, workers)
        base = of(lines, *shipped, workers)
        kinds.setdefault((sampler, pruner), {})[workers] = summary(own, base, by)
    ranked = sorted(kinds.items(), key=lambda one: one[1][min(one[1])].mean)
    rows = []
    for (sampler, pruner), found in ranked:
        cells = [sampler, pruner]
        for workers in (1, 4):
            one = found.get(workers)
            cells.append(f"{one.mean:.4f}" if one else "—")
            is_shipped = (sampler, pruner) == shipped
            cells.append(_gain(one) if one and not is_shipped else "shipped" if one else "—")
            if workers == 1:
                cells.append(f"{one.n:.0f}" if one else "—")
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _gain(one: Summary) -> str:
    return "—" if one.gain is None else f"{one.gain:+.4f} ± {one.error:.4f}"


def of(lines: Iterable[Line], sampler: str, pruner: str, workers: int) -> list[Line]:
    """Returns the searches of one kind."""
    wanted = (sampler, pruner, workers)
    return [x for x in lines if (x["sampler"], x["pruner"], x["workers"]) == wanted]


def write_report(
    page: Path, lines: Sequence[Line], shares: Sequence[float], trials: Sequence[int]
) -> None:
    """Writes the table between the page's markers, and the plot beside the page.

    Args:
        page: The page.
        lines: All that was measured.
        shares: At which shares of the time a line has a regret.
        trials: After how many trials it has one.
    """
    begin, end = MARKERS
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    drawn = page.with_suffix(".svg")
    image = f"![Regret of the searches]({drawn.name})\n\n"
    text = f"{before}{begin}\n{image}{table_text(lines)}{end}{after}"
    page.write_text(text, encoding="utf-8")
    plot(drawn, shown(lines), shares, trials)


def plot(path: Path, lines: Sequence[Line], shares: Sequence[float], trials: Sequence[int]) -> None:
    """Draws the regret with one worker: of curves against the time, of final values by trials."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    curves = [x for x in lines if "/" not in x["table"] and x["workers"] == 1]
    finals = [x for x in lines if "/" in x["table"] and x["workers"] == 1]
    panels = [
        ("pruners, by learning curves", curves, "seconds", [("tpe", one) for one in DRAWN]),
        ("samplers, by learning curves", curves, "seconds", _kinds(curves, "hyperband")),
        ("samplers, by final values", finals, "trials", _kinds(finals, "nop")),
    ]
    panels = [panel for panel in panels if panel[1]]
    with mpl.rc_context({"svg.hashsalt": "search", "font.size": 9}):
        figure = Figure(figsize=(1 + 3.8 * len(panels), 3.6), layout="constrained")
        for axis, (title, held, by, kinds) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            base = SHIPPED if by == "seconds" else ("tpe", "nop")
            for sampler, pruner in kinds:
                if own := of(held, sampler, pruner, 1):
                    label = pruner if kinds[0][0] == kinds[-1][0] else sampler
                    width = 2.4 if (sampler, pruner) == base else 1.2
                    course = summary(own, own, by).course
                    axis.plot(shares if by == "seconds" else trials, course, label=label, lw=width)
            axis.set(title=title, yscale="log")
            axis.set_xlabel("share of the time" if by == "seconds" else "trials")
            axis.set_ylabel("regret (1: the median configuration)")
            axis.legend(fontsize=7)
        figure.savefig(path, metadata={"Date": None})


def _kinds(lines: Iterable[Line], pruner: str) -> list[tuple[str, str]]:
    return [
        (name, pruner) for name in sorted({x["sampler"] for x in lines if x["pruner"] == pruner})
    ]
