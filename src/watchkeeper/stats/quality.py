"""Metrics of model quality, with their uncertainty, from mergeable summaries."""

from __future__ import annotations

from watchkeeper.profiles.quality import QualityProfile
from watchkeeper.profiles.quality_binary import BinaryQuality
from watchkeeper.profiles.quality_multiclass import MulticlassQuality
from watchkeeper.profiles.quality_ranking import RankingQuality
from watchkeeper.profiles.quality_regression import RegressionQuality
from watchkeeper.stats.quality_binary import binary_metrics
from watchkeeper.stats.quality_metric import Metric
from watchkeeper.stats.quality_multiclass import multiclass_metrics
from watchkeeper.stats.quality_ranking import ranking_metrics
from watchkeeper.stats.quality_regression import regression_metrics

__all__ = ["Metric", "quality_metrics"]


def quality_metrics(profile: QualityProfile) -> list[Metric]:
    """All metrics that a profile's plan allows; a slice with too few rows for one has NaN there."""
    if isinstance(profile, BinaryQuality):
        return list(binary_metrics(profile))
    if isinstance(profile, MulticlassQuality):
        return list(multiclass_metrics(profile))
    if isinstance(profile, RegressionQuality):
        return list(regression_metrics(profile))
    return list(ranking_metrics(profile)) if isinstance(profile, RankingQuality) else []
