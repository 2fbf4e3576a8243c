"""The memory of recent ids: bounded, and never wrong about what it remembers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.server.recent import Recent


@given(st.integers(2, 20), st.lists(st.dictionaries(st.integers(0, 30), st.integers(), max_size=4), max_size=40))
def test_what_is_remembered_is_the_first_content_and_the_newest_half_is_always_there(most, batches):
    recent = Recent(most)
    first = {}
    order = []
    for batch in batches:
        for key in batch:
            if recent.content(key) is None:
                first[key] = batch[key]
                order.append(key)
        recent.remember(batch)
        assert len(recent) <= most + 8
        for key, content in first.items():
            assert recent.content(key) in (None, content)
    newest = list(dict.fromkeys(reversed(order)))[: most // 2]
    assert all(recent.content(key) == first[key] for key in newest)
