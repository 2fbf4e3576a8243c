from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from watchkeeper.sdk import (
    BadName,
    Event,
    JobRun,
    Kind,
    Label,
    Logger,
    MetricPoint,
    NoSuchModel,
    SDKError,
    frames,
    read,
    segments,
)

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "inbox" / "hotel").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def log(home):
    with Logger("hotel", home=home, period=None) as log:
        yield log


class Worded:
    def __str__(self):
        return "worded"


class Wordless:
    def __str__(self):
        raise ValueError("no words")


def logged(log, home, kind=None):
    """All that is in the inbox after a flush; a closed logger has also told its last figures."""
    assert log.flush()
    found = (frame for path in segments(home / "inbox" / "hotel") for frame in frames(path.read_bytes()))
    return [record for frame in found if kind in {None, frame.kind} for record in read(frame.kind, frame.payload)]


def test_a_prediction_is_recorded_with_its_time_and_latency(log, home):
    before = datetime.now(UTC)
    with log.predict({"age": 31}, version="v7", id="b1", raw={"born": "1993"}, context={"position": 2}) as prediction:
        prediction.prediction, prediction.score, prediction.scores = "stays", 0.7, {"stays": 0.7, "leaves": 0.3}
    (event,) = logged(log, home)
    assert before - timedelta(milliseconds=1) <= event.time <= datetime.now(UTC)
    assert event.latency_ms > 0
    assert event == Event(
        id="b1",
        time=event.time,
        features={"age": 31},
        version="v7",
        raw={"born": "1993"},
        prediction="stays",
        score=0.7,
        scores={"stays": 0.7, "leaves": 0.3},
        context={"position": 2},
        latency_ms=event.latency_ms,
    )


def test_features_are_recorded_as_they_were_on_entry(log, home):
    features = {"age": 31}
    with log.predict(features):
        features["age"] = 99
    assert logged(log, home)[0].features == {"age": 31}


def test_an_exception_of_the_block_is_recorded_and_goes_on_untouched(log, home):
    trouble = KeyError("tariff")
    with pytest.raises(KeyError) as raised, log.predict({"age": 31}, id="b1"):
        raise trouble
    assert raised.value is trouble
    assert logged(log, home)[0].error == "KeyError: 'tariff'"


def test_an_exception_whose_text_cannot_be_had_is_recorded_by_its_class(log, home):
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    with pytest.raises(Silent), log.predict({}):
        raise Silent
    assert logged(log, home)[0].error.startswith("Silent: its text can't be had")


def test_an_event_without_an_id_gets_one_of_its_own(log, home):
    with log.predict({}) as first, log.predict({}) as second:
        pass
    assert first.id != second.id
    log.label(first.id, 1)
    assert {record.id for record in logged(log, home)} == {first.id, second.id}


@pytest.mark.parametrize("id", [4711, np.int64(4711), "4711"])
def test_a_number_as_id_meets_its_label_as_text(log, home, id):
    with log.predict({}, id=id):
        pass
    log.label(id, np.float32(2.5), at="2024-05-01T14:00:00+02:00")
    event, label = logged(log, home)
    assert event.id == label.id == "4711"
    assert label == Label(id="4711", label=2.5, time=NOON)


@pytest.mark.parametrize(
    "value",
    [
        np.float32(1.5),
        np.array([1, 2]),
        np.str_("x"),
        np.bool_(True),
        UUID(int=5),
        NOON,
        {1, 2},
        None,
        [{"a": (1, 2)}],
        b"x",
    ],
)
def test_values_of_common_libraries_are_recorded_as_plain_ones(log, home, value):
    with log.predict({"value": value}):
        pass
    (event,) = logged(log, home)
    assert log.counts.invalid == 0
    assert isinstance(event.features["value"], int | float | str | list | datetime | bytes | None)


def test_columns_that_are_numbered_get_text_as_names(log, home):
    with log.predict({0: 1.5, np.int64(1): 2}):
        pass
    assert logged(log, home)[0].features == {"0": 1.5, "1": 2}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda log: log.predict(5),
        lambda log: log.predict({}, id=4711.0),
        lambda log: log.predict({}, id=True),
        lambda log: log.predict({}, time=datetime(2024, 5, 1)),  # noqa: DTZ001
        lambda log: log.predict({}, time="yesterday"),
        lambda log: log.predict({}, time=1e30),
        lambda log: log.predict({}, version=7),
        lambda log: log.predict({"model": object()}),
        lambda log: log.predict({"number": 2**70}),
        lambda log: log.event({}, score="high"),
        lambda log: log.event(5),
        lambda log: log.event({}, scores=5),
        lambda log: log.label(None, 1),
        lambda log: log.label("a", None),
        lambda log: log.label("a", [1]),
        lambda log: log.label("a", 1, at=NOON.replace(tzinfo=None)),
        lambda log: log.label("a", 1, at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        lambda log: log.metric("cost", "much"),
        lambda log: log.metric("cost", float("nan")),
        lambda log: log.metric("", 1),
        lambda log: log.metric("cost", 1, tags=5),
    ],
)
def test_a_wrong_value_never_throws_and_is_counted_and_told_and_loses_nothing_else(log, home, caplog, wrong):
    log.label("before", 1)
    for _ in range(2):
        done = wrong(log)
        if hasattr(done, "__enter__"):
            with done:
                pass
    log.label("after", 1)
    assert [record.id for record in logged(log, home)] == ["before", "after"]
    assert log.counts.invalid == 2
    assert log.counts.durable == 2
    assert len([line for line in caplog.records if "hotel" in line.message]) == 1


