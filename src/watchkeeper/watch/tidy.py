"""Tidying: what a run does once a day so that the lake stays small and quick."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

from watchkeeper.lake import Lake
from watchkeeper.model import replacing
from watchkeeper.model.config import Config

DAY = 86_400_000_000


def tidy(lake: Lake, config: Config) -> bool:
    """Turn many small files into few, delete those that no table holds any more, and days that are not to be kept.

    Once a day by the clock, on each machine; says whether it was done.
    """
    today = datetime.fromtimestamp(time.time(), UTC).date()
    note = lake.cache / "tidied.txt"
    if note.is_file() and note.read_text(encoding="ascii") == today.isoformat():
        return False
    if config.keep_days is not None:
        lake.retain(_first_kept(today, config.keep_days))
    lake.compact()
    lake.vacuum()
    lake.cache.mkdir(parents=True, exist_ok=True)
    with replacing(note) as temporary:
        temporary.write_text(today.isoformat(), encoding="ascii")
    return True


def kept_from(config: Config) -> int | None:
    """The first moment (microseconds) whose events are kept; None if all are. What is older can't be profiled anew."""
    if config.keep_days is None:
        return None
    first = _first_kept(datetime.fromtimestamp(time.time(), UTC).date(), config.keep_days)
    return (first - date(1970, 1, 1)).days * DAY


def _first_kept(today: date, days: int) -> date:
    return today - timedelta(days=days)
