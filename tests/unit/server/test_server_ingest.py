"""What is answered for records, and what of them lies in the inbox afterwards."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from serving import JSON_LINES, MODEL, event, kept, lines

EVENTS = f"/api/v1/models/{MODEL}/events"


def post(client, body, path=EVENTS, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, content=body, headers={"Content-Type": JSON_LINES, **named})


def test_accepted_events_lie_in_the_inbox_when_the_answer_comes(client, home):
    answer = post(client, lines(event(n) for n in range(5)))
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 5, "duplicates": 0, "rejected": []}
    assert [record.id for record in kept(home)] == [f"e{n}" for n in range(5)]


def test_a_bad_record_is_named_by_its_place_and_the_others_are_kept(client, home):
    answer = post(client, b"\n".join([lines([event(1)]), b'{"id": "x"}', b"nonsense", lines([event(2)])]))
    assert answer.status_code == 200
    body = answer.json()
    assert body["accepted"] == 2
    assert [rejected["index"] for rejected in body["rejected"]] == [1, 2]
    assert "features" in body["rejected"][0]["error"] or "time" in body["rejected"][0]["error"]
    assert [record.id for record in kept(home)] == ["e1", "e2"]


def test_a_bad_record_in_a_later_piece_of_a_large_body_keeps_its_place(client, home):
    wide = [event(n, error="x" * 2_000) for n in range(1_500)]
    wide[1_200] = {"id": "bad"}
    answer = post(client, lines(wide)).json()
    assert answer["accepted"] == 1_499
    assert [rejected["index"] for rejected in answer["rejected"]] == [1_200]
    assert len(kept(home)) == 1_499


def test_an_array_with_no_good_record_is_refused_and_every_reason_is_told(client, home):
    answer = client.post(EVENTS, json=[{"id": 1}, 7])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [rejected["index"] for rejected in answer.json()["rejected"]] == [0, 1]
    assert kept(home) == []


def test_an_empty_batch_is_no_fault(client):
    assert client.post(EVENTS, json=[]).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_what_is_sent_twice_is_counted_and_kept_once(client, home):
    batch = lines([event(1), event(2), event(1)])
    assert post(client, batch).json() == {"accepted": 2, "duplicates": 1, "rejected": []}
    assert post(client, batch).json() == {"accepted": 0, "duplicates": 3, "rejected": []}
    assert [record.id for record in kept(home)] == ["e1", "e2"]


def test_a_known_id_with_other_content_reaches_the_lake_so_that_the_conflict_is_counted_there(client, home):
    post(client, lines([event(1)]))
    assert post(client, lines([event(1, score=0.9)])).json()["duplicates"] == 1
    assert [(record.id, record.score) for record in kept(home)] == [("e1", 0.5), ("e1", 0.9)]


def test_a_later_label_of_the_same_event_is_no_duplicate_but_the_same_label_is(client, home):
    first = {"id": "e1", "label": 0, "time": "2026-01-02T00:00:00Z"}
    batch = lines([first, {**first, "time": "2026-01-03T00:00:00Z", "label": 1}, first])
    answer = post(client, batch, f"/api/v1/models/{MODEL}/labels").json()
    assert (answer["accepted"], answer["duplicates"]) == (2, 1)
    assert [record.label for record in kept(home)] == [0, 1]


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("metrics", {"name": "cost", "time": "2026-01-01T00:00:00Z", "value": 2.5, "tags": {"team": "a"}}),
        ("jobs", {"job": "nightly", "run": "7", "status": "ok", "time": "2026-01-01T00:00:00Z", "rows": 3}),
    ],
)
def test_metric_points_and_job_runs_are_kept_too(client, home, path, record):
    answer = client.post(f"/api/v1/models/{MODEL}/{path}", json=[record])
    assert answer.json()["accepted"] == 1
    assert len(kept(home)) == 1


def test_an_event_dated_days_ahead_is_kept_and_counted(serve, home):
    client = serve(is_loopback=False)
    ahead = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    assert post(client, lines([event(1, time=ahead), event(2)])).json()["accepted"] == 2
    assert len(kept(home)) == 2
    future = client.app.state.service.metrics.future.labels(MODEL, "events")
    assert future._value.get() == 1


def test_a_gzip_body_of_several_members_is_one_body(client, home):
    body = gzip.compress(lines([event(1)]) + b"\n") + gzip.compress(lines([event(2)]))
    assert post(client, body, Content_Encoding="gzip").json()["accepted"] == 2


def test_a_model_that_another_machine_added_gets_its_inbox_at_its_first_event(client, home, store):
    from watchkeeper.state import model

    model.put(store, "elsewhere", "name: elsewhere\n", 1, "test")
    assert post(client, lines([event(1)]), "/api/v1/models/elsewhere/events").json()["accepted"] == 1
    assert len(kept(home, "elsewhere")) == 1


def stream(table, **options):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def arrow(client, table, **options):
    headers = {"Content-Type": "application/vnd.apache.arrow.stream"}
    return client.post(EVENTS, content=stream(table, **options), headers=headers)


TIMES = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC"))


def test_arrow_rows_become_the_events_that_the_same_json_would(client, home):
    table = pa.table(
        {
            "id": [1, 2],
            "time": TIMES,
            "version": pa.array(["v1", None]).dictionary_encode(),
            "features.nights": [3, None],
            "features.kind": ["a", "b"],
            "scores": pa.array([[("yes", 0.7)], None], pa.map_(pa.string(), pa.float64())),
            "score": [float("nan"), 0.5],
        }
    )
    assert arrow(client, table).json() == {"accepted": 2, "duplicates": 0, "rejected": []}
    first, second = kept(home)
    assert (first.id, first.version, first.features, first.scores) == (
        "1",
        "v1",
        {"nights": 3, "kind": "a"},
        {"yes": 0.7},
    )
    assert first.score != first.score  # NaN, which JSON could not have said
    assert (second.version, second.features, second.scores) == (None, {"nights": None, "kind": "b"}, None)
    assert first.time == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_arrow_struct_of_features_is_read_and_a_row_without_an_id_is_named(client, home):
    features = pa.array([{"x": 1.5, "at": datetime(2026, 1, 1, tzinfo=UTC)}, {"x": 2.5, "at": None}])
    table = pa.table({"id": ["a", None], "time": TIMES, "features": features})
    answer = arrow(client, table).json()
    assert (answer["accepted"], [r["index"] for r in answer["rejected"]]) == (1, [1])
    assert kept(home)[0].features == {"x": 1.5, "at": "2026-01-01T00:00:00Z"}


def test_an_arrow_map_that_names_a_key_twice_is_a_rejected_row(client):
    scores = pa.array([[("yes", 0.7), ("yes", 0.3)], [("no", 0.5)]], pa.map_(pa.string(), pa.float64()))
    table = pa.table({"id": ["a", "b"], "time": TIMES, "features.x": [1, 2], "scores": scores})
    answer = arrow(client, table).json()
    assert (answer["accepted"], [r["index"] for r in answer["rejected"]]) == (1, [0])


def test_arrow_columns_that_no_record_can_hold_are_named(client):
    table = pa.table({"id": ["a"] * 2, "time": TIMES, "features.x": [b"1", b"2"]})
    answer = arrow(client, table)
    assert answer.status_code == 422
    assert "features.x" in answer.json()["detail"]


def test_arrow_times_without_a_zone_are_refused_row_by_row(client):
    times = pa.array([datetime(2026, 1, 1)] * 2, pa.timestamp("ns"))  # noqa: DTZ001 - the fault that is tested
    answer = arrow(client, pa.table({"id": ["a", "b"], "time": times, "features.x": [1, 2]}))
    assert answer.status_code == 422
    assert len(answer.json()["rejected"]) == 2


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_arrow_buffers_are_refused_with_the_way_out(client, codec):
    answer = arrow(client, pa.table({"id": ["a"] * 2, "time": TIMES, "features.x": [1, 2]}), compression=codec)
    assert answer.status_code == 415
    assert "gzip" in answer.json()["detail"]


def test_an_arrow_stream_that_shares_one_large_value_among_many_rows_is_refused(client):
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int8()), pa.array(["x" * 100_000]))
    answer = arrow(client, pa.table({"id": shared}))
    assert answer.status_code == 413


def test_an_arrow_stream_that_claims_rows_without_bytes_is_refused(client):
    answer = arrow(client, pa.table({"id": pa.nulls(50_000_000)}))
    assert answer.status_code == 400


def test_the_counts_of_an_intake_reach_the_state(client, store):
    from watchkeeper.state import count

    ahead = (datetime.now(UTC) + timedelta(days=3)).isoformat()  # counted once: when it is moved to the lake
    post(client, lines([event(1), event(1), event(2, time=ahead)]) + b"\nnonsense")
    client.app.state.service.tally.flush()
    assert count.totals(store, MODEL) == {"duplicates": 1, "rejected": 1}


def test_the_metrics_tell_what_was_accepted_rejected_and_known_by_model(serve):
    client = serve()
    post(client, lines([event(1), event(1)]) + b"\nnonsense")
    text = client.app.state.service.metrics.text().decode()
    assert "_created" not in text
    for outcome in ("accepted", "duplicate", "rejected"):
        assert f'watchkeeper_ingest_records_total{{kind="events",model="{MODEL}",outcome="{outcome}"}} 1.0' in text
    assert "watchkeeper_inbox_sync_seconds_count 1.0" in text
