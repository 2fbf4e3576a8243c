"""Notices: each target hears of each onset once, and again until it heard."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from watchkeeper.state import alarm, notice

SECOND = notice.SECOND


@pytest.fixture
def onset(store):
    judged = alarm.Judged(alarm.Key("rows", "rows", ()), True, {"message": "no rows"})
    [change] = alarm.put(store, "m", (0, 10), [judged], now=100)
    return change.onset


def test_nobody_is_told_twice_of_one_onset(store, onset):
    assert notice.add(store, onset, "https://a", {"finding": 1}, now=1)
    assert not notice.add(store, onset, "https://a", {"finding": 1}, now=2)
    assert notice.add(store, onset, "https://b", {"finding": 1}, now=2)
    assert [(found.target, found.body) for found in notice.due(store, now=2)] == [
        ("https://a", {"finding": 1}),
        ("https://b", {"finding": 1}),
    ]


def test_an_onset_whose_notice_was_never_written_is_still_owed(store, onset):
    """As after a crash between the alarm and its notice."""
    [owed] = notice.owed(store, "m", "https://a", since=100)
    assert (owed.id, owed.finding) == (onset, {"message": "no rows"})
    notice.add(store, onset, "https://a", {}, now=1)
    assert notice.owed(store, "m", "https://a", since=100) == []
    assert [found.id for found in notice.owed(store, "m", "https://b", since=100)] == [onset]


def test_a_target_is_not_told_what_began_before_it_was_named(store, onset):
    assert notice.owed(store, "m", "https://a", since=101) == []
    assert notice.owed(store, "other", "https://a", since=0) == []


def test_what_was_delivered_is_no_longer_due(store, onset):
    notice.add(store, onset, "https://a", {}, now=1)
    [due] = notice.due(store, now=1)
    notice.delivered(store, due.id, now=2)
    assert notice.due(store, now=10**15) == []


def test_a_notice_that_someone_took_is_left_alone_until_he_must_have_crashed(store, onset):
    notice.add(store, onset, "https://a", {}, now=1)
    assert len(notice.due(store, now=1)) == 1
    assert notice.due(store, now=notice.HELD) == []
    assert len(notice.due(store, now=notice.HELD + 1)) == 1


def test_pauses_between_attempts_grow_up_to_an_hour_and_end_after_three_days(store, onset):
    notice.add(store, onset, "https://a", {}, now=0)
    now, pauses = 0, []
    while True:
        [due] = notice.due(store, now)
        assert due.attempts == len(pauses)
        again = notice.failed(store, due.id, "503", now)
        if again is None:
            break
        assert notice.due(store, again - 1) == []
        pauses.append((again - now) // SECOND)
        now = again
    assert pauses[:5] == [10, 20, 40, 80, 160]
    assert max(pauses) == 3600
    assert 3 * 24 * 3600 <= now // SECOND < 3 * 24 * 3600 + 3600
    assert notice.due(store, now=10**15) == []


def test_no_more_than_asked_are_taken_and_the_oldest_first(store):
    for day in range(5):
        key = alarm.Key("shape", "shape", (str(day),))
        [change] = alarm.put(store, "m", (0, 10), [alarm.Judged(key, True)], now=1)
        notice.add(store, change.onset, "t", {"day": day}, now=1)
    assert [found.body["day"] for found in notice.due(store, now=1, most=2)] == [0, 1]
    assert [found.body["day"] for found in notice.due(store, now=1, most=9)] == [2, 3, 4]


def test_of_several_that_take_notices_at_once_no_two_get_the_same(store):
    judged = [alarm.Judged(alarm.Key("shape", "shape", (str(i),)), True) for i in range(40)]
    for change in alarm.put(store, "m", (0, 10), judged, now=1):
        notice.add(store, change.onset, "t", {}, now=1)
    together = Barrier(4)

    def take(_):
        together.wait()
        return [found.id for _ in range(5) for found in notice.due(store, now=1, most=3)]

    with ThreadPoolExecutor(4) as pool:
        taken = [number for numbers in pool.map(take, range(4)) for number in numbers]
    assert len(taken) == len(set(taken))
    rest = notice.due(store, now=1, most=100)
    assert len(taken) + len(rest) == 40
