"""Keys of measurements, and whose variation a measurement has."""

from __future__ import annotations

from watchkeeper.checks import Measurement

Key = tuple[str, str, tuple[str, ...]]
"""Check, metric and columns."""


def key_of(m: Measurement) -> Key:
    """What a measurement is told from others by."""
    return m.check, m.metric, m.columns


def teacher(key: Key) -> Key:
    """Whose variation a measurement has: a value that rises is a part of its column's shape."""
    return ("shape", "shape", key[2]) if key[1] == "rise" else key
