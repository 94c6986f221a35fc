from __future__ import annotations

import json
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuner.errors import BundleError, RequestError, SpecError
from tuner.results import Configuration
from tuner.results.configuration_file import as_toml, read, suffix_of, write
from tuner.spec import CsvDataset


def configuration(**changes: Any) -> Configuration:
    made = Configuration(
        study="wine",
        trial=37,
        metric="accuracy",
        direction="maximize",
        value=0.99771,
        dataset="wine",
        model="mlp",
        params={"units_1": 48, "learning_rate": 1e-4, "batch_norm": False, "optimizer": "adam"},
        epochs=18,
        batch_size=64,
        seed=4711,
        data_fingerprint="f" * 64,
        versions={"keras": "3.15.1"},
        base=Path("/studies"),
    )
    return replace(made, **changes)


@pytest.mark.parametrize("name", ["best.toml", "best.json"])
def test_export_reads_back_equal(tmp_path: Path, name: str) -> None:
    written = configuration(base=tmp_path)
    write(written, tmp_path / name)
    assert read(tmp_path / name) == written


def test_export_begins_with_its_purpose_and_the_next_command(tmp_path: Path) -> None:
    write(configuration(), tmp_path / "best.toml")
    assert (
        (tmp_path / "best.toml")
        .read_text(encoding="utf-8")
        .startswith(
            "# A configuration that tuner exported from study wine, trial 37: accuracy 0.9977 on "
            "validation after 18 epochs.\n"
            "# Next: train it on everything but the test split, and write the model bundle:\n"
            "#     tuner train best.toml -o model/\n"
        )
    )
    write(configuration(), tmp_path / "best.json")
    about = json.loads((tmp_path / "best.json").read_text(encoding="utf-8"))["about"]
    assert about.endswith("write the model bundle: tuner train best.json -o model/")


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    write(configuration(), tmp_path / "best.toml")
    assert [file.name for file in tmp_path.iterdir()] == ["best.toml"]
    assert (tmp_path / "best.toml").stat().st_mode & 0o777 == 0o644


def test_relative_csv_path_starts_at_the_export(tmp_path: Path) -> None:
    studies, elsewhere = tmp_path / "studies", tmp_path / "exports" / "deep"
    studies.mkdir()
    elsewhere.mkdir(parents=True)
    (tmp_path / "data.csv").write_text("a,b\n")
    exported = configuration(dataset=CsvDataset(csv="../data.csv", target="b"), base=studies)

    write(exported, elsewhere / "best.toml")

    table = tomllib.loads((elsewhere / "best.toml").read_text(encoding="utf-8"))
    assert table["dataset"] == {"csv": "../../data.csv", "target": "b"}
    dataset = read(elsewhere / "best.toml").dataset
    assert isinstance(dataset, CsvDataset)
    assert Path(dataset.csv) == tmp_path / "data.csv"


@pytest.mark.parametrize("name", ["best.toml", "best.json"])
def test_csv_dialect_is_exported(tmp_path: Path, name: str) -> None:
    csv = str(tmp_path / "data.csv")
    dataset = CsvDataset(
        csv=csv, target="b", task="regression", drop=["id"], sep="\t", decimal=",", missing=["x"]
    )
    write(configuration(dataset=dataset), tmp_path / name)
    assert read(tmp_path / name).dataset == dataset


def test_absolute_csv_path_is_kept(tmp_path: Path) -> None:
    csv = str(tmp_path / "data.csv")
    write(configuration(dataset=CsvDataset(csv=csv, target="b")), tmp_path / "best.json")
    dataset = read(tmp_path / "best.json").dataset
    assert isinstance(dataset, CsvDataset)
    assert dataset.csv == csv


def test_folder_of_own_code_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies, elsewhere = tmp_path / "studies", tmp_path / "exports"
    studies.mkdir()
    elsewhere.mkdir()
    own = configuration(
        model="mine:build_model", dataset=CsvDataset(csv="d.csv", target="b"), base=studies
    )
    monkeypatch.chdir(elsewhere)
    write(own, Path("best.toml"))

    table = tomllib.loads(Path("best.toml").read_text(encoding="utf-8"))
    assert (table["base"], table["dataset"]["csv"]) == ("../studies", "../studies/d.csv")
    monkeypatch.chdir(tmp_path)
    found = read(Path("exports/best.toml"))
    assert found.base == studies
    assert isinstance(found.dataset, CsvDataset)
    assert found.dataset.csv == os.fspath(studies / "d.csv")


def test_export_without_own_code_has_no_base(tmp_path: Path) -> None:
    assert str(tmp_path) not in as_toml(configuration(base=tmp_path / "x"), tmp_path / "best.toml")


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_any_parameters_read_back(params: dict[str, Any]) -> None:
    written = configuration(params=params, base=Path.cwd())
    table = tomllib.loads(as_toml(written, Path("best.toml")))
    assert Configuration.from_dict(table, folder=Path.cwd(), where="best.toml") == written


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("best.yaml", r"best.yaml: its name ends in .yaml; write NAME.toml, NAME.json, or NAME.py"),
        ("best", r"best: its name has no ending; write NAME.toml, NAME.json, or NAME.py"),
    ],
)
def test_unknown_suffix_is_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        write(configuration(), tmp_path / name)
    assert suffix_of(Path("BEST.PY")) == ".py"


