"""What is known of a model can be asked for over HTTP, in spans of time."""

from __future__ import annotations

import json
import shutil

import jsonschema
import pytest
from typer.testing import CliRunner

from watched_home import NAME, a_home, a_label, an_event, catch_up, log, log_hours
from watchkeeper.cli.app import app as commands
from watchkeeper.model.yaml_file import parse
from watchkeeper.sdk import Kind
from watchkeeper.server import reading
from watchkeeper.server.openapi import describe
from watchkeeper.server.route import ROUTES
from watchkeeper.state import Role, model

PATH = f"/api/v1/models/{NAME}"
DAY = {"from": "2024-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Ten hours with labels an hour later; the eighth has lost a column, and an event of the second came late."""
    with a_home(tmp_path_factory.mktemp("watched")) as home:
        log_hours(home, 0, 7)
        log_hours(home, 7, 8, features={"age": 41, "income": 50.0, "plan": None})
        log_hours(home, 8, 10)
        log(home, Kind.LABEL, [a_label(i, i / 40 + 1) for i in range(9 * 40)], 10)
        catch_up(home, 10)
        log(home, Kind.EVENT, [an_event(9999, 1.5)], 10)
        catch_up(home, 10.1)
        yield home


@pytest.fixture
def home(watched):
    return watched.folder


def asked(serve, what, **parameters):
    answer = serve(Role.VIEWER).get(f"{PATH}/{what}", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    operation = describe(ROUTES)["paths"]["/api/v1/models/{model}/" + what]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), {**schema, "components": describe(ROUTES)["components"]})
    return answer.json()


def test_status_is_what_the_command_prints(serve, home):
    printed = CliRunner().invoke(commands, ["status", NAME, "--json", "--home", str(home)])
    told, said = asked(serve, "status"), json.loads(printed.stdout)
    for one in (*told["models"], *said["models"]):
        for passing in ("now", "lag_s", "disk", "todo"):
            assert one.pop(passing)
    assert told == said


def test_findings_have_their_window_and_its_newest_revision(serve, watched):
    told = asked(serve, "findings", **DAY)
    assert (told["model"], told["from"], told["to"], told["next"]) == (NAME, DAY["from"], DAY["to"], None)
    of_plan = [one for one in told["findings"] if one["columns"] == ["plan"] and one["metric"] == "null_share"]
    assert [(one["window_start"], one["severity"], one["value"]) for one in of_plan] == [
        ("2024-01-01T07:00:00Z", "alarm", 1.0)
    ]
    assert of_plan[0]["window_end"] == "2024-01-01T08:00:00Z"
    assert of_plan[0]["window"] == "2024-01-01T07:00:00/2024-01-01T08:00:00"
    kept = watched.lake(watched.model(NAME)).findings()
    assert len(told["findings"]) == kept.num_rows
    assert [one["revision"] for one in told["findings"]] == kept["revision"].to_pylist()


