"""Turns a file or table into typed blocks, and knows every bad row and every violation exactly."""

from watchkeeper.delivery.catalogue import CATALOGUE
from watchkeeper.delivery.content import active_content
from watchkeeper.delivery.delivery import Block, Delivery, deliver
from watchkeeper.delivery.limit import Limits
from watchkeeper.delivery.manifest import digest_of, read_key, read_manifest
from watchkeeper.delivery.output import TABLES, BadOutput, writable
from watchkeeper.delivery.pipeline import ahead
from watchkeeper.delivery.remote import NoSuchFile, shown
from watchkeeper.delivery.sample import RawSample, raw_sample
from watchkeeper.delivery.source import NotData, expand, is_table
from watchkeeper.delivery.violation import BadRow, Kind, Level, Violation
from watchkeeper.model import CannotWrite, replacing

__all__ = [
    "CATALOGUE",
    "TABLES",
    "BadOutput",
    "BadRow",
    "Block",
    "CannotWrite",
    "Delivery",
    "Kind",
    "Level",
    "Limits",
    "NoSuchFile",
    "NotData",
    "RawSample",
    "Violation",
    "active_content",
    "ahead",
    "deliver",
    "digest_of",
    "expand",
    "is_table",
    "raw_sample",
    "read_key",
    "read_manifest",
    "replacing",
    "shown",
    "writable",
]
