"""Requests that `tuner automl` refuses: one line, exit status 2, no bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import Command

from tuner.automl import automating

HOMES = "area,city,sold,tenant,w,price,pet\n" + "".join(
    f"{40 + i},{'Rome' if i % 3 else 'Bonn'},2020-01-{1 + i % 28:02d},t{i % 6},1.5,{i * 2.5},"
    f"{'cat' if i % 2 else 'dog'}\n"
    for i in range(60)
)
FILES = {
    "homes.csv": HOMES,
    "empty.csv": "",
    "header.csv": "a,y\n",
    "one_row.csv": "a,y\n1,2\n",
    "no_target.csv": "a,y\n" + "".join(f"{i},\n" for i in range(30)),
    "one_class.csv": "a,y\n" + "".join(f"{i},x\n" for i in range(30)),
    "many_classes.csv": "a,y\n" + "".join(f"{i},c{i}\n" for i in range(30)),
    "broken.csv": "a,y\n" + "1,2\n" * 20 + "1,2,3,4\n",
    "quote.csv": "a,y\n" + "1,2\n" * 20 + '"1,2\n',
    "binary.csv": "a\0b",
    "text.csv": "Dear reader\n" + "this is no table at all\n" * 20,
    "numbers.csv": "1,2,3\n4,5,6\n" * 10,
    "few_groups.csv": "a,g,y\n" + "".join(f"{i},g{i % 2},{i * 1.5}\n" for i in range(40)),
    "one_time.csv": "a,t,y\n" + "".join(f"{i},2020-01-01,{i * 1.5}\n" for i in range(40)),
    "negative.csv": "a,w,y\n" + "".join(f"{i},{i - 3},{i * 1.5}\n" for i in range(40)),
    "rare_words.csv": "a,y\n" + "".join(f"{i},word{i % 20}\n" for i in range(40)),
    "mixed.csv": "a,y\n" + "".join(f"{i},{'n.n.' if i == 7 else i * 1.5}\n" for i in range(40)),
    "infinite.csv": "a,y\n" + "".join(f"{i},{'inf' if i == 7 else i * 1.5}\n" for i in range(40)),
    "colons.csv": "a:y\n" + "".join(f"{i}:{i * 1.5}\n" for i in range(40)),
    "constant.csv": "a,y\n" + "".join(f"1,{i * 1.5}\n" for i in range(40)),
    "data.json": '[{"a": 1, "y": 2}, {"a": 3, "y": 4}]',
    "page.html": "<html><body><table><tr><td>1</td></tr></table></body></html>\n",
    "nothing.csv": "y\n" + "".join(f"{i * 1.5}\n" for i in range(40)),
}

CASES: list[tuple[str, str, Sequence[str], str]] = [
    ("home.csv", "price", (), r"there is no file .*home\.csv; did you mean homes\.csv\?"),
    ("empty.csv", "y", (), r"empty\.csv is empty; the first line must name the columns"),
    ("header.csv", "y", (), r"header\.csv: below the header: 0 rows; at least"),
    ("one_row.csv", "y", (), r"one_row\.csv: below the header: 1 row; at least"),
    ("homes.csv", "prise", (), r'no column "prise" \(the target\); did you mean price\?'),
    ("no_target.csv", "y", (), r'column "y"'),
    ("one_class.csv", "y", (), r'column "y"'),
    ("many_classes.csv", "y", (), r'column "y": class "c0" has 1 row'),
    ("broken.csv", "y", (), r"broken\.csv, line 22: 4 cells, but the header has 2"),
    ("quote.csv", "y", (), r'a quote \("\) is opened and never closed'),
    ("binary.csv", "y", (), r"binary\.csv is a binary file"),
    ("text.csv", "y", (), r"text\.csv"),
    ("numbers.csv", "1", (), r"the first line must name the columns, but it holds"),
    ("nothing.csv", "y", (), r"nothing\.csv"),
    ("homes.csv", "price", ("--drop", "citi"), r'no column "citi" to drop; did you mean city\?'),
    ("homes.csv", "price", ("--kind", "citi=text"), r'no column "citi" \(kind\); did you mean'),
    (
        "homes.csv",
        "price",
        ("--kind", "city=nombre"),
        r"--kind city must be .* did you mean number\?",
    ),
    ("homes.csv", "price", ("--kind", "city"), r'--kind must be COLUMN=KIND, but got "city"'),
    ("homes.csv", "price", ("--kind", "city=number"), r'city = number, but line \d+ holds "'),
    ("homes.csv", "price", ("--kind", "city=date"), r'city = date, but line \d+ holds "'),
    ("homes.csv", "price", ("--group", "tenent"), r'no column "tenent" \(group\); did you mean'),
    ("homes.csv", "price", ("--group", "price"), r"--group must not be the target, but got price"),
    ("few_groups.csv", "y", ("--group", "g"), r"2 groups; at least 5 are needed"),
    ("homes.csv", "price", ("--time-column", "city"), r'column "city" is no time: "\w+" in line'),
    ("one_time.csv", "y", ("--time-column", "t"), r"1 different time among 40 rows"),
    ("homes.csv", "price", ("--weight", "city"), r'column "city" is no weight: "\w+" in line'),
    ("negative.csv", "y", ("--weight", "w"), r'column "w"'),
    ("homes.csv", "city", ("--task", "regression"), r'column "city": "\w+" is not a number'),
    ("homes.csv", "price", ("--task", "clusters"), r'--task must be "classification" or "regr'),
    ("homes.csv", "pet", ("--metric", "rmse"), r"--metric rmse: rmse is not for a binary task"),
    ("homes.csv", "pet", ("--metric", "roc_acu"), r"there is no metric roc_acu; did you mean roc"),
    ("homes.csv", "price", ("--time", "3s"), r"--time must be at least 5 s, but got 3 s"),
    ("homes.csv", "price", ("--time", "soon"), r'--time must be a duration, but got "soon"'),
    ("homes.csv", "price", ("--more", "1m"), r"there is no study homes in .* that --more could"),
    ("homes.csv", "price", ("--workers", "0"), r"--workers must be at least 1, but got 0"),
    ("homes.csv", "price", ("--memory", "10MiB"), r"--memory must be at least \d+ MiB for"),
    ("homes.csv", "price", ("--single", "--fast"), r"--single and --fast both choose one model"),
    ("homes.csv", "price", ("--encoding", "utf-9"), r"--encoding must be an encoding that Python"),
    ("homes.csv", "price", ("--sep", "ab"), r'--sep must be one character, but got "ab"'),
    ("", "price", (), r"the table's name is empty; name a file, or a folder of images"),
    ("rare_words.csv", "y", (), r"if this is a quantity and not a class: --task regression$"),
    ("mixed.csv", "y", (), r"line 9, .* if these are classes: --task classification$"),
    ("infinite.csv", "y", (), r'line 9, column "y": "inf" is beyond what float32 holds'),
    ("colons.csv", "y", (), r"declare what separates them: --sep :$"),
    ("constant.csv", "y", (), r'no column is left to learn from: "a" \(always 1\)'),
    ("data.json", "y", (), r"data\.json is a JSON file, not a table; save the table as CSV"),
    ("page.html", "y", (), r"page\.html is a web page, not a table; save the table as CSV"),
    ("homes.csv", "price", ("--drop", "price"), r"^tuner: --drop must not name the target"),
    ("homes.csv", "sold", (), r'column "sold": class "2020-01-\d+" has \d rows? .* too few'),
    ("homes.csv", "price", ("--sheet", "May"), r'has no sheet "May"; leave out: --sheet May$'),
    ("homes.csv", "price", ("--decimal", "x"), r'--decimal must be "\." or ",", but got "x"'),
    ("homes.csv", "price", ("--decimal", ",", "--thousands", ","), r"--thousands must not be the"),
    ("homes.csv", "price", ("--encoding", "utf-16"), r"is not text in the encoding utf-16"),
    ("homes.csv", "price", ("--group", "w", "--weight", "w"), r"--weight must not name the group"),
    (
        "homes.csv",
        "price",
        ("--test", "0.9"),
        r"--test must be at most 0\.5, .* write --test 0\.2$",
    ),
    ("https://example.org/homes.csv", "price", (), r"homes\.csv is an address; download the file"),
    ("homes.csv", "price", ("--time-feature",), r"there is none; name the column with --time-col"),
    ("homes.csv", "", (), r"--target must not be empty"),
    ("homes.csv", "Price", (), r'no column "Price" \(the target\); did you mean price\?'),
    ("homes.csv", "price", ("--memory", "lots"), r'--memory must be a size, but got "lots"'),
    ("homes.csv", "price", ("--seed", "-1"), r"--seed must be between 0 and 4294967295"),
    ("homes.csv", "price", ("--storage", "nosuch://x"), r"'nosuch' is not a database that Optuna"),
    ("homes.csv", "price", ("--study-name", ""), r"'--study-name': must not be empty"),
    ("homes.csv", "price", ("--workers", "two"), r"invalid value for '--workers'"),
    ("homes.csv", "price", ("-o", "homes.csv"), r"homes\.csv is a file; choose a folder"),
    ("homes.csv", "price", ("-o", "."), r"is not empty and holds no model bundle"),
]


@pytest.mark.parametrize(
    ("file", "target", "more", "match"),
    CASES,
    ids=[f"{file} {' '.join(more) or target}" for file, target, more, _ in CASES],
)
def test_request_is_refused_in_one_line(
    file: str,
    target: str,
    more: Sequence[str],
    match: str,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Workers would load their libraries meanwhile.
    monkeypatch.setattr(automating, "begin_loading", lambda model, base: None)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    out = () if "-o" in more else ("-o", "model")
    answer = command("automl", file, "--target", target, *out, *more)
    answer.refused(2, match)
    left = {file.name for file in tmp_path.iterdir() if file.name not in FILES}
    assert left <= {"tuner.db"}  # which an open database without a study leaves


def test_ctrl_c_before_the_first_model_says_that_nothing_was_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*given: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(automating, "begin_loading", lambda model, base: None)
    monkeypatch.setattr(automating, "run_study", interrupt)
    (tmp_path / "homes.csv").write_text(HOMES)
    words = ("automl", "homes.csv", "--target", "price", "-o", "model", "--workers", "1")
    answer = command(*words)
    assert answer.status == 130
    assert answer.err.splitlines()[-1] == (
        "interrupted: no bundle was written to model; the same command goes on from what is stored"
    )
    assert not (tmp_path / "model").exists()
