"""Checks: pure functions from profiles to measurements, one a file. They measure; the budget judges."""

from watchkeeper.checks import (
    correlation,
    distances,
    freshness,
    invalid_share,
    mmd,
    null_share,
    quality,
    reconstruction_error,
    rise,
    row_count,
    series_error,
    shape,
    spike,
    summary,
    unseen_share,
    value_range,
)
from watchkeeper.checks.measurement import Check, Measurement, Series
from watchkeeper.checks.run import available, run

BUILT_IN = (
    row_count.CHECK,
    freshness.CHECK,
    null_share.CHECK,
    invalid_share.CHECK,
    shape.CHECK,
    spike.CHECK,
    value_range.CHECK,
    unseen_share.CHECK,
    rise.CHECK,
    correlation.CHECK,
    reconstruction_error.CHECK,
    mmd.CHECK,
    series_error.CHECK,
    quality.CHECK,
    distances.CHECK,
    summary.CHECK,
)
"""The built-in checks, by hand. Others add theirs by the entry-point group `watchkeeper.checks`."""

JOINT = frozenset(check.name for check in (reconstruction_error.CHECK, mmd.CHECK, series_error.CHECK))
"""Metrics of all columns together, named like their checks: a finding names those that contribute most to it."""

TRAFFIC = frozenset(check.name for check in (row_count.CHECK, freshness.CHECK))
"""Checks of how much data there is, and until when: single versions of a model say nothing of that."""

__all__ = ["BUILT_IN", "JOINT", "TRAFFIC", "Check", "Measurement", "Series", "available", "run"]