def test_a_span_takes_the_windows_that_start_in_it(serve):
    before = asked(serve, "findings", **{"from": "2024-01-01T06:00:00Z", "to": "2024-01-01T07:00:00Z"})
    assert not [one for one in before["findings"] if one["columns"] == ["plan"]]
    other_zone = asked(serve, "findings", **{"from": "2024-01-01T08:00:00+01:00", "to": "2024-01-01T07:00:00.000001Z"})
    assert {one["window_start"] for one in other_zone["findings"]} == {"2024-01-01T07:00:00Z"}
    assert asked(serve, "findings")["findings"] == []  # of the last week
    for far in ("0001-01-02T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
        assert asked(serve, "findings", to=far)["findings"] == []


def test_windows_tell_how_far_their_labels_have_come_and_their_revision(serve, watched):
    told = asked(serve, "windows", **DAY)["windows"]
    assert [one["start"] for one in told] == [f"2024-01-01T{hour:02}:00:00Z" for hour in range(10)]
    assert [one["events"] for one in told] == [40, 41, *[40] * 8]
    assert [one["revision"] for one in told] == [1, 2, *[1] * 8]
    assert told[0]["coverage"] == 1.0
    assert told[1]["coverage"] == pytest.approx(40 / 41)
    assert told[9] == {
        "start": "2024-01-01T09:00:00Z",
        "end": "2024-01-01T10:00:00Z",
        "revision": 1,
        "events": 40,
        "labels": 0,
        "coverage": 0.0,
        "state": "provisional",
    }
    assert told[0]["state"] == "final"


@pytest.mark.parametrize("most", [1, 3, 4, 9, 10])
@pytest.mark.parametrize("what", ["windows", "findings"])
def test_parts_are_together_the_whole_and_cut_between_windows(serve, monkeypatch, what, most):
    whole = asked(serve, what, **DAY)[what]
    monkeypatch.setattr(reading, "MOST", most)
    parts, start = [], DAY["from"]
    while start:
        part = asked(serve, what, **{**DAY, "from": start})
        assert part[what] or not part["next"]
        starts = {one.get("window_start", one.get("start")) for one in part[what]}
        assert len(part[what]) <= most or len(starts) == 1
        parts += part[what]
        start = part["next"]
    assert parts == whole
    assert len(whole) > 1


@pytest.mark.parametrize("what", ["findings", "windows"])
@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("from=yesterday", 400, "`from`"),
        ("to=2024-01-01", 400, "`to`"),
        ("to=2024-01-01T00:00:00", 400, "`to`"),
        ("from=2024-01-01T00:00:00+01:00", 400, "%2B"),
        ("from=", 400, "`from`"),
        ("from=1704067200", 400, "`from`"),
        ("since=2024-01-01T00:00:00Z", 400, "'since'"),
        ("from=2024-01-01T00:00:00Z&from=2024-01-02T00:00:00Z", 400, "more than once"),
        ("from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z", 422, "before `to`"),
        ("from=2024-01-02T00:00:00Z&to=2024-01-02T00:00:00Z", 422, "before `to`"),
        ("from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", 422, "400 days"),
        ("to=0001-01-01T00:00:00Z", 422, "before `to`"),
        ("from=9999-12-31T23:59:59-23:00", 400, "`from`"),
        ("from=%00", 400, "`from`"),
    ],
)
def test_what_is_no_span_is_refused_with_what_is_wrong(serve, what, query, status, named):
    answer = serve(Role.VIEWER).get(f"{PATH}/{what}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert named in answer.json()["detail"]


@pytest.mark.parametrize("what", ["status", "findings", "windows"])
def test_a_model_that_is_not_there_is_a_404(serve, what):
    client = serve(Role.VIEWER)
    for name in ("nobody-knows", "%2e%2e", "UPPER", "%00"):
        assert client.get(f"/api/v1/models/{name}/{what}").status_code == 404


@pytest.mark.parametrize("what", ["status", "findings", "windows"])
def test_a_lake_that_can_not_be_read_is_a_503_and_the_log_says_why(serve, tmp_path, watched, home, what):
    lake = home / "lake" / NAME
    shutil.move(lake, tmp_path / "lake")
    try:
        for table in ("events", "findings", "coverage"):
            (lake / table / "_delta_log").mkdir(parents=True)
            (lake / table / "_delta_log" / f"{0:020d}.json").write_text("no JSON\n")
        client = serve(Role.VIEWER)
        answer = client.get(f"{PATH}/{what}", params=DAY if what != "status" else None)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:watchkeeper:problem:lake-unavailable")
        assert "lake unavailable" in client.log.getvalue()
    finally:
        shutil.rmtree(lake)
        shutil.move(tmp_path / "lake", lake)


def test_a_column_that_became_personal_is_told_without_its_values(serve, watched, store):
    before = asked(serve, "findings", **DAY)["findings"]
    yaml = model.get(store, NAME).yaml
    changed = yaml.replace("plan:\n    type: string", "plan:\n    type: string\n    pii: true")
    assert parse(changed, "changed").columns["plan"].pii
    model.put(store, NAME, changed, 1, "ann")
    after = asked(serve, "findings", **DAY)["findings"]
    assert len(after) == len(before)
    of_plan = [(a, b) for a, b in zip(before, after, strict=True) if "plan" in a["columns"]]
    shares = [(a, b) for a, b in of_plan if a["metric"] == "null_share"]
    others = [(a, b) for a, b in of_plan if b["value"] is None]
    assert shares
    assert all(a == b for a, b in shares)
    assert all("personal" in b["message"] and b["expected"] is None for _, b in others)