@pytest.mark.parametrize("levels", [32, 900])
def test_features_that_are_nested_too_deeply_are_refused(log, home, levels):
    deep = {}
    for _ in range(levels):
        deep = [deep]
    with log.predict({"deep": deep}):
        pass
    assert logged(log, home) == []
    assert log.counts.invalid == 1


def test_features_that_hold_themselves_are_refused(log, home):
    endless = {}
    endless["self"] = endless
    with log.predict(endless):
        pass
    assert logged(log, home) == []
    assert log.counts.invalid == 1


def test_an_event_of_which_all_is_at_hand(log, home):
    key = log.event({"age": 31}, time=NOON, prediction=1, score=0.5, latency_ms=3, error="slow")
    assert logged(log, home) == [
        Event(id=key, time=NOON, features={"age": 31}, prediction=1, score=0.5, latency_ms=3.0, error="slow")
    ]


def test_a_metric_point_has_tags_as_text(log, home):
    log.metric("cost", np.int64(3), at=NOON.timestamp(), tags={"shop": 7})
    assert logged(log, home) == [MetricPoint(name="cost", time=NOON, value=3.0, tags={"shop": "7"})]


def test_a_job_records_its_start_and_its_end(log, home):
    with log.job("nightly", run=5, packages=["numpy", "no-such-package"]) as job:
        job.rows, job.inputs = 120, ["bookings.parquet"]
    started, ended = logged(log, home)
    assert started == JobRun(job="nightly", run="5", status="started", time=started.time)
    assert (ended.job, ended.run, ended.status, ended.rows, ended.inputs) == (
        "nightly",
        "5",
        "ok",
        120,
        ["bookings.parquet"],
    )
    assert ended.duration_s > 0
    assert ended.versions["numpy"] == np.__version__
    assert ended.versions["no-such-package"] == "not installed"
    assert "python" in ended.versions


@pytest.mark.parametrize(
    ("field", "value", "kept", "lost"),
    [
        (
            "inputs",
            {"a": Path("b.parquet"), 2: {"c": [UUID(int=1)]}},
            {"a": "b.parquet", "2": {"c": [str(UUID(int=1))]}},
            0,
        ),
        ("inputs", {"a": Worded()}, {"a": "worded"}, 0),
        ("inputs", {"a": Wordless()}, None, 1),
        ("inputs", {"a": 2**70}, None, 1),
        ("rows", "many", None, 1),
        ("versions", {"model": 3}, None, 1),
        ("versions", ["model"], None, 1),
    ],
)
def test_a_job_ends_whatever_was_said_of_it(log, home, field, value, kept, lost):
    with log.job("nightly", run="5") as job:
        job.rows, job.inputs, job.versions = 120, ["x"], {"numpy": "2"}
        setattr(job, field, value)
    started, ended = logged(log, home, Kind.JOB)
    said = {"rows": 120, "inputs": ["x"], "versions": {"numpy": "2"}} | {field: kept}
    assert (started.status, ended.status, ended.run) == ("started", "ok", "5")
    assert {name: getattr(ended, name) for name in said} == said
    assert ended.duration_s > 0
    assert log.counts.invalid == lost


def test_a_job_that_raises_has_failed_and_the_exception_goes_on(log, home):
    with pytest.raises(ZeroDivisionError), log.job("nightly"):
        1 / 0  # noqa: B018
    started, ended = logged(log, home)
    assert (started.status, ended.status) == ("started", "failed")
    assert started.run == ended.run


def test_a_decorated_function_is_recorded_and_returns_what_it_returned(log, home):
    @log.predictions(version="v7", id=lambda row, **_: row["id"])
    def model(row, *, offset=0):
        """Predicts."""
        return row["x"] + offset

    assert model({"id": 5, "x": 1}, offset=2) == 3
    assert model.__doc__ == "Predicts."
    (event,) = logged(log, home)
    assert (event.id, event.features, event.prediction, event.version) == ("5", {"id": 5, "x": 1}, 3, "v7")


def test_a_decorated_function_may_return_scores(log, home):
    @log.predictions(features=lambda *values: {"sum": sum(values)})
    def model(*values):
        return {"prediction": "a", "score": 0.5, "scores": {"a": 0.5}}

    model(1, 2)
    (event,) = logged(log, home)
    assert (event.features, event.prediction, event.score, event.scores) == ({"sum": 3}, "a", 0.5, {"a": 0.5})


