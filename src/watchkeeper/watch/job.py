"""Jobs: what runs of pipelines did, and what is usual for them. Nothing here reads a clock or a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.stats import evidence
from watchkeeper.watch.working_time import WorkingTime

SECOND, DAY = 1_000_000, 86_400_000_000
LEAST = 4
"""Runs before one, from which on it is known how often a job runs and how long it takes."""
BEFORE = 60
"""Runs before one that it is held against, at most."""
TOP = 15
"""One in so many pauses may be an outage, and is cut."""
RARE = 43_200.0
"""A job with such pauses, in seconds, tells soon on which days of the week it runs."""


@dataclass(frozen=True)
class Run:
    """One run of a job, as far as it was told."""

    job: str
    name: str
    began: int
    """Microseconds since 1970; where only its end was told, that less its duration."""
    ended: int | None = None
    status: str | None = None
    """`ok` or `failed`; None as long as its end was not told."""
    seconds: float | None = None
    rows: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A job, and how it is doing."""

    name: str
    last: Run
    """The run that began last."""
    pause: float | None
    """The usual time from one beginning to the next, in seconds; None before it is known."""
    seconds: float | None
    """How long its good runs usually take; None before it is known."""


def jobs_of(runs: Mapping[str, Sequence[Run]]) -> list[Job]:
    """Each job, in order of names, from its runs in order of time."""
    found = []
    for name, of_job in sorted(runs.items()):
        past = Past(of_job)
        durations = past.durations(len(of_job))
        found.append(Job(name, of_job[-1], past.pause, None if durations is None else float(np.median(durations))))
    return found


def runs_of(records: Iterable[Mapping[str, Any]]) -> dict[str, list[Run]]:
    """The runs of each job in order of time, from rows of the table `jobs`, whose order and copies do not matter."""
    told: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        told[record["job"], record["run"]].append(record)
    jobs: dict[str, list[Run]] = defaultdict(list)
    for (job, name), rows in told.items():
        jobs[job].append(_run(job, name, rows))
    return {job: sorted(jobs[job], key=lambda run: (run.began, run.name)) for job in sorted(jobs)}


@dataclass(frozen=True)
class Past:
    """The runs of one job, oldest first."""

    runs: Sequence[Run]

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """When each run began."""
        return np.array([run.began for run in self.runs], dtype=np.int64)

    @cached_property
    def pause(self) -> float | None:
        """The usual time from one beginning to the next, in seconds; None before it is known."""
        return self.usual(len(self.runs))

    def usual(self, i: int) -> float | None:
        """The same from the runs before number i."""
        if i < LEAST:
            return None
        pauses = np.diff(self.begins[max(0, i - BEFORE) : i]) / SECOND
        return float(np.median(pauses)) if (pauses > 0).any() and np.median(pauses) > 0 else None

    def clock(self, i: int) -> WorkingTime:
        """The clock by which the runs before number i came: it stands still on days of the week without a run.

        Of a job that runs often, its first week tells nothing of such days.
        """
        usual, begins = self.usual(i), self.begins[:i]
        is_known = usual is not None and (usual >= RARE or begins[-1] - begins[0] >= 7 * DAY)
        return WorkingTime.of(begins) if is_known else WorkingTime()

    def pauses(self, i: int) -> evidence.Floats | None:
        """The pauses between the runs before number i, in seconds of working time; None before they say anything.

        Runs again and runs by hand come much too early, and are not counted; the longest of many may be an outage,
        and is cut down to what the next one suggests.
        """
        if i < LEAST:
            return None
        pauses = np.sort(np.diff(self.clock(i).passed(self.begins[max(0, i - BEFORE) : i]))) / SECOND
        pauses = pauses[pauses > 0]
        pauses = pauses[pauses >= np.median(pauses) / 2] if len(pauses) else pauses
        if len(pauses) < LEAST - 1:
            return None
        cut = len(pauses) // TOP
        if cut:
            following = float(pauses[-1 - cut])
            pauses = np.minimum(pauses, following + 0.5 * (following - float(np.median(pauses))))
        return pauses

    def durations(self, i: int) -> evidence.Floats | None:
        """How long the good runs before number i took, in seconds; None before they say anything."""
        good = [run.seconds for run in self.runs[:i] if run.status == "ok" and run.seconds is not None][-BEFORE:]
        return None if len(good) < LEAST else np.maximum(np.array(good, dtype=np.float64), 1e-3)


def _run(job: str, name: str, rows: Sequence[Mapping[str, Any]]) -> Run:
    begins = [int(row["time"]) for row in rows if row["status"] == "started"]
    ends = [row for row in rows if row["status"] != "started"]
    versions = next((dict(row["versions"]) for row in [*ends, *rows] if row["versions"]), {})
    if not ends:
        return Run(job, name, min(begins), versions=versions)
    last = max(ends, key=lambda row: (row["time"], row["status"]))
    ended, seconds = int(last["time"]), last["duration_s"]
    began = min(begins) if begins else ended - int((seconds or 0.0) * SECOND)
    if seconds is None and begins:
        seconds = (ended - began) / SECOND
    return Run(job, name, began, ended, last["status"], seconds, last["rows"], versions)
