"""Runs inside a user's service: what an event is, how it is written so that it lasts, and the logger."""

from watchkeeper.sdk.counts import Counts
from watchkeeper.sdk.error import BadName, Malformed, NoSuchModel, SDKError
from watchkeeper.sdk.frame import Corrupt, Frame, frames, pack
from watchkeeper.sdk.home import SEGMENTS, home_folder, inbox_of, spool_of
from watchkeeper.sdk.job import Job
from watchkeeper.sdk.logger import Logger
from watchkeeper.sdk.middleware import ServiceMiddleware
from watchkeeper.sdk.prediction import Prediction
from watchkeeper.sdk.record import (
    Event,
    JobRun,
    Kind,
    Label,
    MetricPoint,
    Record,
    Rejection,
    count,
    decode,
    encode,
    read,
)
from watchkeeper.sdk.segment import Claim, SegmentWriter, claim, claimed, segments
from watchkeeper.sdk.table import TableError

__all__ = [
    "SEGMENTS",
    "BadName",
    "Claim",
    "Corrupt",
    "Counts",
    "Event",
    "Frame",
    "Job",
    "JobRun",
    "Kind",
    "Label",
    "Logger",
    "Malformed",
    "MetricPoint",
    "NoSuchModel",
    "Prediction",
    "Record",
    "Rejection",
    "SDKError",
    "SegmentWriter",
    "ServiceMiddleware",
    "TableError",
    "claim",
    "claimed",
    "count",
    "decode",
    "encode",
    "frames",
    "home_folder",
    "inbox_of",
    "pack",
    "read",
    "segments",
    "spool_of",
]
