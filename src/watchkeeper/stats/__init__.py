"""Statistics in plain arrays: evidence, distances and intervals."""

from watchkeeper.stats import distance, evidence, interval

__all__ = ["distance", "evidence", "interval"]