def test_a_decorated_function_is_called_even_where_its_features_cannot_be_had(log, home):
    @log.predictions(features=lambda row: row["no such"])
    def model(row):
        return 5

    assert model({}) == 5
    assert logged(log, home) == []
    assert log.counts.invalid == 1


def test_coroutines_are_recorded_each_with_its_own_prediction(log, home):
    @log.predictions()
    async def model(row):
        await asyncio.sleep(0.001 * row["x"])
        if row["x"] == 3:
            raise ValueError(3)
        return row["x"] * 10

    async def all_of_them():
        return await asyncio.gather(*(model({"x": x}) for x in (5, 3, 1)), return_exceptions=True)

    answers = asyncio.run(all_of_them())
    assert [answers[0], answers[2]] == [50, 10]
    assert {event.features["x"]: (event.prediction, event.error) for event in logged(log, home)} == {
        5: (50, None),
        3: (None, "ValueError: 3"),
        1: (10, None),
    }


def test_many_threads_lose_and_double_nothing(log, home):
    def work(number):
        for call in range(500):
            with log.predict({"x": call}, id=f"{number}-{call}"):
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [event.id for event in logged(log, home)]
    assert len(ids) == len(set(ids)) == 4000 == log.counts.durable


def test_a_home_without_the_model_is_told_when_the_logger_is_made(tmp_path):
    with pytest.raises(NoSuchModel, match=r"watchkeeper add hotel\.yaml"):
        Logger("hotel", home=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../other", "Hotel", "a/b", "x" * 64])
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(BadName):
        Logger(name, home=tmp_path)


@pytest.mark.parametrize(
    "options", [{"queue": 0}, {"when_full": "wait"}, {"url": "ftp://x"}, {"url": "http://x:y"}, {"url": "x"}]
)
def test_wrong_options_are_told_when_the_logger_is_made(home, options):
    with pytest.raises(SDKError):
        Logger("hotel", home=home, **options)


@pytest.mark.parametrize("token", ["", "two words", "wk_1\r\nHost: evil"])
def test_a_token_that_is_none_is_refused(tmp_path, token):
    with pytest.raises(SDKError, match="token"):
        Logger("hotel", url="http://127.0.0.1:1", token=token, home=tmp_path)


def test_a_full_queue_drops_the_newest_and_counts_and_tells_once(home, caplog):
    with Logger("hotel", home=home, queue=5, interval=60, period=0.001) as log:
        for number in range(20):
            log.label(str(number), 1)
        assert log.counts.dropped == 15
        records = logged(log, home, Kind.LABEL)
        assert [label.id for label in records] == [str(number) for number in range(5)]
    figures = logged(log, home, Kind.SERVICE)
    assert sum(point.value for point in figures if point.name == "service_dropped") == 15
    assert len([line for line in caplog.records if "drops" in line.message]) == 1


def test_a_full_queue_waits_for_room_where_that_is_asked_for(home):
    with Logger("hotel", home=home, queue=5, when_full="block", block_seconds=60) as log:
        for number in range(100):
            log.label(str(number), 1)
        assert len(logged(log, home, Kind.LABEL)) == 100
        assert log.counts.dropped == 0


def test_a_closed_logger_drops_and_counts(home):
    log = Logger("hotel", home=home, period=None)
    log.label("a", 1)
    log.close()
    log.close()
    log.label("b", 1)
    with log.predict({}):
        pass
    assert (log.counts.durable, log.counts.dropped) == (1, 2)


def test_a_full_disk_loses_nothing_that_the_queue_can_hold(log, home, monkeypatch, caplog):
    caplog.set_level(logging.INFO)

    def full(*_):
        raise OSError(28, "No space left on device")

    log.label("before", 1)
    assert log.flush()
    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        log.label("during", 1)
        assert not log.flush(0.3)
        log.label("later", 1)
    assert [label.id for label in logged(log, home)] == ["before", "during", "later"]
    assert [line.levelname for line in caplog.records if line.name == "watchkeeper.sdk"] == ["WARNING", "INFO"]


def test_figures_of_the_service_are_recorded_once_a_period(home):
    with Logger("hotel", home=home, period=0.001) as log:
        log.label("a", 1)
    points = {point.name: point for point in logged(log, home, Kind.SERVICE)}
    assert points["service_memory_bytes"].value > 1e6
    assert points["service_cpu_share"].value >= 0
    assert {"host", "pid"} == points["service_dropped"].tags.keys()


def test_nothing_is_written_and_no_thread_is_started_before_the_first_record(home):
    running = threading.active_count()
    with Logger("hotel", home=home) as log:
        assert log.flush()
        assert threading.active_count() == running
    assert segments(home / "inbox" / "hotel") == []
