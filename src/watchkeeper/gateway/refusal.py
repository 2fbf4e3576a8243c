"""Refusal: why a request has no prediction, as the Open Inference Protocol tells it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from watchkeeper.model import WatchkeeperError

MOST_FAULTS = 10


class Refusal(WatchkeeperError):
    """A request is not answered with a prediction: its text names what is wrong, its status is the HTTP answer's."""

    def __init__(self, status: int, reason: str, text: str, *, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        """One word for the metrics."""
        self.headers = headers
        self.route = "none"
        """Where it happened, for the metrics."""

    @property
    def body(self) -> bytes:
        """As the protocol writes an error."""
        return msgspec.json.encode({"error": str(self)})


class Broken(Refusal):
    """Input breaks the contract of its model."""

    def __init__(self, faults: Sequence[str]) -> None:
        more = f" And {len(faults) - MOST_FAULTS:,} more." if len(faults) > MOST_FAULTS else ""
        super().__init__(400, "contract", " ".join(faults[:MOST_FAULTS]) + more)


class TooManyRows(Refusal):
    """A request has more rows than are answered at once."""

    def __init__(self, most: int) -> None:
        super().__init__(413, "too-many-rows", f"The request has more than {most:,} rows. Send them in several.")


class Busy(Refusal):
    """More waits than may wait: to be sent again in a second."""

    def __init__(self, text: str) -> None:
        super().__init__(503, "busy", text, headers=(("retry-after", "1"),))
