"""What the bearer of a token may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What the bearer of a token may do."""

    INGEST = "ingest"
    """Send events, labels, metric points and job runs; read nothing."""
    PREDICT = "predict"
    """Ask the gateway for predictions; nothing else."""
    VIEWER = "viewer"
    """Read everything."""
    OPERATOR = "operator"
    """Read everything, start runs and take baselines into use."""
    ADMIN = "admin"
    """Everything, tokens and erasure too."""
