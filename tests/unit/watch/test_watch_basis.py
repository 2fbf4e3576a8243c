"""What can't be a baseline is named, with what to give instead, and leaves nothing behind."""

from __future__ import annotations

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchkeeper as wk
from hotel import BEFORE, YAML, baseline, event, home, log, micro, rows
from watchkeeper.cli import main
from watchkeeper.watch.add import read, rebase
from watchkeeper.watch.home import opened
from watchkeeper.watch.profiled import BaselineUnreadable
from watchkeeper.watch.run import run


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "m.yaml").write_text(YAML)
    base = baseline(folder / "base.parquet")
    sent = [msgspec.json.encode(event(row)) for row in rows(BEFORE, 1, 2)]
    (folder / "events.jsonl").write_bytes(b"\n".join(sent))
    (folder / "notes.txt").write_text("Dear all,\nplease find attached\n")
    pq.write_table(pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]}), folder / "other.parquet")
    wk.profile(folder / "other.parquet", output=folder / "foreign.parquet")
    wk.profile(base, model=folder / "m.yaml", by="day", output=folder / "days.parquet")
    wk.profile(base, model=folder / "m.yaml", by="week", output=folder / "weeks.parquet")
    return folder


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("events.jsonl", r"events\.jsonl holds events as they are logged.*watchkeeper ingest hotel -"),
        ("notes.txt", r"notes\.txt has none of the 9 columns .* Give files with the model's columns"),
        ("other.parquet", r"other\.parquet: 8 columns are missing.* Give files with the model's columns"),
        ("foreign.parquet", r"foreign\.parquet: its profiles have no column `booking`.*watchkeeper profile FILES"),
        ("weeks.parquet", r"weeks\.parquet: these profiles are cut into longer .* windows .* or finer ones"),
    ],
)
def test_a_file_that_can_be_no_baseline_is_named_with_what_to_give(files, name, said):
    with pytest.raises(BaselineUnreadable, match=said) as told:
        read(files / "m.yaml", [str(files / name)])
    assert str(told.value).count(name) == 1
    assert "sender" not in str(told.value)


def test_a_failed_add_makes_no_home_and_leaves_one_that_is_there_as_it_was(files, tmp_path, capsys):
    def adds(name, folder):
        with pytest.raises(SystemExit) as left:
            main(["add", str(files / "m.yaml"), "--baseline", str(files / name), "--home", str(folder)])
        return left.value.code, capsys.readouterr().err

    code, err = adds("notes.txt", tmp_path / "new")
    assert (code, "notes.txt" in err) == (4, True)
    assert not (tmp_path / "new").exists()
    with home(tmp_path) as made:
        folder = made.folder
    before = set(folder.rglob("*"))
    assert adds("notes.txt", folder)[0] == 4
    assert set(folder.rglob("*")) == before
    with opened(folder) as made:
        assert [model.name for model in made.models()] == ["hotel"]


def test_profiles_may_be_the_baseline_and_windows_are_judged_as_by_the_data(files, tmp_path):
    found = []
    for name in ("base.parquet", "days.parquet"):
        with opened(tmp_path / name, make=True) as made:
            from watchkeeper.watch.add import add

            add(made, files / "m.yaml", [str(files / name)], now=micro(BEFORE), who="test")
            days = rows(BEFORE, 2, 2)
            for row in days[::2]:
                row["price"] = None
            log(made.folder, [event(row) for row in days])
            (one,) = run(made, now=micro(BEFORE + 2))
            found.append([(f.metric, f.columns, f.window, f.value, f.expected) for f in one.findings])
            if name == "days.parquet":
                model = made.model("hotel")
                done = rebase(made, model, [str(files / name)], reason="again", now=micro(BEFORE + 2), who="test")
                assert done.silenced is None
    assert found[0] == found[1]
    assert found[0]
