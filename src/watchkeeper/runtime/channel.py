"""Frames between a model's process and its owner: pure bytes, the same for threads and for asyncio.

A frame is its length (4 bytes, little-endian) and a MessagePack body. The first two frames are `Load` and `Loaded` or
`Failed`. After them the owner sends `[number, [request, …]]`, and the process answers `[number, [reply, …]]` in the
same order. A request is `[rows, [column, …]]`, its columns in the model's own order; it is encoded once, so that
requests that wait are joined by putting their bytes side by side. No names of columns travel, and nothing that is
read here makes an object other than lists, numbers, texts and arrays.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Scalar, WatchkeeperError
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.failure import Crashed, Raised, WrongAnswer, WrongInput

Values = Sequence[Scalar | None]
"""Values of a column as Python has them; None is missing."""
Column = Values | NDArray[Any]
LENGTH = struct.Struct("<I")
MOST_BYTES = 1 << 30
"""A frame that says it is longer is none of ours."""
INPUT, RAISED, ANSWER = "input", "raised", "answer"
"""What is wrong where a request has no answer: its rows, the model that raised an error, or what it answered."""
_ERRORS: Mapping[str, type[WatchkeeperError]] = {INPUT: WrongInput, RAISED: Raised, ANSWER: WrongAnswer}
FEW = 64
"""Up to so many values a list is cheaper to pack than an array."""


class Load(msgspec.Struct):
    """The owner's first frame: what to load, and what is allowed."""

    format: str
    inputs: tuple[str, ...]
    path: str | None
    function: str | None
    skops_types: list[str]
    memory_bytes: int | None
    threads: int


class Loaded(msgspec.Struct, tag=True):
    """The process answers: the model is there."""

    outputs: tuple[str, ...]
    classes: tuple[Scalar, ...]
    seconds: float
    memory_bytes: int


class Failed(msgspec.Struct, tag=True):
    """The process answers: the model can't be loaded."""

    reason: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_load = msgspec.msgpack.Decoder(Load).decode
_loaded: msgspec.msgpack.Decoder[Loaded | Failed] = msgspec.msgpack.Decoder(Loaded | Failed)
_batch = msgspec.msgpack.Decoder(tuple[int, list[tuple[int, list[Any]]]]).decode
_replies = msgspec.msgpack.Decoder(tuple[int, list[Any]]).decode


class Frames:
    """Cuts what comes in pieces of any size into bodies of frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def cut(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece; give the bodies that it completes."""
        rest = self._rest
        rest += piece
        while len(rest) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(rest)[0]
            if end > MOST_BYTES:
                raise Crashed(f"The model's process sent a frame of {end:,} bytes, which none of ours has.")
            if len(rest) < end:
                return
            body = bytes(rest[LENGTH.size : end])
            del rest[:end]
            yield body


def load_frame(load: Load) -> bytes:
    """The owner's first frame."""
    return _framed(_encode(load))


def load_of(body: bytes) -> Load:
    """What to load."""
    return _load(body)


def loaded_frame(loaded: Loaded | Failed) -> bytes:
    """The first frame of a model's process."""
    return _framed(_encode(loaded))


def loaded_of(body: bytes) -> Loaded | Failed:
    """Whether the model was loaded. Raises `Crashed` if the frame says neither."""
    try:
        return _loaded.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Crashed(f"The model's process answered what is no frame of ours: {error}.") from error


def request(columns: Sequence[Column], rows: int) -> bytes:
    """Some rows, encoded once: `columns` in the model's own order, each of `rows` values.

    Raises `WrongInput` for a value that is no number, boolean or text.
    """
    try:
        return _encode((rows, [_packed(column) for column in columns]))
    except (TypeError, OverflowError) as error:
        raise WrongInput(
            f"A value is neither a number nor a boolean nor a text that a model may take: {error}."
        ) from error


def batch_frame(number: int, requests: Sequence[bytes]) -> bytes:
    """One call of the model: the requests that waited, side by side. Without any, it asks whether the process lives."""
    return _framed(_encode((number, [msgspec.Raw(one) for one in requests])))


def batch_of(body: bytes) -> tuple[int, list[tuple[int, list[Column]]]]:
    """The number of a call, and its requests: rows and columns."""
    number, requests = _batch(body)
    return number, [
        (rows, [column if type(column) is list else _unpacked(column) for column in columns])
        for rows, columns in requests
    ]


def replies_frame(number: int, replies: Sequence[Answers | WatchkeeperError]) -> bytes:
    """The answers to the requests of a call, in their order; an error where a request has no answer."""
    return _framed(_encode((number, [_told(reply) for reply in replies])))


def replies_of(body: bytes) -> tuple[int, list[Answers | WatchkeeperError]]:
    """The number of a call, and the answer or the error of each request; raises `Crashed` if the frame is not ours."""
    try:
        number, replies = _replies(body)
        return number, [_heard(reply) for reply in replies]
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Crashed(f"The model's process answered what is no frame of ours: {error}.") from error


def _framed(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def _packed(column: Column) -> Any:
    """A list as it is; a long array of numbers as its bytes."""
    if not isinstance(column, np.ndarray):
        return column
    if column.dtype.kind not in "biuf" or len(column) <= FEW:
        return column.tolist()
    return {column.dtype.str: np.ascontiguousarray(column).tobytes()}


def _unpacked(column: Any) -> Column:
    if isinstance(column, list):
        return column
    [(code, content)] = column.items()
    return np.frombuffer(content, dtype=np.dtype(code))


def _told(reply: Answers | WatchkeeperError) -> Any:
    if isinstance(reply, WatchkeeperError):
        word = INPUT if isinstance(reply, WrongInput) else RAISED if isinstance(reply, Raised) else ANSWER
        return {word: str(reply)}
    prediction = None if reply.prediction is None else _packed(reply.prediction)
    if reply.scores is None:
        return prediction, None, 0, reply.classes
    return prediction, _packed(reply.scores.reshape(-1)), reply.scores.shape[1], reply.classes


def _heard(reply: Any) -> Answers | WatchkeeperError:
    if isinstance(reply, dict):
        [(word, text)] = reply.items()
        return _ERRORS[word](text)
    prediction, scores, width, classes = reply
    return Answers(
        None if prediction is None else np.asarray(_unpacked(prediction)),
        None if scores is None else np.asarray(_unpacked(scores), dtype=np.float64).reshape(-1, width),
        tuple(classes),
    )
