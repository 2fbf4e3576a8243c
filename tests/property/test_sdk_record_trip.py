"""What is accepted can be written and read again; what is bad is refused, one record at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.sdk import Event, Kind, Malformed, count, decode, encode, read

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
GOOD = st.fixed_dictionaries(
    {
        "id": st.text(st.characters(codec="utf-8"), min_size=1, max_size=20) | st.integers(-(2**63), 2**64 - 1),
        "time": st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30), timezones=ZONES).map(datetime.isoformat),  # noqa: DTZ001
        "features": st.dictionaries(st.text(max_size=5), VALUES, max_size=4),
    },
    optional={"prediction": VALUES, "score": st.floats(allow_nan=False, allow_infinity=False), "version": st.text()},
)


@given(st.binary(max_size=200) | st.text().map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_decoded_or_refused_with_a_sentence(body):
    try:
        records, rejections = decode(Kind.EVENT, body)
    except Malformed:
        return
    assert all(rejection.error for rejection in rejections)
    assert all(isinstance(record, Event) for record in records)


@given(st.lists(GOOD, max_size=5), st.booleans())
def test_whatever_is_accepted_is_written_and_read_again(rows, array):
    texts = [json.dumps(row).encode() for row in rows]
    records, rejected = decode(Kind.EVENT, b"[" + b",".join(texts) + b"]" if array else b"\n".join(texts))
    assert rejected == []
    payload = encode(records)
    assert count(payload) == len(records)
    again = read(Kind.EVENT, payload)
    assert [(record.id, record.time.astimezone(UTC)) for record in again] == [
        (record.id, record.time.astimezone(UTC)) for record in records
    ]


@given(st.lists(GOOD | SCALARS, max_size=6))
def test_bad_records_are_refused_by_their_index_and_the_others_are_kept(rows):
    records, rejected = decode(Kind.EVENT, b"\n".join(json.dumps(row).encode() for row in rows))
    bad = {rejection.index for rejection in rejected}
    assert {index for index, row in enumerate(rows) if not isinstance(row, dict)} <= bad
    assert [record.id for record in records] == [str(row["id"]) for index, row in enumerate(rows) if index not in bad]
