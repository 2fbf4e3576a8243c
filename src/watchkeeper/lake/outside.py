"""Labels, metric points and job runs as they were logged become rows of their tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.lake.cell import json_text, micro
from watchkeeper.lake.event import days, instants
from watchkeeper.lake.schema import INSTANT, JOBS, LABELS, POINTS
from watchkeeper.lake.text_map import mapped
from watchkeeper.sdk import JobRun, Label, MetricPoint

Ints = NDArray[np.int64]

_MOST = 2**63 - 1


def labels_table(labels: Sequence[Label], received: Ints | int) -> pa.Table:
    """Labels as rows; the lake adds the time of the event that each belongs to."""
    time = micro([label.time for label in labels])
    return pa.table(
        [
            pa.array([label.id for label in labels], pa.string()),
            pa.array([json_text(label.label) for label in labels], pa.string()),
            instants(time),
            _received(received, len(labels)),
            pa.nulls(len(labels), INSTANT),
            days(time),
        ],
        schema=LABELS,
    )


def points_table(points: Sequence[MetricPoint], received: Ints | int, sources: Sequence[str]) -> pa.Table:
    """Metric points as rows. `sources`: `logged` by a person, or told by the `service` about itself."""
    time = micro([point.time for point in points])
    return pa.table(
        [
            pa.array([point.name for point in points], pa.string()),
            instants(time),
            pa.array([point.value for point in points], pa.float64()),
            mapped([point.tags for point in points]),
            pa.array(sources, pa.string()),
            _received(received, len(points)),
            days(time),
        ],
        schema=POINTS,
    )


def jobs_table(runs: Sequence[JobRun], received: Ints | int) -> pa.Table:
    """What was told of runs of pipelines as rows."""
    time = micro([run.time for run in runs])
    return pa.table(
        [
            pa.array([run.job for run in runs], pa.string()),
            pa.array([run.run for run in runs], pa.string()),
            pa.array([run.status for run in runs], pa.string()),
            instants(time),
            pa.array([run.duration_s for run in runs], pa.float64()),
            pa.array([None if run.rows is None else min(run.rows, _MOST) for run in runs], pa.int64()),
            pa.array([None if run.inputs is None else json_text(run.inputs) for run in runs], pa.string()),
            mapped([run.versions for run in runs]),
            _received(received, len(runs)),
            days(time),
        ],
        schema=JOBS,
    )


def _received(received: Ints | int, rows: int) -> pa.Array:
    return instants(np.broadcast_to(np.asarray(received, dtype=np.int64), (rows,)))
