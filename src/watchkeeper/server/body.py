"""A request's body: read in time, decompressed within bounds, and of a known type."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

from starlette.requests import ClientDisconnect, Request

from watchkeeper.server.limit import MEBIBYTE, Limits
from watchkeeper.server.load import Share
from watchkeeper.server.problem import Problem

ARROW = "application/vnd.apache.arrow.stream"
JSON = ("application/json", "application/x-ndjson", "application/ndjson", "application/jsonl")
ACCEPT = ", ".join((*JSON, ARROW))


def content_type(request: Request) -> str:
    """The type of a request's body, JSON where it says none. Raises a 415 for any that is not read here."""
    given = request.headers.get("content-type", JSON[0])
    kind, *parameters = (part.strip().lower() for part in given.split(";"))
    if kind not in (*JSON, ARROW):
        raise Problem(
            415,
            "content-type",
            f"Bodies of type {kind[:100]!r} are not read here. Send one of {ACCEPT}.",
            headers={"Accept": ACCEPT},
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
            raise Problem(415, "content-type", f"The character set {value[:100]!r} is not read here. Send UTF-8.")
    return kind


async def read(request: Request, limits: Limits, share: Share) -> bytes:
    """The whole body, decompressed. Raises a `Problem` where it is too large, too slow, or not what it says it is."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("gzip", "x-gzip", "deflate", "identity", ""):
        raise Problem(
            415,
            "content-encoding",
            f"The content encoding {coding[:100]!r} is not read here. Send gzip, or the body as it is.",
            headers={"Accept-Encoding": "gzip, deflate, identity"},
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.body_bytes:
        raise _too_large(limits.body_bytes, "")
    gzip = _Gzip(limits) if coding.endswith(("gzip", "deflate")) else None
    pieces: list[bytes] = []
    size = 0
    async for chunk in _chunks(request, limits):
        size += len(chunk)
        if size > limits.body_bytes:
            raise _too_large(limits.body_bytes, "")
        if gzip is None:
            share.take(len(chunk))
            pieces.append(chunk)
        else:
            for piece in gzip.decompress(chunk):
                share.take(len(piece))
                pieces.append(piece)
    if gzip is not None:
        gzip.close()
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]


async def _chunks(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    """The body as it comes. Raises a 408 where the client takes too long, `ClientDisconnect` where it goes away."""
    loop = asyncio.get_running_loop()
    last = loop.time() + limits.body_seconds
    while True:
        try:
            async with asyncio.timeout_at(min(last, loop.time() + limits.silence_seconds)):
                message = await request.receive()
        except TimeoutError:
            raise Problem(
                408,
                "too-slow",
                f"The body paused for {limits.silence_seconds:g} s or took over {limits.body_seconds:g} s in all. "
                "Nothing of it was kept. Send smaller batches.",
                headers={"Connection": "close"},
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


class _Gzip:
    """Decompresses gzip or zlib piece by piece and stops as soon as a bound is passed, however small the body was."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stream = zlib.decompressobj(47)
        self._in = 0
        self._out = 0

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """What this part of the body holds."""
        self._in += len(data)
        while data:
            if self._stream.eof:  # several members make one body, too
                self._stream = zlib.decompressobj(47)
            try:
                piece = self._stream.decompress(data, MEBIBYTE)
            except zlib.error as error:
                raise Problem(400, "gzip", f"The body is not gzip as its Content-Encoding says ({error}).") from None
            self._out += len(piece)
            self._bound()
            yield piece
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def close(self) -> None:
        """Check that the body came to its end."""
        if not self._stream.eof:
            raise Problem(400, "gzip", "The gzip body ends too early; part of it is missing. Nothing of it was kept.")

    def _bound(self) -> None:
        if self._out > self._limits.decoded_bytes:
            raise _too_large(self._limits.decoded_bytes, " once decompressed")
        if self._out > MEBIBYTE and self._out > self._in * self._limits.expansion:
            raise Problem(
                413,
                "expansion",
                f"The body grows more than {self._limits.expansion} times when it is decompressed. "
                "Send it without compression, in smaller batches.",
            )


def _too_large(most: int, when: str) -> Problem:
    return Problem(
        413, "too-large", f"The body has more than {most:,} bytes{when}. Nothing of it was kept. Send smaller batches."
    )
