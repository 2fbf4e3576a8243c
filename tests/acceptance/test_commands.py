"""The command line as a user runs it: outputs, exit codes, files, and words."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchkeeper.cli import main


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.err + said.out
    return left.value.code, said.out, said.err


def delivery(path, month, seed, rows=300, **changes):
    """A CSV of one month, with optional columns replaced."""
    rng = np.random.default_rng(seed)
    columns = {
        "id": [str(seed * 10_000 + i) for i in range(rows)],
        "day": [f"{d:02d}/{month:02d}/2024" for d in sorted(rng.integers(1, 29, rows))],
        "age": [str(a) for a in rng.integers(18, 90, rows)],
        "city": list(rng.choice(["Köln", "Bonn", "Ulm"], rows)),
        "paid": [f"{p:.2f}" for p in rng.gamma(2, 20, rows)],
    }
    for name, change in changes.items():
        columns[name] = [change(value, i) for i, value in enumerate(columns[name])]
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return Path(path)


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deliveries")
    for month in range(1, 7):
        delivery(folder / f"2024-{month:02d}.csv", month, month)
    return folder


@pytest.fixture
def model(past, tmp_path, capsys):
    code, _, _ = run(capsys, "init", past / "*.csv", "--timestamp", "day", "--id", "id", "-o", tmp_path / "m.yaml")
    assert code == 0
    return tmp_path / "m.yaml"


def test_a_clean_delivery_is_accepted_with_exit_code_0(past, model, tmp_path, capsys):
    new = delivery(tmp_path / "2024-07.csv", 7, 7)
    code, out, _ = run(capsys, "check", new, "--baseline", past / "*.csv", "--model", model, "--period", "2024-07")
    assert code == 0
    assert "accept" in out.splitlines()[0]


def test_bad_rows_are_set_aside_counted_and_named_and_the_good_ones_kept(past, model, tmp_path, capsys):
    new = delivery(
        tmp_path / "2024-07.csv",
        7,
        7,
        age=lambda v, i: "unknown" if i in (4, 9) else v,
        day=lambda v, i: "31/02/2024" if i == 11 else v,
    )
    good, bad = tmp_path / "good.csv", tmp_path / "bad.jsonl"
    code, out, err = run(
        capsys,
        "check",
        new,
        "--baseline",
        past / "*.csv",
        "--model",
        model,
        "--period",
        "2024-07",
        "--json",
        "-",
        "--accepted",
        good,
        "--quarantine",
        bad,
    )
    answer = json.loads(out)
    assert code == 1
    assert answer["verdict"] == "quarantine_rows"
    assert answer["rows"] == {"read": 300, "good": 297, "quarantined": 3}
    assert [(q["row"], q["columns"]) for q in answer["quarantined"]] == [(5, ["age"]), (10, ["age"]), (12, ["day"])]
    lines = new.read_bytes().split(b"\n")
    assert good.read_bytes() == b"\n".join(line for i, line in enumerate(lines) if i not in (5, 10, 12))
    kept = [json.loads(line) for line in bad.read_text("utf-8").splitlines()]
    assert [k["row"] for k in kept] == [5, 10, 12]
    assert "unknown" in kept[0]["raw"]
    assert "3" in err


def test_the_json_alone_stands_on_standard_output_and_fits_its_published_schema(past, tmp_path, capsys):
    import jsonschema

    new = delivery(tmp_path / "new.csv", 7, 7, paid=lambda v, _: str(float(v) * 100))
    _, out, err = run(capsys, "check", new, "--baseline", past / "*.csv", "--json", "-")
    answer = json.loads(out)
    schema = json.loads((Path(__file__).parents[2] / "docs" / "reference" / "check.schema.json").read_text("utf-8"))
    jsonschema.validate(answer, schema)
    assert any(f["columns"] == ["paid"] and f["severity"] == "alarm" for f in answer["findings"])
    assert "paid" in err


@pytest.mark.parametrize(("fail_on", "expected"), [("alarm", 1), ("warning", 1), ("never", 0)])
def test_fail_on_decides_whether_a_finding_fails_the_command(past, tmp_path, capsys, fail_on, expected):
    new = delivery(tmp_path / "new.csv", 7, 7, paid=lambda v, _: str(float(v) * 100))
    code, _, _ = run(capsys, "check", new, "--baseline", past / "*.csv", "--fail-on", fail_on)
    assert code == expected


def test_never_mutes_findings_only(past, tmp_path, capsys):
    new = tmp_path / "new.csv"
    new.write_bytes(delivery(tmp_path / "x.csv", 7, 7).read_bytes().replace(b"age", b"years", 1))
    code, out, _ = run(capsys, "check", new, "--baseline", past / "*.csv", "--fail-on", "never")
    assert code == 1
    assert "years" in out
    assert "age" in out


def test_the_same_bytes_again_are_rejected(past, tmp_path, capsys):
    again = tmp_path / "2024-07.csv"
    again.write_bytes((past / "2024-03.csv").read_bytes())
    code, out, _ = run(capsys, "check", again, "--baseline", past / "*.csv")
    assert code == 1
    assert "2024-03.csv" in out


def test_every_output_is_written_and_named(past, tmp_path, capsys):
    new = delivery(tmp_path / "new.csv", 7, 7)
    files = {name: tmp_path / name for name in ("r.html", "r.json", "m.parquet", "m2.csv", "m3.jsonl")}
    for option, name in (("--measurements", "m.parquet"), ("--measurements", "m2.csv"), ("--measurements", "m3.jsonl")):
        run(capsys, "check", new, "--baseline", past / "*.csv", option, files[name])
    _, out, _ = run(
        capsys, "check", new, "--baseline", past / "*.csv", "--html", files["r.html"], "--json", files["r.json"]
    )
    assert all(path.stat().st_size for path in files.values())
    assert "r.html" in out.replace("\n", "")
    columns = "window_start window_end segment version check metric columns value low high effect evidence rows judged"
    assert pq.read_table(files["m.parquet"]).column_names == columns.split()
    judged = {
        "null_share",
        "invalid_share",
        "shape",
        "spike",
        "range_low",
        "range_high",
        "unseen_share",
        "rise",
        "rows",
        "correlation",
    }
    reported = {"psi", "js_distance", "ks", "wasserstein", "hellinger", "chi2", "mean", "median", "iqr", "distinct"}
    assert judged | reported <= set(pq.read_table(files["m.parquet"])["metric"].to_pylist())


def test_profile_merge_and_show_work_together(past, model, tmp_path, capsys):
    base, a, b, both = (tmp_path / f"{name}.parquet" for name in ("base", "a", "b", "both"))
    assert run(capsys, "profile", past / "*.csv", "--model", model, "--by", "month", "-o", base)[0] == 0
    for path, month in ((a, 7), (b, 8)):
        new = delivery(tmp_path / f"{month}.csv", month, month)
        assert run(capsys, "profile", new, "--baseline", base, "--by", "month", "-o", path)[0] == 0
    assert run(capsys, "merge", a, b, "-o", both)[0] == 0
    code, out, _ = run(capsys, "show", both, "--column", "age", "--json")
    shown = json.loads(out)
    assert code == 0
    assert [s["rows"] for s in shown["slices"]] == [300, 300]
    assert [c["column"] for c in shown["columns"]] == ["age", "age"]
    assert "age" in run(capsys, "show", both)[1]
    other = tmp_path / "other.parquet"
    run(capsys, "profile", past / "2024-01.csv", "--model", model, "--by", "month", "-o", other)
    code, _, err = run(capsys, "merge", a, other, "-o", tmp_path / "no.parquet")
    assert code == 2
    assert "different edges" in err
    assert not (tmp_path / "no.parquet").exists()


def test_init_does_not_overwrite_what_a_person_edited(past, model, capsys):
    code, _, err = run(capsys, "init", past / "*.csv", "-o", model)
    assert code == 2
    assert "--force" in err


def test_a_mistake_in_the_yaml_names_line_field_and_fix(past, model, tmp_path, capsys):
    text = model.read_text("utf-8").replace("    role: timestamp", "    rol: timestamp", 1)
    line = next(i for i, content in enumerate(text.splitlines(), 1) if "    rol:" in content)
    model.write_text(text, "utf-8")
    code, _, err = run(capsys, "check", past / "2024-01.csv", "--baseline", past / "2024-02.csv", "--model", model)
    assert code == 2
    assert f"line {line}" in err.replace("\n", " ")
    assert "'role'" in err or "`role`" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nowhere.csv", "--baseline", "x.csv"], "nowhere.csv"),
        (["check", "nowhere.csv"], "--baseline"),
        (["show", "nowhere.parquet"], "nowhere.parquet"),
        (["chek"], "chek"),
    ],
)
def test_wrong_usage_and_missing_files_are_exit_code_2(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert words in err


def test_an_unreadable_baseline_is_exit_code_4(past, tmp_path, capsys):
    torn = tmp_path / "torn.csv.gz"
    import gzip

    torn.write_bytes(gzip.compress((past / "2024-01.csv").read_bytes())[:900])
    code, _, err = run(capsys, "check", past / "2024-02.csv", "--baseline", torn)
    assert code == 4
    assert "torn.csv.gz" in err


def test_a_profile_file_is_told_from_data(past, tmp_path, capsys):
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"x": [1, 2]}), plain)
    code, _, err = run(capsys, "show", plain)
    assert code == 2
    assert "profile" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is not there")
def test_a_full_disk_is_exit_code_4_and_says_so(past, tmp_path, capsys):
    new = delivery(tmp_path / "new.csv", 7, 7)
    code, _, err = run(capsys, "check", new, "--baseline", past / "*.csv", "--json", "/dev/full")
    assert code == 4
    assert "full" in err


HEEDING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("watchkeeper", run_name="__main__", alter_sys=True)
"""
"""The command, which heeds an interrupt even where a shell runs the tests in the background and so ignores it."""


