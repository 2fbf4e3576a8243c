"""What is known of a delivery while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from watchkeeper.delivery.encoding import SAMPLE
from watchkeeper.delivery.examine import Examined
from watchkeeper.delivery.key import KeyStore
from watchkeeper.delivery.ledger import Ledger
from watchkeeper.delivery.violation import Violation


@dataclass
class State:
    """Sums over the pieces read so far."""

    ledger: Ledger = field(default_factory=Ledger)
    stores: list[KeyStore] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    """JSON lines: the keys met, in order."""
    violations: list[Violation] = field(default_factory=list)
    rows: int = 0
    bad: int = 0
    empty_lines: int = 0
    multibyte: bool = False
    """Whether any row holds text beyond ASCII that is right."""
    not_text: bytes = b""
    """A sample of rows that are no text in the encoding."""
    decimals: dict[str, int] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)

    def take(self, examined: Examined) -> None:
        """Add the next piece."""
        piece, first = examined.piece, self.rows + 1
        for fault in examined.faults:
            self.ledger.add(first, piece.count, fault)
        for store, keys in zip(self.stores, examined.keys, strict=False):
            store.add(keys.hashes, whole_numbers=len(store.columns) == 1 and _are_whole(examined, store.columns[0]))
        for counted, total in ((examined.decimals, self.decimals), (examined.nulls, self.nulls)):
            for name, number in counted.items():
                total[name] = total.get(name, 0) + number
        self.names.update(dict.fromkeys(piece.keys))
        self.empty_lines += piece.empty_lines
        self.multibyte = self.multibyte or piece.multibyte
        self.not_text = (self.not_text + piece.not_text)[:SAMPLE]
        self.rows += piece.count


def _are_whole(examined: Examined, column: str) -> bool:
    """Whether the values of a column are whole numbers; those of a column of no known type are not."""
    return column in examined.table.column_names and bool(pa.types.is_integer(examined.table[column].type))
