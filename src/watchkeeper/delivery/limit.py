"""What reading a file may cost."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds on memory: a file that needs more is refused while it streams."""

    line: int = 16 * MIB
    """The most bytes of one row of text."""
    expansion: int = 200
    """How many times its size a compressed file may expand to …"""
    expanded: int = 64 * MIB
    """… once it holds more bytes than this."""
    block: int = 4 * MIB
    """Bytes of text that are read at once."""
    cells: int = 4_000_000
    """Cells of typed columns that are read at once."""
    workers: int = 0
    """Threads that parse; 0: one for each core, at most 8."""

    def most_bytes(self, compressed: int) -> int:
        """The most bytes that a file of `compressed` bytes may expand to."""
        return max(self.expanded, self.expansion * compressed)
