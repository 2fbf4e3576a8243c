"""What `status` counts of a model's intake, gathered in memory and written to the state now and then."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, date, datetime

from watchkeeper.state import Store, count


class Tally:
    """Amounts by model, kind of count and day that the state does not hold yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._amounts: Counter[tuple[str, str, date]] = Counter()
        self._lock = threading.Lock()

    def add(self, model: str, kind: str, amount: int) -> None:
        """Count something that happened just now."""
        if amount:
            with self._lock:
                self._amounts[model, kind, datetime.now(UTC).date()] += amount

    def flush(self) -> None:
        """Write what was gathered. What the state refuses is kept for the next time. Raises `StateUnavailable`."""
        with self._lock:
            gathered = self._amounts
            self._amounts = Counter()
        try:
            for key in list(gathered):
                model, kind, day = key
                count.add(self._store, model, kind, gathered[key], day)
                del gathered[key]
        finally:
            with self._lock:
                self._amounts.update(gathered)
