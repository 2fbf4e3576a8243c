"""Writes good and bad rows in a second reading of the source. Every value is kept as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from watchkeeper.delivery.accepted import accepted as accepting
from watchkeeper.delivery.accepted import is_copy
from watchkeeper.delivery.columnar import ColumnarReader
from watchkeeper.delivery.limit import Limits
from watchkeeper.delivery.piece import Piece, Reader
from watchkeeper.delivery.pipeline import ahead
from watchkeeper.delivery.quarantine import original
from watchkeeper.delivery.quarantine import quarantine as quarantining
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.state import State
from watchkeeper.delivery.violation import BadRow


def write(reader: Reader | None, state: State, limits: Limits, accepted: Path | None, quarantine: Path | None) -> None:
    """Write good rows to `accepted`, bad ones to `quarantine`; none without a reader. Raises `CannotWrite`."""
    with ExitStack() as stack:
        good = bad = None
        if accepted is not None and reader is not None:
            good = stack.enter_context(accepting(accepted, reader, list(state.names) or list(reader.names)))
        if quarantine is not None:
            bad = stack.enter_context(quarantining(quarantine))
        if reader is None or (good is None and not (bad and state.bad)):
            return
        kept = not isinstance(reader, ColumnarReader)  # the text of rows
        copied = kept and (accepted is None or good is None or is_copy(reader, accepted))
        rows, first = state.ledger.bad_rows(state.rows), 1
        pending: BadRow | None = next(rows, None)
        for piece in _again(reader, state, limits, copied=copied):
            if good is not None:
                good(piece, ~state.ledger.bad(first, piece.count))
            if bad is not None:
                behind = first + piece.count
                these: list[tuple[BadRow, str]] = []
                while pending is not None and pending.row < behind:
                    these.append((pending, original(piece, pending.row - first)))
                    pending = next(rows, None)
                if these:
                    bad(these)
            first += piece.count


def _again(reader: Reader, state: State, limits: Limits, *, copied: bool) -> Iterator[Piece]:
    """The pieces of the first reading once more; `copied`: without their cells, as the original text is enough."""
    seen = 0
    try:
        for piece in ahead(reader.pieces([] if copied else list(state.names) or None), limits.workers):
            yield piece
            seen += piece.count
            if seen >= state.rows:
                return
    except Rejection:
        return  # the first reading has told it
