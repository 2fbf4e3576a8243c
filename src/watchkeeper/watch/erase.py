"""Erase: all that is kept of an id goes, wherever it lies below the home, and its windows are profiled again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from watchkeeper.model import Model, WatchkeeperError
from watchkeeper.profiles import TimeWindows, parse
from watchkeeper.state import audit
from watchkeeper.watch import traces
from watchkeeper.watch.home import Home
from watchkeeper.watch.run import bring, take
from watchkeeper.watch.turn import turn


class Busy(WatchkeeperError):
    """A run is at work on the model, and an id can't be erased meanwhile: try again when it is done."""

    exit_code = 4


@dataclass(frozen=True)
class Erased:
    """Where the ids stood."""

    events: int
    """Events that went from the lake, with their labels."""
    windows: int
    """Windows whose profiles, findings and label counts went too; they are due again."""
    frames: int
    """Frames of segments in the inbox and the spool."""
    set_aside: int
    """Rows of files that were set aside at ingest."""
    sampled: int
    """Rows in the samples of baselines."""


def erase(home: Home, model: Model, ids: Sequence[str], *, now: int, who: str) -> Erased:
    """Erase ids: what waits in the inbox is moved first, so that nothing of it comes later.

    The audit trail tells who did it, when, and how much went, but not the ids. Safe to repeat where it broke off.
    Raises `Busy`, `LakeUnavailable`, `StateUnavailable`.
    """
    with turn(home, f"run {model.name}") as hold:
        if isinstance(hold, str):
            raise Busy(f"{model.name}: a run is at work on it now. Erase the id when it is done; nothing was changed.")
        windows = parse(model.window)
        assert isinstance(windows, TimeWindows)
        lake = home.lake(model)
        bring(home, model, lake, windows, now)
        times = lake.event_times(list(ids))
        take(
            home, model, windows, times, now
        )  # before they go, so that no one else has to find them if this breaks off
        erased = Erased(
            events=len(times),
            windows=len(np.unique(windows.start_of(times))),
            sampled=traces.from_baselines(home.store, model, lake, ids),
            set_aside=traces.from_quarantine(model, lake, ids),
            frames=traces.from_inbox(home.folder, model, lake, ids) + traces.from_spool(home.folder, model, ids),
        )
        traces.from_cache(lake)
        lake.erase(ids)
        lake.outcomes()  # the index forgets their hashes too
        audit.append(home.store, who, "ids erased", model.name, {"ids": len(set(ids)), **erased.__dict__}, now)
        return erased
