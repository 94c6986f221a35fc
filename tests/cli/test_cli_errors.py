"""Wrong requests: one line of error, exit status 2, and no change of the database.

Here what can be seen in the study file and in the arguments alone; before any worker starts.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import Command, contents
from laboratory import Laboratory

TUNER = [sys.executable, "-c", "from tuner.cli import main; main()"]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("run scriptd", r'no study "scriptd"; did you mean scripted\? `tuner studies` lists them'),
        ("run zzz", r'no study "zzz"; the studies are: .*scripted.*wine'),
        ("run ./scriptd.toml", r'no study file "\./scriptd\.toml"; did you mean scripted\.toml\?'),
        ("run scripted.tom", r'no study "scripted\.tom"; did you mean scripted\.toml\?$'),
        (
            "run scripted.TOML",
            r'"scripted\.TOML" is no study file: the name of one ends in \.toml$',
        ),
        ("run nowhere/a.toml", r'no study file "nowhere/a\.toml"; there are no files in nowhere'),
        ("best scriptd", r"no study 'scriptd' is stored in sqlite:///.*; did you mean scripted\?"),
        ("show ./scriptd.toml", r'no study file "\./scriptd\.toml"; did you mean scripted\.toml\?'),
        ("trials zzz", r"no study 'zzz' is stored in .*; the stored studies are: scripted$"),
        ("export zzz -o a.toml", r"no study 'zzz' is stored in .*"),
    ],
)
def test_unknown_study_is_refused_with_the_nearest_name(
    words: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    (laboratory.folder / "scripted.TOML").touch()
    before = contents(laboratory.database)
    command(*words.split()).refused(2, match)
    assert contents(laboratory.database) == before


@pytest.mark.parametrize("option", ["--study-name", "--storage"])
@pytest.mark.parametrize("name", ["run", "show", "submit"])
def test_empty_option_is_not_taken_for_an_absent_one(
    name: str, option: str, command: Command, laboratory: Laboratory
) -> None:
    command(name, "scripted", option, "").refused(2, rf"'{option}': must not be empty")
    assert not laboratory.database.exists()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("--set budget", r"--set budget: must be a key and a value; write KEY=VALUE, such as budg"),
        ("--set =3", r"--set =3: must be a key and a value; write KEY=VALUE"),
        (
            "--set budget.ntrials=3",
            r"scripted\.toml \(with settings\): budget\.ntrials: unknown key; did you mean n_tri",
        ),
        ("--set bugdet.n_trials=3", r"bugdet: unknown key; did you mean budget\?"),
        (
            "--set title.x=3",
            r"title in scripted\.toml is a string, not a table, and has no keys .*; write title=…",
        ),
        (
            "--set search_space.learning_rate.low=0.5",
            r"search_space\.learning_rate\.low: low <= high must hold, but low = 0\.5 and high = 0"
            r"\.1; write low = 0\.1 and high = 0\.5\?",
        ),
        (
            "--set search_space.epochs.low=0",
            r"^tuner: scripted\.toml: search_space: epochs must be at least 1, but got 0$",
        ),
        (
            "--set search_space.epochs.type=float",
            r'scripted\.toml: search_space: epochs\.type must be "int", but got "float"$',
        ),
        (
            '--set search_space.batch_size={type="categorical",choices=[16,2.5]}',
            r"scripted\.toml: search_space: batch_size must be a whole number, such as 32, but",
        ),
        ("--set objective.direction=up", r'must be "minimize" or "maximize", but got "up"'),
        ("--set dataset=wien", r'scripted\.toml: dataset: there is no data set "wien"; did you me'),
        (
            "--set model=mpl",
            r'scripted\.toml: model: there is no model "mpl" \(your own is written '
            r'"module:function"\); did you mean mlp\?',
        ),
        ("--set sampler.name=tpi", r'sampler\.name: there is no sampler "tpi"; did you mean tpe\?'),
        (
            "--set sampler.name=tpe --set sampler.n_startup_trial=3",
            r'scripted\.toml: sampler\.n_startup_trial: sampler "tpe" has no such option; did you '
            r"mean n_startup_trials\?",
        ),
        ("--set pruner.name=medium", r'pruner\.name: there is no pruner "medium"; did you mean me'),
        (
            "--set pruner.name=percentile --set pruner.percentile=120",
            r"scripted\.toml: pruner\.percentile: must be at most 100\.0, but got 120; write",
        ),
        (
            "--set pruner.name=percentile",
            r"scripted\.toml: pruner\.percentile: is missing; write percentile = 25\.0",
        ),
        ("--n-trials 0", r"budget\.n_trials: must be at least 1, but got 0; write n_trials = 50"),
        (
            "--n-trials 5 --more 2",
            r"--n-trials is the total wanted, --more what to add .*: give one",
        ),
        ("--more 0", r"--more must be at least 1, but got 0"),
        ("--workers 0", r"--workers must be at least 1, but got 0"),
        (
            "--timeout soon",
            r'budget\.timeout: must be a duration, but got "soon"; write "90s", "20',
        ),
        ("--timeout 0", r"budget\.timeout: must be above 0 and finite, but got 0; write"),
        ("--seed=-1", r"sampler\.seed: must be at least 0, but got -1; write seed = 0"),
        (
            "--n-trials x",
            r"^tuner run: invalid value for '--n-trials': .*integer.*; see: tuner run",
        ),
        ("--n-trails 3", r"^tuner run: no such option: --n-trails \(Possible options: --n-trials"),
        ("again", r"^tuner run: got unexpected extra argument\(s\) \(again\); see: tuner run --h"),
    ],
)
def test_wrong_option_of_run_is_refused(
    words: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    before = contents(laboratory.database)
    command("run", "scripted", *words.split()).refused(2, match)
    assert contents(laboratory.database) == before


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("run", r"^tuner run: missing argument 'study'; see: tuner run --help"),
        ("trails wine", r"^tuner: no such command 'trails'\. Did you mean 'trials'"),
        ("--versoin", r"^tuner: no such option: --versoin.*; see: tuner --help"),
        (
            "best wine --format xml",
            r"^tuner best: .*'--format': 'xml' is not one of 'table', 'json'",
        ),
        ("export wine", r"^tuner export: missing option '--output' / '-o'; see: tuner export"),
        ("dashboard --port 99999", r"^tuner dashboard: .*'--port': .*less than or equal to 65535"),
    ],
)
def test_wrong_command_or_option_is_refused(words: str, match: str, command: Command) -> None:
    command(*words.split()).refused(2, match)


@pytest.mark.parametrize(
    ("added", "match"),
    [
        ('dataste = "x"', r"scripted\.toml: dataste: unknown key; did you mean dataset\?"),
        (
            '[[reference]]\nname = "old"\nparams = { learning_rate = 0.5, epochs = 3 }',
            r"scripted\.toml: reference\.old\.params: must be one trial of the search space: "
            r"learning_rate = 0\.5 is wrong: it must lie between 0\.001 and 0\.1\.",
        ),
        (
            '[[reference]]\nname = "old"\nparams = { epochs = 3 }',
            r"reference\.old\.params: must be one trial .*: learning_rate is missing\.",
        ),
        (
            '[search_space.depth]\ntype = "int"\nlow = 3\nhigh = 1',
            r"scripted\.toml: search_space\.depth\.low: low <= high must hold, but low = 3 and",
        ),
        ("[sampler\nseed = 1", r"scripted\.toml: line \d+, column \d+: not valid TOML: "),
    ],
)
def test_wrong_study_file_is_refused(
    added: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    before = contents(laboratory.database)
    text = laboratory.study.read_text()
    laboratory.study.write_text(f"{added}\n{text}" if added.startswith("data") else text + added)
    command("run", "scripted").refused(2, match)
    assert contents(laboratory.database) == before


def test_parameter_that_the_model_does_not_have_is_refused(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.add('[search_space.dropuot]\ntype = "float"\nlow = 0\nhigh = 0.5\n')
    command("run", "scripted", "--set", "model=mlp", "--set", "dataset=wine").refused(
        2,
        r'scripted\.toml: search_space: the model "mlp" has no parameter "dropuot"; did you mean '
        r"dropout\?",
    )
    assert not laboratory.database.exists()


def test_installed_program_prints_the_same_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [*TUNER, "run", "wien"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('tuner: no study "wien"; did you mean wine? ')
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
