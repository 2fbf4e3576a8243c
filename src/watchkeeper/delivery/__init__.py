"""Turns a file or table into typed blocks, and knows every bad row and every violation exactly."""

from watchkeeper.delivery.catalogue import CATALOGUE
from watchkeeper.delivery.content import active_content
from watchkeeper.delivery.delivery import Block, Delivery, deliver
from watchkeeper.delivery.limit import Limits
from watchkeeper.delivery.manifest import digest_of
from watchkeeper.delivery.pipeline import ahead
from watchkeeper.delivery.replacing import CannotWrite, replacing
from watchkeeper.delivery.sample import RawSample, raw_sample
from watchkeeper.delivery.source import NoSuchFile, expand
from watchkeeper.delivery.violation import BadRow, Kind, Level, Violation

__all__ = [
    "CATALOGUE",
    "BadRow",
    "Block",
    "CannotWrite",
    "Delivery",
    "Kind",
    "Level",
    "Limits",
    "NoSuchFile",
    "RawSample",
    "Violation",
    "active_content",
    "ahead",
    "deliver",
    "digest_of",
    "expand",
    "raw_sample",
    "replacing",
]
