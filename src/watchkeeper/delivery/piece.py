"""Some consecutive rows as they were delivered, and what is wrong with them: what every reader hands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery.rejection import Rejection

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KEPT_VALUES = 100
"""The most values at fault that are kept of one piece: for messages, and to say what they look like."""


@dataclass(frozen=True)
class Fault:
    """The same thing wrong with some rows."""

    check: str
    rule: str
    """What is wrong, as a clause: the reason that each row is given."""
    rows: Ints
    """Places in the piece, ascending, from 0."""
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """What the first of the rows hold, at most `KEPT_VALUES`."""
    remedy: str = ""


@dataclass(frozen=True)
class Originals:
    """The text of rows as it came. Shapes (rows,)."""

    data: bytes
    starts: Ints
    stops: Ints
    ends: Ints

    def text(self, place: int) -> str:
        """One row; bytes that are no text are written in hexadecimal, after a backslash and an x."""
        return self.data[self.starts[place] : self.stops[place]].decode("utf-8", "backslashreplace")

    def copied(self, chosen: Bools) -> bytes:
        """The chosen rows, byte for byte; each ends its line."""
        at = np.flatnonzero(chosen)
        if not len(at):
            return b""
        starts, ends = self.starts[at], self.ends[at]
        breaks = np.flatnonzero(starts[1:] != ends[:-1])
        begins, finishes = starts[np.append(0, breaks + 1)].tolist(), ends[np.append(breaks, len(at) - 1)].tolist()
        copied = b"".join(self.data[a:b] for a, b in zip(begins, finishes, strict=True))
        return copied if copied.endswith((b"\n", b"\r")) else copied + b"\n"


@dataclass(frozen=True)
class Piece:
    """Some consecutive rows."""

    count: int
    """Rows, broken ones included."""
    places: Ints
    """Which of them are in `cells`: places from 0, ascending."""
    cells: pa.Table
    """The columns asked for, one chunk each: text (null where empty), or the physical types of typed formats."""
    faults: list[Fault] = field(default_factory=list)
    empty_lines: int = 0
    """Lines of delimiters alone, which are no rows."""
    multibyte: bool = False
    """Whether a row that is valid text holds more than ASCII."""
    not_text: bytes = b""
    """A sample of rows that are no text in the encoding."""
    originals: Originals | None = None
    """None for typed formats."""
    nested: Mapping[str, Bools] = field(default_factory=dict)
    """JSON lines: which cells hold an object or array, of columns that have any; shape as `cells`."""
    keys: tuple[str, ...] = ()
    """JSON lines: the keys of these rows, in the order in which they were met."""
    stop: Callable[[int], Rejection] | None = None
    """Set where the file can't be followed behind these rows: takes the number of the row that follows them."""


class Reader(Protocol):
    """Reads one delivery, as often as is asked."""

    @property
    def name(self) -> str:
        """What the delivery is called."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The columns, in the file's order. JSON lines: those met so far."""
        ...

    @property
    def lexical(self) -> bool:
        """Whether cells are text, whose type is what it reads as."""
        ...

    @property
    def empty_is_null(self) -> bool:
        """Whether a null in `Piece.cells` may have been an empty text."""
        ...

    def pieces(self, columns: Sequence[str] | None) -> Iterator[Callable[[], Piece]]:
        """The rows, in order, as tasks that may run side by side. `columns`: those wanted, or None for all."""
        ...
