"""Registered versions are compared as a user does it: real ONNX files, real processes, files and events."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import gated
import watchkeeper
from watchkeeper.cli.app import app
from watchkeeper.release import registry
from watchkeeper.release.compare.compare import CannotCompare, compared
from watchkeeper.release.gate.holdout import CannotGate
from watchkeeper.release.registry import NoSuchVersion

PERSONAL = gated.YAML.replace("weathersit: {", "weathersit: {pii: true, ")


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """A home with `v1` (plain) live and `v2` (boosted) registered, and a file of later hours."""
    folder = tmp_path_factory.mktemp("compared")
    with gated.home(folder) as home:
        gated.register(home, folder, "boosted")
        yield home, folder, gated.held_out(folder)


def test_both_versions_answer_each_row_as_their_estimators_do(versions):
    home, _, file = versions
    told = []
    found = compared(home, gated.NAME, "v1", "v2", file, told=told.append)
    table = pq.read_table(file)
    old, new = (gated.fitted(kind).predict(gated.matrix(table)) for kind in ("plain", "boosted"))
    label = np.asarray(table["busy"]).astype(int)
    assert found.rows == found.labelled == table.num_rows
    assert found.decisions.flipped.count == (old != new).sum()
    assert found.churn.good.count == ((old != label) & (new == label)).sum()
    assert {one.column for one in found.segments} == {"weathersit"}
    assert sum(told) == 3 * table.num_rows  # read once, answered twice
    assert found.moved[0].id in set(table["id"].to_pylist())


def test_rows_without_labels_and_unneeded_columns_are_compared_too(versions, tmp_path):
    home, _, file = versions
    bare = pq.read_table(file).drop(["busy", "weathersit"])
    pq.write_table(bare, tmp_path / "bare.parquet")
    found = compared(home, gated.NAME, "v1", "v2", str(tmp_path / "bare.parquet"))
    whole = compared(home, gated.NAME, "v1", "v2", file)
    assert found.decisions == whole.decisions
    assert found.churn is None
    assert found.labelled == 0
    assert found.segments == ()


def test_a_file_without_a_column_that_a_version_takes_is_refused_by_name(versions, tmp_path):
    home, _, file = versions
    pq.write_table(pq.read_table(file).drop(["temp"]), tmp_path / "gap.parquet")
    with pytest.raises(CannotCompare, match="'temp'"):
        compared(home, gated.NAME, "v1", "v2", str(tmp_path / "gap.parquet"))


def test_what_is_no_version_and_no_span_is_told(versions):
    home, _, file = versions
    with pytest.raises(NoSuchVersion, match="v9"):
        compared(home, gated.NAME, "v1", "v9", file)
    with pytest.raises(CannotGate, match="last:7d"):
        compared(home, gated.NAME, "v1", "v2", "last:soon")
    with pytest.raises(CannotGate, match="no event"):
        compared(home, gated.NAME, "v1", "v2", "last:7d")


def test_the_threshold_of_each_version_is_used(versions):
    home, folder, file = versions
    strict = registry.register(
        home,
        gated.NAME,
        folder / "model.onnx",
        inputs=list(gated.FEATURES),
        lineage={"thresholds": {"threshold": 0.9}},
        now=gated.NOW,
        who="ann",
    )
    found = compared(home, gated.NAME, "v2", strict.version, file)
    assert found.decisions.thresholds == (None, 0.9)
    score = gated.fitted("boosted").predict_proba(gated.matrix(pq.read_table(file)))[:, 1]
    assert found.decisions.flipped.count == pytest.approx(
        ((score > 0.5) != (score >= 0.9)).sum(), abs=2
    )  # 32-bit floats


def test_the_threshold_that_the_gate_learned_is_used(tmp_path):
    with gated.home(tmp_path, gate_lines="gate:\n  threshold: {recall: 0.9}\n") as home:
        gated.register(home, tmp_path, "boosted")
        file = gated.held_out(tmp_path)
        verdict = gated.gated(home, "v2", file)
        found = compared(home, gated.NAME, "v1", "v2", file)
    assert found.decisions.thresholds == (None, verdict.thresholds["score"])
    assert verdict.thresholds["score"] is not None
    assert any("v2 by its threshold" in note for note in found.notes)


def test_personal_segments_are_masked_in_all_that_people_read(tmp_path):
    with gated.home(tmp_path, yaml=PERSONAL) as home:
        gated.register(home, tmp_path, "boosted")
    file = gated.held_out(tmp_path)
    page, data = tmp_path / "c.html", tmp_path / "c.json"
    given = ["compare", gated.NAME, "v1", "v2", "--on", file, "--home", str(tmp_path / "home")]
    ran = CliRunner().invoke(app, [*given, "--html", str(page), "--json", str(data)], catch_exceptions=False)
    assert ran.exit_code == 0
    known = json.loads(data.read_text())
    assert {one["segment"][:20] for one in known["segments"]} == {
        "weathersit=(masked 1",
        "weathersit=(masked 2",
        "weathersit=(masked 3",
    }
    assert {row["features"]["weathersit"] for row in known["moved"]} == {"(masked)"}
    assert "weathersit=1" not in page.read_text() + ran.output


def test_the_command_says_in_few_lines_what_changes_and_writes_a_page_of_its_own(versions, tmp_path):
    home, _, file = versions
    page = tmp_path / "compare.html"
    given = ["compare", gated.NAME, "v1", "v2", "--on", file, "--html", str(page), "--home", str(home.folder)]
    ran = CliRunner().invoke(app, given, catch_exceptions=False)
    assert ran.exit_code == 0
    assert "v2 decides otherwise than v1 for" in ran.output
    assert "Good or bad" in ran.output
    assert len(ran.output.splitlines()) <= 32
    text = page.read_text()
    assert "<svg" in text
    assert "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_json_on_standard_output_is_alone_there(versions):
    home, _, file = versions
    given = ["compare", gated.NAME, "v1", "v1", "--on", file, "--json", "-", "--rows", "0", "--home", str(home.folder)]
    ran = CliRunner().invoke(app, given, catch_exceptions=False)
    found = json.loads(ran.stdout)
    assert found["decisions"]["flipped"]["count"] == 0
    assert found["moved"] == []
    assert "decides as v1 does" in ran.stderr


def test_python_gives_the_same_comparison(versions):
    home, _, file = versions
    found = watchkeeper.compare(gated.NAME, "v1", "v2", file, home=home.folder)
    assert found == compared(home, gated.NAME, "v1", "v2", file)


def test_the_newest_events_are_compared_as_they_were_served(tmp_path):
    from watchkeeper.sdk import Event, Kind, SegmentWriter, encode, inbox_of, pack
    from watchkeeper.watch.run import run

    with gated.home(tmp_path) as home:
        gated.register(home, tmp_path, "boosted")
        table = gated.rows("2012-01-01", "2012-01-15")
        events = [
            Event(
                id=row["id"],
                time=row["at"],
                version="v1",
                features={name: row[name] for name in gated.FEATURES},
                context={"weathersit": row["weathersit"]},
                prediction=0,
                score=0.5,
            )
            for row in table.to_pylist()
        ]
        writer = SegmentWriter(inbox_of(home.folder, gated.NAME))
        writer.append(pack(Kind.EVENT, gated.NOW, encode(events)))
        writer.sync()
        writer.close()
        run(home, now=gated.NOW)
        found = compared(home, gated.NAME, "v1", "v2", "last:7d")
        newest = pc.max(table["at"]).as_py()
        expected = sum((newest - at.as_py()).total_seconds() < 7 * 86_400 for at in table["at"])
        assert found.rows == expected
        last = table.slice(table.num_rows - expected)
        old, new = (gated.fitted(kind).predict(gated.matrix(last)) for kind in ("plain", "boosted"))
        assert found.decisions.flipped.count == (old != new).sum()
        asked = ["compare", gated.NAME, "v1", "v2", "--on", "last:7d", "--json", "-", "--home", str(home.folder)]
        ran = CliRunner().invoke(app, asked, catch_exceptions=False)
        assert json.loads(ran.stdout)["rows"] == expected
