"""The display of a run in a terminal and in a pipe, and Ctrl-C."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import psutil
import pytest
from commands import Command
from laboratory import Laboratory
from processes import WAIT_SECONDS
from terminals import Terminal


@pytest.mark.slow
def test_in_a_pipe_progress_is_plain_lines_on_standard_error(
    command: Command, laboratory: Laboratory
) -> None:
    answer = command("run", "scripted", "--workers", "1", "--n-trials", "2")
    assert answer.status == 0
    assert "\x1b" not in answer.out + answer.err
    start, head, loop, *trials = answer.err.splitlines()
    assert start == "starting workers; TensorFlow takes some seconds to load"
    assert head == "scripted: 0 of 2 trials done, 1 worker"
    assert loop == "whole epochs run in one graph: the rows fit in memory"
    for number, line in enumerate(trials):
        assert re.match(
            rf"\[{number + 1}/2\] trial {number} complete loss \d+\.\d{{4}}, best ", line
        )
    assert answer.out.startswith("scripted · Scripted\n2 trials in ")
    assert " on 1 worker: 2 complete, 0 pruned, 0 failed\n" in answer.out
    assert "next  tuner export scripted -o best.toml && tuner train" in answer.out


@pytest.mark.slow
def test_failed_trials_are_shown_with_their_reason(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.behave("calm", "raises")
    laboratory.add(
        '\n[[reference]]\nname = "known"\n[reference.params]\n'
        'learning_rate = 0.01\nepochs = 3\nbehaviour = "calm"\n'
    )
    answer = command("run", "scripted", "--workers", "1", "--n-trials", "2", "--seed", "1")
    assert answer.status == 0
    assert "fail (" in answer.err
    assert "this network does not like its parameters" in answer.err
    assert "Traceback" not in answer.out


@pytest.mark.slow
def test_json_is_one_document_with_the_promised_keys(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.add(
        '\n[[reference]]\nname = "known"\nreported = { split = "test", loss = 1.5 }\n'
        "[reference.params]\nlearning_rate = 0.01\nepochs = 3\n"
    )
    answer = command("run", "scripted", "--workers", "1", "--n-trials", "2", "--json")
    assert answer.status == 0
    document = json.loads(answer.out)
    keys = "study storage metric direction trials best references baseline wall_s"
    assert list(document) == keys.split()
    assert list(document["trials"]) == ["complete", "pruned", "fail", "running", "waiting"]
    assert list(document["best"]) == ["number", "value", "epoch", "params", "origin"]
    (known,) = document["references"]
    assert list(known) == ["name", "number", "value", "reported"]
    assert known["reported"] == {"split": "test", "loss": 1.5}
    for words in ("best scripted --json", "show scripted --format json"):
        printed = json.loads(command(*words.split()).out)
        more = {"test_openings": []} if words.startswith("show") else {}
        assert {**printed, "wall_s": 0} == {**document, "wall_s": 0, **more}
    rows = json.loads(command("trials", "scripted", "--json").out)
    assert [list(row) for row in rows] == [
        ["number", "state", "value", "params", "epochs", "reason", "duration_s", "origin"]
    ] * 2
    assert [row["origin"] for row in rows] == ["known", "search"]


def test_finished_run_does_nothing(command: Command, laboratory: Laboratory) -> None:
    laboratory.store(*["complete"] * 4)
    answer = command("run", "scripted")
    assert (answer.status, answer.err) == (0, "")
    assert "4 trials" in answer.out


@pytest.mark.slow
def test_timeout_shorter_than_loading_the_workers_is_an_error(
    command: Command, laboratory: Laboratory
) -> None:
    command("run", "scripted", "--timeout", "0.001").refused(
        1, r"the time was over before the workers had loaded .*; give the run more with --timeout"
    )


@pytest.mark.slow
def test_live_display_is_removed_from_a_terminal_at_the_end(laboratory: Laboratory) -> None:
    laboratory.behave("slow")
    with Terminal(laboratory.folder, "run", "scripted", "--workers", "2") as terminal:
        terminal.wait_for(r"trial \d  epoch [12] of 3  loss \d+\.\d{4}")
        terminal.wait_for(r"[12]/4 trials")
        status, out = terminal.ended()
    assert status == 0
    assert out.startswith("scripted · Scripted\n4 trials in ")
    assert "\x1b" not in out
    assert "━" in terminal.text
    assert "0 pruned, 0 failed" in terminal.text
    assert re.search(r"best loss \d+\.\d{4} \(trial \d\)", terminal.text)
    assert "scripted: 0 of 4 trials done, 2 workers" in terminal.text
    assert "Traceback" not in terminal.text
    assert terminal.raw.count("\x1b[?25l") == terminal.raw.count("\x1b[?25h"), "a hidden cursor"


@pytest.mark.slow
def test_ctrl_c_ends_a_run_and_the_same_command_resumes_it(laboratory: Laboratory) -> None:
    laboratory.behave("slow")
    words = ("run", "scripted", "--workers", "2")
    with Terminal(laboratory.folder, *words) as terminal:
        terminal.wait_for(r"[1-3]/4 trials")
        family = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.press_ctrl_c()
        status, out = terminal.ended()
    assert status == 130
    assert "\ninterrupted; the same command goes on\n" in out
    assert re.search(
        r"trials? in .* on 2 workers: \d complete, 0 pruned, 0 failed, \d waiting", out
    )
    assert "  best      trial " in out
    assert "Traceback" not in terminal.text
    assert "KeyboardInterrupt" not in terminal.text
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    with Terminal(laboratory.folder, *words) as terminal:
        terminal.wait_for(r"scripted: [1-3] of 4 trials done, \d worker")
        status, out = terminal.ended()
    assert status == 0
    assert ": 4 complete, 0 pruned, 0 failed\n" in out


@pytest.mark.slow
def test_ctrl_c_ends_a_run_while_the_workers_load(laboratory: Laboratory) -> None:
    with Terminal(laboratory.folder, "run", "scripted") as terminal:
        terminal.wait_for("starting workers")
        family = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.press_ctrl_c()
        status, out = terminal.ended()
    assert (status, out) == (130, "")
    assert "Traceback" not in terminal.text
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


@pytest.mark.slow
def test_ctrl_c_ends_train_and_leaves_nothing(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{40 + i % 7},{3 + i / 10}" for i in range(30))
    (tmp_path / "cats.csv").write_text(f"age,length,weight\n{rows}\n")
    (tmp_path / "best.toml").write_text(
        'tuner_export = 1\nstudy = "cats"\nmetric = "loss"\ndirection = "minimize"\nmodel = "mlp"\n'
        'dataset = { csv = "cats.csv", target = "weight" }\nepochs = 10000000\nbatch_size = 8\n'
        "seed = 1\nparams = { n_layers = 0 }\n"
    )
    with Terminal(tmp_path, "train", "best.toml", "-o", "model") as terminal:
        terminal.wait_for("training; TensorFlow takes some seconds to load")
        deadline = time.monotonic() + WAIT_SECONDS
        while not list(tmp_path.glob(".model.*")):  # the folder that becomes the bundle
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        terminal.press_ctrl_c()
        status, out = terminal.ended()
    assert (status, out) == (130, "")
    assert "Traceback" not in terminal.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.toml", "cats.csv"]
