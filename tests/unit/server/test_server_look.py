"""Figures of models: what `status` tells and what is loud, without a trace of what is gone."""

from __future__ import annotations

import io
import math
import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from serving import MODEL, make_home
from watched_home import NAME, a_home, an_event, catch_up, log, log_hours, micro
from watchkeeper import server
from watchkeeper.model import load_config
from watchkeeper.sdk import Kind
from watchkeeper.server import gauge, look
from watchkeeper.state import open_store
from watchkeeper.watch.home import Home
from watchkeeper.watch.log import open_log
from watchkeeper.watch.status import statuses


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """However busy the machine is, a look is waited for."""
    monkeypatch.setattr(look, "PATIENCE_SECONDS", 300.0)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Ten hours, of which the last has lost a column; of the first one, events came twice."""
    with a_home(tmp_path_factory.mktemp("watched")) as home:
        log_hours(home, 0, 9)
        log_hours(home, 9, 10, features={"age": 41, "income": 50.0, "plan": None})
        log(home, Kind.EVENT, [an_event(k, k / 40) for k in range(40)], 10)
        catch_up(home, 10)
        yield home


def scraped(looks):
    """All series by name and labels, as a scraper reads them."""
    registry = CollectorRegistry()
    registry.register(looks)
    text = generate_latest(registry).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def of(found, name, **labels):
    return found[f"watchkeeper_{name}", frozenset(labels.items())]


def named(found, name):
    return {labels: value for (key, labels), value in found.items() if key == f"watchkeeper_{name}"}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_figures_are_those_of_status(watched):
    found = scraped(server.Looks(watched))
    (told,) = statuses(watched, now=micro(10))
    assert of(found, "last_event_timestamp_seconds", model=NAME) == told.flow.newest / 1e6
    assert of(found, "last_received_timestamp_seconds", model=NAME) == micro(10) / 1e6
    assert of(found, "lag_seconds", model=NAME) > 0
    assert of(found, "lake_events", model=NAME) == 400
    assert of(found, "alarms_firing", model=NAME) == len(told.alarms) > 0
    assert of(found, "windows_due", model=NAME) == told.due == 0
    assert of(found, "irregular_records_total", model=NAME, kind="duplicates") == 40
    assert of(found, "irregular_records_total", model=NAME, kind="rejected") == 0
    assert of(found, "disk_bytes", model=NAME, part="lake") == told.disk["lake"] > 0
    assert of(found, "state_bytes") > 0
    assert of(found, "judged_window_end_timestamp_seconds", model=NAME) == micro(10) / 1e6
    assert of(found, "status_readable", model=NAME) == 1
    assert of(found, "status_failures_total") == 0


def test_every_loud_finding_of_the_newest_judged_window_is_a_series(watched):
    found = scraped(server.Looks(watched))
    values = named(found, "finding_value")
    counted = sum(named(found, "findings").values())
    assert len(values) == counted > 1
    labels = {"model": NAME, "check": "null_share", "metric": "null_share", "columns": "plan", "segment": ""}
    assert of(found, "finding_value", **labels, version="", severity="alarm") == 1.0


def test_a_model_without_events_has_only_what_is_known(tmp_path):
    with a_home(tmp_path) as home:
        found = scraped(server.Looks(home))
        assert of(found, "lake_events", model=NAME) == 0
        for name in ("last_event_timestamp_seconds", "lag_seconds", "label_coverage_ratio", "finding_value"):
            assert named(found, name) == {}


def test_a_look_is_good_for_some_seconds_and_then_what_is_gone_is_gone(tmp_path):
    clock = Clock()
    with a_home(tmp_path) as home:
        log_hours(home, 0, 9)
        log_hours(home, 9, 10, features={"age": 41, "income": 50.0, "plan": None})
        catch_up(home, 10)
        looks = server.Looks(home, clock=clock)
        first = scraped(looks)
        assert named(first, "finding_value")
        log_hours(home, 10, 11)
        catch_up(home, 11)
        assert named(scraped(looks), "finding_value") == named(first, "finding_value")
        clock.now += look.FRESH_SECONDS
        after = scraped(looks)
        assert of(after, "findings", model=NAME, severity="alarm") == len(named(after, "finding_value")) == 0
        with home.store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM models")
        clock.now += look.FRESH_SECONDS
        gone = scraped(looks)
        assert not [labels for _, labels in gone if ("model", NAME) in labels]


def test_a_model_that_fails_is_logged_and_counted_and_hides_no_other(tmp_path):
    text = io.StringIO()
    folder = make_home(tmp_path / "home", (MODEL, "other"))
    store = open_store(folder)
    (folder / "lake" / "other").mkdir(parents=True)
    (folder / "lake" / "other" / "events").write_text("a file where a folder should be")
    client = server.Looks(Home(folder, load_config(folder), store), open_log(text))
    found = scraped(client)
    store.close()
    assert of(found, "status_readable", model=MODEL) == 1
    assert of(found, "status_readable", model="other") == 0
    assert of(found, "status_failures_total") == 1
    assert list(named(found, "windows_due")) == [frozenset({("model", MODEL)})]
    assert '"model": "other"' in text.getvalue()


def test_without_a_state_the_server_s_own_figures_are_answered_all_the_same(serve, home, store):
    looks = server.Looks(Home(home, load_config(home), store), open_log(io.StringIO()))
    client = serve(collectors=[looks], is_loopback=True, role=None)
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE models RENAME TO elsewhere")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "watchkeeper_http_requests_total" in answer.text
    assert "watchkeeper_status_failures_total 1.0" in answer.text
    assert "watchkeeper_windows_due{" not in answer.text


def test_a_look_that_hangs_holds_up_no_scrape_and_is_forgotten_after_a_while(watched, monkeypatch):
    clock, go_on = Clock(), threading.Event()
    looks = server.Looks(watched, clock=clock)
    assert named(scraped(looks), "windows_due")
    monkeypatch.setattr(look, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(look, "status", lambda *_, **__: go_on.wait() and None)
    clock.now += look.FRESH_SECONDS
    assert named(scraped(looks), "windows_due")
    clock.now += look.GONE_SECONDS + 1
    assert not named(scraped(looks), "windows_due")
    go_on.set()


def test_series_of_findings_are_few_and_the_worst(watched):
    (told,) = statuses(watched, now=micro(10))
    many = [
        finding(f"c{i}", severity="alarm" if i % 10 == 0 else "warning", evidence=float(i), value=None if i else 0.5)
        for i in range(900)
    ]
    again = finding("c890", severity="alarm", evidence=1.0, value=7.0)
    long = finding("x" * 5000, severity="alarm", evidence=999.0, value=1.0)
    seen = gauge.Seen(told, (micro(9), micro(10)), [*many, again, long, finding("quiet", severity="info")])
    (family,) = [one for one in gauge.families([seen]) if one.name == "watchkeeper_finding_value"]
    assert len(family.samples) == gauge.MOST_FINDINGS
    assert str(gauge.MOST_FINDINGS) in family.documentation
    by_columns = {sample.labels["columns"]: sample for sample in family.samples}
    assert len(by_columns) == gauge.MOST_FINDINGS
    assert sum(sample.labels["severity"] == "alarm" for sample in family.samples) == 91
    assert math.isnan(by_columns["c890"].value)
    assert by_columns["c0"].value == 0.5
    assert max(map(len, by_columns)) == gauge.LONGEST


def finding(column, **more):
    known = {"check": "spike", "metric": "spike", "columns": [column], "segment": None, "version": None}
    return known | {"severity": "warning", "evidence": None, "value": 1.0} | more


def test_values_of_personal_columns_are_no_labels(tmp_path):
    columns = {
        "plan": {"type": "string", "pii": True},
        "income": {"type": "number", "pii": True},
        "country": {"type": "string", "role": "segment", "pii": True},
    }
    with a_home(tmp_path, columns=columns, segments=["country"]) as home:
        log_hours(home, 0, 6)
        odd = {"age": 30, "income": 77_123_456.0, "plan": "SECRET77"}
        events = [an_event(240 + k, 6 + k / 40, features=odd) for k in range(40)]
        log(home, Kind.EVENT, events, 7)
        catch_up(home, 7)
        registry = CollectorRegistry()
        registry.register(server.Looks(home))
        text = generate_latest(registry).decode()
        of_income = [line for line in text.splitlines() if 'metric="range_high"' in line]
        assert of_income
        assert all(line.endswith(" NaN") for line in of_income), of_income
        assert any("country=(masked " in line for line in of_income), of_income
        assert not [word for word in ("SECRET77", "country=DE", "country=IT", "7.7123") if word in text]
