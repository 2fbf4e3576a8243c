from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from watchkeeper.sdk import Event, Kind, Label, Malformed, count, decode, encode, read

EVENT = b'{"id": "a", "time": "2024-05-01T12:00:00+02:00", "features": {"age": 31}}'
NOON = datetime(2024, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "body", [EVENT, EVENT + b"\n", b"\n\n" + EVENT + b"\r\n\n", b"[" + EVENT + b"]", b"\xef\xbb\xbf" + EVENT]
)
def test_one_record_is_read_from_lines_and_from_an_array(body):
    assert decode(Kind.EVENT, body) == ([Event(id="a", time=NOON, features={"age": 31})], [])


@pytest.mark.parametrize("body", [b"", b"\n", b"[]", b" [ ] "])
def test_an_empty_body_holds_no_records(body):
    assert decode(Kind.EVENT, body) == ([], [])


@pytest.mark.parametrize("join", [b"\n".join, lambda items: b"[" + b",".join(items) + b"]"])
def test_a_bad_record_is_refused_by_itself_and_says_why(join):
    records, rejected = decode(Kind.EVENT, join([EVENT, b'{"id": "b"}', EVENT]))
    assert [record.id for record in records] == ["a", "a"]
    assert [(one.index, one.error) for one in rejected] == [(1, "Object missing required field `time`")]


def test_a_line_that_is_no_json_is_refused_by_itself():
    records, rejected = decode(Kind.EVENT, EVENT + b"\n{{{\n" + EVENT)
    assert len(records) == 2
    assert [one.index for one in rejected] == [1]


@pytest.mark.parametrize("body", [b"[" + EVENT, b"[" + EVENT + b" " + EVENT + b"]", b"[1, 2", b"[" * 100_000])
def test_an_array_whose_records_cannot_be_told_apart_is_refused_as_a_whole(body):
    with pytest.raises(Malformed, match="no JSON array"):
        decode(Kind.EVENT, body)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": True}, "id"),
        ({"id": ""}, "length >= 1"),
        ({"id": "x" * 513}, "length <= 512"),
        ({"time": "2024-05-01T12:00:00"}, "timezone"),
        ({"time": "0001-01-01T00:00:00+01:00"}, "between the years"),
        ({"time": 0}, "time"),
        ({"extra": 1}, "unknown field `extra`"),
        ({"features": [1]}, "features"),
        ({"score": "high"}, "score"),
        ({"scores": {"a": "b"}}, "scores"),
        ({"version": 7}, "version"),
    ],
)
def test_a_field_of_a_wrong_type_is_named(change, words):
    body = msgspec.json.encode({**msgspec.json.decode(EVENT), **change})
    records, (rejection,) = decode(Kind.EVENT, body)
    assert records == []
    assert words in rejection.error


def test_a_number_as_id_becomes_text():
    assert decode(Kind.LABEL, b'{"id": 47, "label": true, "time": "2024-05-01T10:00:00Z"}')[0] == [
        Label(id="47", label=True, time=NOON)
    ]


def test_values_may_be_nested_as_deeply_as_every_python_can_read():
    value = b"[" * 31 + b"1" + b"]" * 31
    body = b"\n".join([EVENT.replace(b"31", value)] * 50)
    records, rejected = decode(Kind.EVENT, body)
    assert (len(records), rejected) == (50, [])
    assert read(Kind.EVENT, encode(records)) == records


@pytest.mark.parametrize("levels", [32, 500, 5000, 50_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_a_record_that_is_nested_too_deeply_is_refused_by_itself(levels, opening, closing):
    value = opening * levels + b"1" + closing * levels
    records, (rejection,) = decode(Kind.EVENT, EVENT + b"\n" + EVENT.replace(b"31", value))
    assert len(records) == 1
    assert "nested too deeply" in rejection.error


@pytest.mark.parametrize("value", [b'"\xff"', b'"\\ud800"', b"NaN", b"1e999", b"01"])
def test_what_is_no_json_value_is_refused(value):
    assert len(decode(Kind.EVENT, EVENT.replace(b"31", value))[1]) == 1


@pytest.mark.parametrize("kind", [Kind.POINT, Kind.SERVICE])
def test_figures_of_the_service_are_metric_points(kind):
    ((point,), _) = decode(
        kind, b'{"name": "cost", "time": "2024-05-01T10:00:00Z", "value": 3, "tags": {"unit": "EUR"}}'
    )
    assert (point.name, point.value, point.tags) == ("cost", 3.0, {"unit": "EUR"})


def test_a_job_run_knows_three_statuses():
    body = b'{"job": "nightly", "run": 1, "status": "%s", "time": "2024-05-01T10:00:00Z"}'
    assert decode(Kind.JOB, body % b"ok")[0][0].run == "1"
    assert "status" in decode(Kind.JOB, body % b"done")[1][0].error


def test_what_was_encoded_is_read_as_it_was():
    records, _ = decode(Kind.EVENT, b"\n".join([EVENT] * 20))
    assert read(Kind.EVENT, encode(records)) == records


def test_an_integer_beyond_64_bits_is_written_as_the_nearest_float():
    records, rejected = decode(Kind.EVENT, EVENT.replace(b"31", b"[1, 123456789012345678901234567890]"))
    assert rejected == []
    assert read(Kind.EVENT, encode(records))[0].features == {"age": [1, 1.2345678901234568e29]}


@pytest.mark.parametrize("number", [0, 1, 15, 16, 65_535, 65_536])
def test_a_payload_tells_its_number_of_records_by_its_first_bytes(number):
    assert count(encode([Label(id="a", label=1, time=NOON)] * number)) == number


def test_a_status_that_no_job_has_is_refused_with_those_that_there_are():
    job = b'{"job": "nightly", "run": "1", "status": "done", "time": "2026-03-01T12:00:00Z"}'
    _, (one,) = decode(Kind.JOB, job)
    assert one.error == "Invalid enum value 'done' - at `$.status`. Use started, ok, failed"


@pytest.mark.parametrize("time", ["0002-01-01T00:00:00+00:01", "9998-12-31T23:59:59-00:01"])
def test_a_time_that_is_out_of_range_in_utc_alone_is_refused_and_spoils_no_other(time):
    bad = b'{"id": "1", "time": "%s", "features": {}}' % time.encode()
    good = b'{"id": "2", "time": "2024-05-01T12:00:00Z", "features": {}}'
    records, rejections = decode(Kind.EVENT, bad + b"\n" + good)
    assert [record.id for record in read(Kind.EVENT, encode(records))] == ["2"]
    assert [one.index for one in rejections] == [0]
