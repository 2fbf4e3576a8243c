"""Keeps events, labels, points, jobs, profiles and findings in Delta tables; moves the inbox there exactly once."""

from watchkeeper.lake.appended import Appended
from watchkeeper.lake.block import Delivered, block_of, from_delivery, labels_of, rows_of, served
from watchkeeper.lake.error import LakeChanged, LakeError, LakeUnavailable, Overtaken
from watchkeeper.lake.event import events_table
from watchkeeper.lake.export import UnknownTable, export
from watchkeeper.lake.lake import Lake, open_lake
from watchkeeper.lake.move import Moved, move
from watchkeeper.lake.outcome import Outcomes
from watchkeeper.lake.outside import jobs_table, labels_table, points_table
from watchkeeper.lake.place import Place
from watchkeeper.lake.schema import TABLES, EventColumns, event_columns
from watchkeeper.lake.window import Kept, Told

__all__ = [
    "TABLES",
    "Appended",
    "Delivered",
    "EventColumns",
    "Kept",
    "Lake",
    "LakeChanged",
    "LakeError",
    "LakeUnavailable",
    "Moved",
    "Outcomes",
    "Overtaken",
    "Place",
    "Told",
    "UnknownTable",
    "block_of",
    "event_columns",
    "events_table",
    "export",
    "from_delivery",
    "jobs_table",
    "labels_of",
    "labels_table",
    "move",
    "open_lake",
    "points_table",
    "rows_of",
    "served",
]
