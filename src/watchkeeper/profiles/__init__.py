"""Reduces batches of rows, once, to small summaries that add up: of every slice, column and pair of columns."""

from watchkeeper.profiles.addition import Addition
from watchkeeper.profiles.baseline import Baseline, Past
from watchkeeper.profiles.category import CategoryProfile
from watchkeeper.profiles.codec import NotAProfile, ProfileFile, is_profile, read, write
from watchkeeper.profiles.column import ColumnProfile, NumericProfile
from watchkeeper.profiles.correlation import PairProfile
from watchkeeper.profiles.edges import FULL_RANK, CategoryEdges, Edges, NumericEdges, PlainEdges
from watchkeeper.profiles.fit import Gathering, fit
from watchkeeper.profiles.fourier import FourierProfile
from watchkeeper.profiles.kernel import profile
from watchkeeper.profiles.profile import EdgesDiffer, Profiles, merge
from watchkeeper.profiles.sample import Sample
from watchkeeper.profiles.slice import Slice
from watchkeeper.profiles.text import TextProfile
from watchkeeper.profiles.text_format import FORMATS
from watchkeeper.profiles.window import OneWindow, RowWindows, TimeWindows, UnknownWindow, Windows, event_times, parse

__all__ = [
    "FORMATS",
    "FULL_RANK",
    "Addition",
    "Baseline",
    "CategoryEdges",
    "CategoryProfile",
    "ColumnProfile",
    "Edges",
    "EdgesDiffer",
    "FourierProfile",
    "Gathering",
    "NotAProfile",
    "NumericEdges",
    "NumericProfile",
    "OneWindow",
    "PairProfile",
    "Past",
    "PlainEdges",
    "ProfileFile",
    "Profiles",
    "RowWindows",
    "Sample",
    "Slice",
    "TextProfile",
    "TimeWindows",
    "UnknownWindow",
    "Windows",
    "event_times",
    "fit",
    "is_profile",
    "merge",
    "parse",
    "profile",
    "read",
    "write",
]
