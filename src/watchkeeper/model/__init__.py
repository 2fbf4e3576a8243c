"""Declares and infers a Model: what columns mean, which values they may hold, and what budget its alarms have."""

from watchkeeper.model.config import Config, Intake, Notify, load_config
from watchkeeper.model.contract import read_contract
from watchkeeper.model.declaration import Column, Constraints, Model, Role, Scalar, Task, TextFormat, Type
from watchkeeper.model.error import WatchkeeperError
from watchkeeper.model.infer import Inference, infer
from watchkeeper.model.mistake import ModelError
from watchkeeper.model.note import ColumnNotes, Note
from watchkeeper.model.override import KEEP, OUTSIDE, Override, override_of
from watchkeeper.model.replacing import CannotWrite, replacing
from watchkeeper.model.schema import json_schema
from watchkeeper.model.serving import Allowed
from watchkeeper.model.term import Contract
from watchkeeper.model.time_format import format_fault
from watchkeeper.model.time_read import read_times
from watchkeeper.model.yaml_file import dump, load

__all__ = [
    "KEEP",
    "OUTSIDE",
    "Allowed",
    "CannotWrite",
    "Column",
    "ColumnNotes",
    "Config",
    "Constraints",
    "Contract",
    "Inference",
    "Intake",
    "Model",
    "ModelError",
    "Note",
    "Notify",
    "Override",
    "Role",
    "Scalar",
    "Task",
    "TextFormat",
    "Type",
    "WatchkeeperError",
    "dump",
    "format_fault",
    "infer",
    "json_schema",
    "load",
    "load_config",
    "override_of",
    "read_contract",
    "read_times",
    "replacing",
]
