"""Takes records over HTTP and answers once they are on disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from watchkeeper.model.clock import clock
from watchkeeper.sdk.record import Kind, Record, Rejection
from watchkeeper.server import body, records
from watchkeeper.server.intake import Batch, batch
from watchkeeper.server.problem import Problem
from watchkeeper.server.service import Service

LARGE = 256 * 1024
"""Bodies from here on are decoded in a thread, so that nobody else waits for them."""
AHEAD = timedelta(days=1)
"""Clocks differ; what is dated further ahead than this is kept all the same, and counted."""
BROKEN = ("JSON is malformed", "Input data was truncated")
"""How the decoder begins to say that a line is no JSON at all."""
NAMES = {Kind.EVENT: "events", Kind.LABEL: "labels", Kind.POINT: "metrics", Kind.JOB: "jobs"}


class Answer(msgspec.Struct):
    """What became of the records of one request: each was accepted, known already, or rejected."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


async def receive(service: Service, request: Request, kind: Kind) -> Response:
    """Keep a body's records of one kind for one model."""
    name = request.path_params["model"]
    intake = service.intake(name, kind)
    if intake is None:
        await anyio.to_thread.run_sync(service.make_inbox, name)
        intake = service.intake(name, kind)
        assert intake is not None
    is_arrow = body.content_type(request) == body.ARROW
    received = clock()
    with service.load.share() as share:
        text = await body.read(request, service.limits, share)
        most = service.limits.decoded_bytes
        if is_arrow or len(text) >= LARGE:
            good, bad, ahead = await anyio.to_thread.run_sync(_read, kind, text, is_arrow, most)
        else:
            good, bad, ahead = _read(kind, text, is_arrow, most)
        share.take(sum(map(len, good.texts)))
        duplicates = await intake.keep(good, received)
    answer = Answer(len(good.texts) - duplicates, duplicates, bad)
    _count(service, name, kind, {"accepted": answer.accepted, "duplicate": duplicates, "rejected": len(bad)}, ahead)
    if bad and not good.texts:
        is_json = is_arrow or not all(rejection.error.startswith(BROKEN) for rejection in bad)
        raise Problem(
            422 if is_json else 400,
            "no-good-record" if is_json else "malformed",
            "None of the records could be read, so nothing was kept. `rejected` says why, record by record.",
            **msgspec.to_builtins(answer),
        )
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _read(kind: Kind, text: bytes, is_arrow: bool, most: int) -> tuple[Batch, list[Rejection], int]:
    """A body's good records as they will be written, the bad ones, and how many of the good are dated ahead."""
    good, bad = records.read(kind, text, is_arrow, most)
    return batch(kind, good), bad, _ahead(good)


def _ahead(good: Sequence[Record]) -> int:
    latest = datetime.now(UTC) + AHEAD
    return sum(record.time > latest for record in good)


def _count(service: Service, name: str, kind: Kind, outcomes: dict[str, int], ahead: int) -> None:
    for outcome, amount in outcomes.items():
        if amount:
            service.metrics.records.labels(name, NAMES[kind], outcome).inc(amount)
    if ahead:
        service.metrics.future.labels(name, NAMES[kind]).inc(ahead)
    service.tally.add(name, "rejected", outcomes["rejected"])
    service.tally.add(name, "duplicates", outcomes["duplicate"])
