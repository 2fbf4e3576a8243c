"""Served: a model, its live version and the one before, and which of them answers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from watchkeeper.gateway.contract import Contract
from watchkeeper.gateway.refusal import Refusal
from watchkeeper.gateway.rows import Reply, Rows, Values
from watchkeeper.gateway.version import Unanswered, Version
from watchkeeper.model import Model
from watchkeeper.release.figures import Figures

RETURN_SECONDS = 5.0
"""So long a request waits for a process that is being started again, where no other version can answer."""


@dataclass(eq=False)
class Served:
    """One model. `live` is the pointer that a release or a rollback moves."""

    model: Model
    contract: Contract
    live: Version | None = None
    previous: Version | None = None
    """It stays loaded: a rollback needs it at once, and it answers where the live one does not."""
    since: float = 0.0
    """When `live` was set, in seconds since 1970."""
    before: Figures = field(default_factory=Figures)
    """The live version's figures when it went live."""
    reference: Figures | None = None
    """The previous version's figures then; None where the live one is not watched for harm."""
    deployment: int = 0
    """The row of the deployment log that put `live` there."""
    problem: str | None = None
    """What is wrong with the switch to another version, in a sentence."""
    switches: int = 0
    rollbacks: Counter[str] = field(default_factory=Counter)
    """Of `switches`, those that went back, by the version that was live before."""
    failures: int = 0
    """Versions that could not be loaded."""
    fallbacks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Requests that another version answered than the live one: from, to, and why."""
    sample: dict[str, Values] = field(default_factory=dict)
    """One row that was answered, which warms up the next version."""

    def version(self, name: str | None) -> Version:
        """What is to be asked: the live version, or the one that the request names. Raises a 404 or a 503."""
        if name is not None:
            for one in (self.live, self.previous):
                if one is not None and one.name == name:
                    return one
            there = " and ".join(one.name for one in (self.live, self.previous) if one is not None)
            raise Refusal(404, "no-such-version", f"{self.model.name} does not serve {name[:100]!r} just now: {there}.")
        if self.live is None:
            raise Refusal(
                503, "nothing-live", f"No version of {self.model.name} is loaded. {self.problem or ''}".strip()
            )
        return self.live

    async def answer(self, rows: Rows, first: Version, *, pinned: bool = False) -> tuple[Version, Reply]:
        """The answer of `first`, else of the live or the previous version. Raises a `Refusal` where none has one."""
        try:
            return first, await first.ask(rows)
        except Unanswered as failed:
            return await self._otherwise(rows, first, failed, pinned)

    async def _otherwise(self, rows: Rows, first: Version, failed: Unanswered, pinned: bool) -> tuple[Version, Reply]:
        """Ask another version, or the same one once it is back, but none twice that was given the request."""
        until = time.monotonic() + RETURN_SECONDS
        given = {first} if failed.sent else set()
        why = failed.reason
        while True:
            known = [first] if pinned else [one for one in (first, self.live, self.previous) if one is not None]
            left = [one for one in known if one not in given and all(name in rows.columns for name in one.inputs)]
            ready = next((one for one in left if one.is_up), None)
            if ready is not None:
                try:
                    reply = await ready.ask(rows, alone=failed.sent)
                except Unanswered as again:
                    failed = again
                    if again.sent:
                        given.add(ready)
                    continue
                if ready is not first:
                    self.fallbacks[first.name, ready.name, why] += 1
                return ready, reply
            if not left or time.monotonic() > until:
                break
            await asyncio.sleep(0.02)
        status = 504 if failed.reason == "timeout" else 500 if failed.sent else 503
        more = "" if pinned or len(set(known)) > 1 else " There is no previous version that could answer instead."
        headers = (("retry-after", "1"),) if status == 503 else ()
        raise Refusal(status, failed.reason, f"{failed}{more}", headers=headers)
