from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from watchkeeper.runtime import Answers, Crashed, Raised, WrongAnswer, WrongInput, channel, typed

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
LISTS = st.lists(PLAIN, max_size=6)
TYPES = st.sampled_from(["<f8", "<f4", "<i8", "<i4", "|u1", "|b1"])
ARRAYS = TYPES.flatmap(lambda code: arrays.arrays(np.dtype(code), st.integers(0, 200)))
REQUESTS = st.lists(st.lists(LISTS | ARRAYS, max_size=4), max_size=4)


@given(REQUESTS, st.integers(0, 2**32), st.lists(st.integers(1, 50), max_size=30))
def test_requests_come_through_a_socket_in_pieces_of_any_size_as_they_were(requests, number, sizes):
    encoded = [channel.request(columns, at) for at, columns in enumerate(requests)]
    sent = channel.batch_frame(number, encoded) * 2
    frames, bodies = channel.Frames(), []
    for size in sizes:
        bodies += frames.cut(sent[:size])
        sent = sent[size:]
    bodies += frames.cut(sent)
    assert len(bodies) == 2
    for body in bodies:
        came, held = channel.batch_of(body)
        assert came == number
        assert [rows for rows, _ in held] == list(range(len(requests)))
        for (_, columns), before in zip(held, requests, strict=True):
            assert len(columns) == len(before)
            for column, original in zip(columns, before, strict=True):
                assert same(column, original)


@given(
    arrays.arrays(np.float64, st.integers(0, 150), elements=st.floats(allow_nan=False)),
    st.integers(2, 4),
    st.sampled_from([(), ("no", "yes"), (1, 2), (False, True)]),
    st.text(),
)
def test_answers_and_errors_come_through_as_they_were(prediction, width, classes, text):
    scores = np.linspace(0, 1, len(prediction) * width).reshape(-1, width)
    replies = [
        Answers(prediction, scores, classes),
        Answers(prediction),
        Answers(np.array(["a", "ö"])),
        WrongInput(text),
        WrongAnswer(text),
        Raised(text),
    ]
    [body] = channel.Frames().cut(channel.replies_frame(9, replies))
    number, [scored, plain, texts, *errors] = channel.replies_of(body)
    assert number == 9
    assert np.array_equal(scored.prediction, prediction)
    assert np.array_equal(scored.scores, scores)
    assert scored.classes == classes
    assert plain.scores is None
    assert texts.prediction.tolist() == ["a", "ö"]
    assert [(type(error), str(error)) for error in errors] == [
        (WrongInput, text),
        (WrongAnswer, text),
        (Raised, text),
    ]


@given(st.binary(max_size=60))
def test_a_body_that_is_none_of_ours_is_a_crash_and_nothing_else(body):
    for read in (channel.replies_of, channel.loaded_of):
        with contextlib.suppress(Crashed):
            read(body)


def test_a_frame_that_says_it_is_longer_than_any_of_ours_is_a_crash():
    with pytest.raises(Crashed, match="none of ours"):
        list(channel.Frames().cut(b"\xff\xff\xff\xff"))


def test_a_value_that_no_model_takes_is_told():
    with pytest.raises(WrongInput, match="neither a number"):
        channel.request([[object()]], 1)
    with pytest.raises(WrongInput, match="neither a number"):
        channel.request([[1 << 70]], 1)


@given(st.lists(st.lists(st.none() | st.integers(-9, 9) | st.floats(-1e6, 1e6), max_size=5), min_size=1, max_size=5))
def test_joined_numbers_are_the_numbers_of_the_requests_one_after_the_other(parts):
    whole = [value for part in parts for value in part]
    mixed = [np.array(part, dtype=np.float64) if at % 2 else part for at, part in enumerate(parts)]
    expected = np.array([np.nan if value is None else value for value in whole], dtype=np.float64)
    assert np.array_equal(typed.floats(typed.joined(mixed), "age", np.float64), expected, equal_nan=True)


def same(column, original):
    """Whether values are what they were; an array of few values may come as a list."""
    if isinstance(original, list):
        return column == original and [type(value) for value in column] == [type(value) for value in original]
    return np.array_equal(np.asarray(column, dtype=original.dtype), original, equal_nan=True)
