"""How much room the state takes."""

from __future__ import annotations

from watchkeeper.state import audit
from watchkeeper.state.size import size


def test_the_size_of_the_state_is_known_and_grows(store):
    before = size(store)
    audit.append(store, "ann", "something long", None, {"detail": "x" * 500_000}, 1)
    assert size(store) > before > 0
