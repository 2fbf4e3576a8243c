"""Training anew on everything, once a candidate passed."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import gated
from watchkeeper.release import registry
from watchkeeper.release.gate.holdout import CannotGate
from watchkeeper.release.gate.retrain import CannotTrain, retrain
from watchkeeper.release.outcome import Outcome

PIPELINE = f"""\
import sys
sys.path.insert(0, {str(Path(gated.__file__).parent)!r})
import gated
import pyarrow as pa
import pyarrow.parquet as pq
from pathlib import Path

def everything(files):
    tables = [pq.read_table(file) for file in files]
    names = [*gated.FEATURES, "busy"]
    return pa.concat_tables([table.select(names).cast(tables[0].select(names).schema) for table in tables])

def train(files, folder):
    table = everything(files)
    Path(folder, "rows.txt").write_text(str(table.num_rows))
    Path("seen.txt").write_text(str(table.num_rows))
    Path(folder, "model.onnx").write_bytes(gated.onnx(gated.fitted("boosted", table=table), len(gated.FEATURES)))
    return "model.onnx"

def other(files, folder):
    Path(folder, "model.onnx").write_bytes(gated.artefact("plain"))
    return Path(folder) / "model.onnx"

def broken(files, folder):
    raise ValueError("the feature store is away")

def nothing(files, folder):
    return "model.onnx"
"""


@pytest.fixture(scope="module")
def passed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retrain")
    (folder / "pipeline.py").write_text(PIPELINE)
    with gated.home(folder) as home:
        held = gated.held_out(folder)
        verdict = gated.gated(home, gated.register(home, folder, "boosted"), held)
        assert verdict.outcome is Outcome.PASS
        yield home, folder, held, verdict


def again(passed, function):
    home, folder, held, verdict = passed
    more = {"train": [str(folder / "train.parquet")], "now": gated.NOW, "who": "ann"}
    return retrain(home, verdict, held, f"{folder / 'pipeline.py'}:{function}", **more)


def test_a_model_trained_on_everything_is_a_version_of_its_own_that_may_go_live(passed, monkeypatch):
    home, folder, held, verdict = passed
    monkeypatch.chdir(folder)
    found = again(passed, "train")
    assert found.outcome is Outcome.PASS, found.failed
    rows = sum(pq.read_metadata(file).num_rows for file in (folder / "train.parquet", held))
    assert int((folder / "seen.txt").read_text()) == rows
    version = registry.one(home, gated.NAME, found.version)
    assert version.version != verdict.version
    lineage = version.detail["lineage"]
    assert lineage["retrained"]["from"] == verdict.version
    assert lineage["retrained"]["gate"] == verdict.number
    assert lineage["data"]["files"] == ["train.parquet", "latest.parquet"]
    assert found.of == {"version": verdict.version, "gate": verdict.number}
    assert "has seen the held-out rows" in found.notes[0]
    registry.release(home, gated.NAME, found.version, now=gated.NOW, who="ann")
    registry.rollback(home, gated.NAME, why="test", now=gated.NOW, who="ann")


def test_one_that_decides_otherwise_does_not_pass(passed):
    home = passed[0]
    found = again(passed, "other")
    assert found.outcome is Outcome.FAIL
    assert gated.outcome_of(found, "like_the_gated") == "FAIL"
    with pytest.raises(registry.NotPassed):
        registry.release(home, gated.NAME, found.version, now=gated.NOW, who="ann")


@pytest.mark.parametrize(
    ("function", "words"),
    [("broken", "the feature store is away"), ("nothing", "path of the artefact"), ("no", "no func")],
)
def test_a_training_that_brings_nothing_is_told_and_registers_nothing(passed, function, words):
    home = passed[0]
    before = len(registry.versions(home, gated.NAME))
    with pytest.raises(CannotTrain, match=words):
        again(passed, function)
    assert len(registry.versions(home, gated.NAME)) == before


def test_what_did_not_pass_is_not_trained_anew(passed):
    from dataclasses import replace

    home, folder, held, verdict = passed
    with pytest.raises(CannotGate, match="did not pass"):
        again((home, folder, held, replace(verdict, outcome=Outcome.FAIL)), "train")
    assert sys.modules.get("pipeline") is None