@pytest.mark.skipif(os.name == "nt", reason="processes are interrupted otherwise on Windows")
def test_an_interrupt_while_rows_are_written_leaves_nothing_half_written(past, tmp_path):
    """Where the command ends before the signal reaches it, on a busy machine, the file is whole: it is tried again."""
    new = delivery(tmp_path / "new.csv", 7, 7, rows=600_000)
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", HEEDING, "check", str(new), "--baseline", str(past / "*.csv")]
    for _ in range(10):
        code, said = interrupted([*command, "--accepted", str(out / "good.csv")], out)
        if code == 130:
            break
        assert (out / "good.csv").read_bytes() == new.read_bytes()
        (out / "good.csv").unlink()
    assert code == 130
    assert said.endswith("Interrupted. Nothing half-written was left behind.\n")
    assert list(out.iterdir()) == []


def interrupted(command, folder):
    """What a command ends with, and says, that is interrupted once it writes into a folder."""
    ran = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not list(folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.001)
    ran.send_signal(signal.SIGINT)
    _, said = ran.communicate(timeout=60)
    return ran.returncode, said


def test_colours_stand_only_on_a_terminal(past, tmp_path):
    new = delivery(tmp_path / "new.csv", 7, 7)
    command = [sys.executable, "-m", "watchkeeper", "check", str(new), "--baseline", str(past / "*.csv")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TERM": "xterm-256color"})
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["demo", "init", "check", "profile", "merge", "show"])
def test_help_shows_examples(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert "watchkeeper" in out


@pytest.mark.parametrize("option", ["--accepted", "--quarantine", "--html", "--json", "--measurements"])
def test_no_output_overwrites_what_is_read(past, tmp_path, capsys, option):
    new = delivery(tmp_path / "new.csv", 7, 7)
    before = new.read_bytes()
    code, _, err = run(capsys, "check", new, "--baseline", past / "*.csv", option, new)
    assert code == 2
    assert "overwritten" in err
    assert new.read_bytes() == before


def test_two_outputs_of_one_name_are_refused(past, tmp_path, capsys):
    new = delivery(tmp_path / "new.csv", 7, 7)
    same = tmp_path / "out"
    code, _, err = run(capsys, "check", new, "--baseline", past / "*.csv", "--html", same, "--json", same)
    assert code == 2
    assert "two outputs" in err


def test_a_rejected_file_leaves_no_stale_good_rows_behind(past, tmp_path, capsys):
    new, good = tmp_path / "new.csv", tmp_path / "good.csv"
    new.write_bytes(delivery(tmp_path / "x.csv", 7, 7).read_bytes().replace(b"age", b"years", 1))
    good.write_text("yesterday's rows")
    code, _, _ = run(capsys, "check", new, "--baseline", past / "*.csv", "--accepted", good)
    assert code == 1
    assert not good.exists()


def test_a_segment_that_there_is_not_is_named_with_what_is_near(past, tmp_path, capsys):
    new = delivery(tmp_path / "new.csv", 7, 7)
    code, _, err = run(capsys, "check", new, "--baseline", past / "*.csv", "--segment", "citty")
    assert code == 2
    assert "'city'" in err


def test_infinities_and_nan_where_there_were_none_are_told(tmp_path, capsys):
    rng = np.random.default_rng(0)
    base, new = rng.normal(size=2_000), rng.normal(size=500)
    other = new.copy()
    new[:50], other[:50] = np.inf, np.nan
    pq.write_table(pa.table({"x": base, "y": base}), tmp_path / "base.parquet")
    pq.write_table(pa.table({"x": new, "y": other}), tmp_path / "new.parquet")
    code, out, _ = run(
        capsys, "check", tmp_path / "new.parquet", "--baseline", tmp_path / "base.parquet", "--json", "-"
    )
    loud = {(f["metric"], *f["columns"]) for f in json.loads(out)["findings"] if f["severity"] == "alarm"}
    assert code == 1
    assert {("invalid_share", "x"), ("null_share", "y")} <= loud


def test_debug_shows_the_traceback_and_keeps_the_exit_code(past, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["--debug", "check", str(past / "2024-01.csv"), "--baseline", str(past / "*.csv"), "--by", "minute"])
    assert left.value.code == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["check", "{new}", "--html", "-"], ["check", "{new}", "--accepted", "-"], ["init", "-o", "-"]]
)
def test_a_dash_is_no_file(past, tmp_path, capsys, monkeypatch, command):
    new = delivery(tmp_path / "new.csv", 7, 7)
    monkeypatch.chdir(tmp_path)
    data = ["--baseline", past / "*.csv"] if command[0] == "check" else [past / "*.csv"]
    code, _, err = run(capsys, *[word.format(new=new) for word in command], *data)
    assert code == 2
    assert "/dev/stdout" in err
    assert not (tmp_path / "-").exists()


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout here")
def test_standard_output_may_be_named_as_a_device(past, tmp_path):
    command = [sys.executable, "-m", "watchkeeper"]
    done = subprocess.run([*command, "init", str(past / "*.csv"), "-o", "/dev/stdout"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.count("\ncolumns:")) == (0, 1)
    new = delivery(tmp_path / "new.csv", 7, 7)
    checked = [*command, "check", str(new), "--baseline", str(past / "*.csv"), "--json", "/dev/stdout"]
    done = subprocess.run(checked, capture_output=True, text=True)
    assert done.returncode == 0
    assert json.JSONDecoder().raw_decode(done.stdout)[0]["verdict"] == "accept"


@pytest.mark.parametrize(("more", "expected"), [([], 0), (["--json", "-"], 4)], ids=["words", "json"])
def test_a_reader_who_leaves_makes_no_verdict(past, tmp_path, more, expected):
    new = delivery(tmp_path / "new.csv", 7, 7)
    command = [sys.executable, "-m", "watchkeeper", "check", str(new), "--baseline", str(past / "*.csv"), *more]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == expected
    assert "Traceback" not in done.stderr


def test_profiles_are_a_baseline_and_no_delivery(past, tmp_path, capsys):
    new = delivery(tmp_path / "new.csv", 7, 7)
    for name, month in (("a", 1), ("b", 2)):
        edges = ["--baseline", tmp_path / "a.parquet"] if name == "b" else []
        run(capsys, "profile", past / f"2024-0{month}.csv", *edges, "-o", tmp_path / f"{name}.parquet")
    code, out, _ = run(capsys, "check", new, "--baseline", tmp_path / "a.parquet", "--baseline", tmp_path / "b.parquet")
    assert (code, "2 profile files" in out) == (0, True)
    code, _, err = run(capsys, "check", tmp_path / "a.parquet", "--baseline", past / "*.csv")
    assert (code, "a.parquet holds profiles" in err) == (2, True)
    for command in (["profile", new], ["merge", tmp_path / "a.parquet"]):
        code, _, err = run(capsys, *command, "-o", tmp_path / "x.txt")
        assert (code, "the ending .parquet" in err) == (2, True)


@pytest.mark.parametrize("second", [("--role", "x=feature"), ("--id", "x"), ("--target", "x"), ("--timestamp", "x")])
def test_two_roles_for_one_column_are_wrong_usage(tmp_path, capsys, second):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    code, _, err = run(capsys, "init", tmp_path / "a.csv", "-o", tmp_path / "m.yaml", "--role", "x=segment", *second)
    assert code == 2
    assert "both segment" in " ".join(err.replace("│", " ").split())
    assert not (tmp_path / "m.yaml").exists()


def test_one_role_said_twice_is_fine_and_one_column_is_one_column(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("x\n1\n3\n")
    code, _, err = run(
        capsys, "init", tmp_path / "a.csv", "-o", tmp_path / "m.yaml", "--role", "x=feature", "--role", "x=feature"
    )
    assert code == 0
    assert "m.yaml: 1 column. Read it" in err.replace("\n", " ")


def test_a_model_is_called_after_the_folder_that_was_named(tmp_path, capsys):
    for day in ("day=1", "day=2"):
        (tmp_path / "Sales" / day).mkdir(parents=True)
        (tmp_path / "Sales" / day / "part.csv").write_text("x\n1\n3\n")
    for place, named in enumerate((tmp_path / "Sales", tmp_path / "Sales" / "*" / "*.csv", f"{tmp_path}/Sales/")):
        out = tmp_path / f"{place}.yaml"
        assert run(capsys, "init", named, "-o", out)[0] == 0
        assert "\nname: sales\n" in out.read_text("utf-8")


@pytest.mark.parametrize("name", ["x.xlsx", "x.csv.bz2"])
def test_a_delivery_in_a_container_that_is_not_read_is_rejected_and_the_json_written(past, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"BZh91AY")
    told = tmp_path / "told.json"
    code, _, _ = run(capsys, "check", tmp_path / name, "--baseline", past / "*.csv", "--json", told)
    assert code == 1
    found = json.loads(told.read_text("utf-8"))
    assert (found["verdict"], [one["check"] for one in found["findings"]]) == ("reject_file", ["container"])
    code, _, err = run(capsys, "check", past / "2024-01.csv", "--baseline", tmp_path / name)
    assert code == 4
    assert "files are not read" in err.replace("\n", " ")