def test_location_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "best.toml", tmp_path / "nowhere" / "best.json"):
        with pytest.raises(RequestError, match=r"cannot write .*best\.\w+: .*directory; nothing"):
            write(configuration(), place)


BROKEN = [
    ("seed = 1", "key tuner_export is missing; write one with `tuner export STUDY -o"),
    ("tuner_export = 2", "tuner_export is 2, this version of tuner reads 1; export it again"),
    ("a = 1\nb = x", r"is not TOML: .*line 2, column 5"),
]


@pytest.mark.parametrize(("text", "words"), BROKEN)
def test_file_that_is_no_export_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "best.toml"
    file.write_text(text)
    with pytest.raises(SpecError, match=words) as caught:
        read(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": None}, "best.json: epochs: is missing; write epochs = 18"),
        ({"epochs": 0}, "epochs: must be at least 1, but got 0; write epochs = 18"),
        ({"epochs": True}, "epochs: must be a whole number, but got true, a boolean; write"),
        ({"epochs": 10**30}, "epochs: must be below 2147483648, but got 10{30}; write"),
        ({"batch_size": 1.5}, "batch_size: must be a whole number, but got 1.5"),
        ({"seed": -1}, "seed: must be at least 0, but got -1"),
        ({"seed": 2**32}, "seed: must be below 4294967296"),
        ({"direction": "up"}, 'direction: must be "minimize" or "maximize", but got "up"'),
        ({"params": [1]}, r"params: must be a table, but got \[1\]"),
        ({"params": {"a": [1]}}, "params: a must be a number, a string or a boolean, but got"),
        ({"params": {"a b": 1e999}}, 'params: "a b" must be finite, but got inf'),
        ({"params": {"a": 10**30}}, "params: a is too large"),
        ({"dataset": {"csv": "a.csv"}}, r"dataset\.target: is missing; write target = "),
        ({"dataset": 5}, "dataset: must be a name, a function or a table, but got 5"),
        ({"model": ""}, "model: must not be empty"),
        ({"model": 7}, "model: must be a string, but got 7, a whole number"),
        ({"model": "a b:c"}, 'model: a function is named "module:function", but got "a b:c"'),
        ({"value": "high"}, 'value: must be a number, but got "high", a string'),
        ({"value": 10**400}, "value: must be a"),
        ({"versions": {"keras": 3}}, r"versions\.keras: must be a string, but got 3"),
        ({"study": "\ud800"}, "study: must be text"),
        ({"epoch": 3}, r"epoch: unknown key; did you mean epochs\?"),
    ],
)
def test_broken_rule_is_one_line(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    table = configuration().to_dict(tmp_path) | changes
    file = tmp_path / "best.json"
    file.write_text(json.dumps({key: value for key, value in table.items() if value is not None}))
    with pytest.raises(SpecError, match=words):
        read(file)


def test_missing_file_and_wrong_suffix_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"best.toml does not exist; write it with `tuner export"):
        read(tmp_path / "best.toml")
    with pytest.raises(SpecError, match=r"best.py: an exported configuration ends in .toml or"):
        read(tmp_path / "best.py")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        read(tmp_path / "folder.toml")
    for content, words in [
        (b"[1, 2]", "is not an exported configuration: it holds no table"),
        (b'{"a": 1,}', r"best.json:1:\d+ is not JSON"),
        (b"\xff\xfe", "is not text in UTF-8: byte 0"),
    ]:
        (tmp_path / "best.json").write_bytes(content)
        with pytest.raises(SpecError, match=words):
            read(tmp_path / "best.json")


@pytest.mark.parametrize("name", ["best.toml", "best.json"])
def test_byte_order_mark_is_ignored(tmp_path: Path, name: str) -> None:
    written = configuration(base=tmp_path)
    write(written, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + content)
    assert read(tmp_path / name) == written


@pytest.mark.parametrize("suffix", [".toml", ".json"])
@given(name=st.text(min_size=1, max_size=20))
@example(name="a\nb = 1")
@example(name="a\r\x1b[2J\x7f\x85\u2028")
@example(name=r"\x \N{")
@example(name="\ud800")
def test_any_study_name_reads_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any_name{suffix}"
    written = configuration(study=name, base=path.parent)
    try:
        name.encode()
    except UnicodeEncodeError:
        with pytest.raises(BundleError, match=r"surrogates not allowed; nothing was written"):
            write(written, path)
    else:
        write(written, path)
        assert read(path) == written


def test_export_that_would_not_read_back_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomli_w.dumps", lambda table: "study = [\n")
    with pytest.raises(BundleError, match=r"cannot write .*best\.toml: .*; nothing was written"):
        write(configuration(), tmp_path / "best.toml")
    monkeypatch.setattr("tuner.results.configuration_file.as_json", lambda *_: "{}")
    with pytest.raises(BundleError, match=r"cannot write .*best\.json: .*tuner_export is missing"):
        write(configuration(), tmp_path / "best.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(20)
def test_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "best.toml")
    with pytest.raises(SpecError, match=r"best\.toml is no regular file; write one with `tuner ex"):
        read(tmp_path / "best.toml")
