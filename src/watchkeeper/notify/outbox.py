"""Outbox: each onset is noted for a target once, and told until the target hears it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from watchkeeper.notify.message import Message
from watchkeeper.notify.target import NotDelivered, Target
from watchkeeper.state import Store, notice

SINCE = 24 * 3600 * 1_000_000
"""Onsets noticed so long before are still owed: to a target named for the first time, and after a crash."""
IN_A_ROW = 3
"""A target that fails so often in a row is left alone until the next run."""
TOGETHER = 60.0
"""Seconds after which no further notice is begun; the rest is for the next run."""


@dataclass(frozen=True)
class Heard:
    """What became of the notices to one target."""

    delivered: int = 0
    failed: int = 0


def tell(store: Store, model: str, target: Target, now: int, log: FilteringBoundLogger) -> Heard:
    """Tell a target of a model's onsets that it has not heard of, and of all that it missed before.

    A notice that fails is tried again by a later run, after pauses that grow, for three days. A process that dies
    between the target's answer and its own note of it makes the target hear twice; the onset's number tells.
    """
    for onset in notice.owed(store, model, target.key, now - SINCE):
        notice.add(store, onset.id, target.key, Message.of(onset).body, now)
    delivered = failed = in_a_row = 0
    end = time.monotonic() + TOGETHER
    while time.monotonic() < end and in_a_row < IN_A_ROW:
        # One at a time, so that none is held longer than its own attempt takes.
        taken = notice.due(store, now, most=1, target=target.key)
        if not taken:
            break
        if _sent(store, taken[0], target, now, log):
            delivered, in_a_row = delivered + 1, 0
        else:
            failed, in_a_row = failed + 1, in_a_row + 1
    return Heard(delivered, failed)


def _sent(store: Store, due: notice.Notice, target: Target, now: int, log: FilteringBoundLogger) -> bool:
    message = Message(**due.body)
    about = log.bind(target=target.shown, model=message.model, onset=message.onset, attempt=due.attempts + 1)
    try:
        target.send(message, now)
    except NotDelivered as failed:
        again = notice.failed(store, due.id, str(failed), now)
        seconds = None if again is None else (again - now) // notice.SECOND
        about.warning(
            "notice failed" if again is not None else "notice given up", error=str(failed), again_in_s=seconds
        )
        return False
    notice.delivered(store, due.id, now)
    about.info("notice delivered")
    return True
