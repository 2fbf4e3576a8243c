"""Laws of the index of ids: it knows what a dictionary would know, however it was filled, cut and merged."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.lake.index import Entries, Index, Shelf

SMALL = st.integers(0, 3)
IDS = st.tuples(SMALL, SMALL)  # so few high words that many ids share one
ACTS = st.one_of(
    st.tuples(st.just("add"), st.dictionaries(IDS, st.tuples(st.integers(-5, 5), st.integers(0, 9)), max_size=6)),
    st.tuples(st.just("erase"), st.lists(IDS, min_size=1, max_size=2)),
    st.tuples(st.just("retain"), st.integers(0, 9)),
    st.tuples(st.just("load"), st.none()),
)
ALL = [(high, low) for high in range(5) for low in range(5)]


def hashes(ids):
    return np.array(ids, dtype=np.uint64).reshape(-1, 2)


def entries(held):
    values = np.array([*held.values()], dtype=np.int64).reshape(-1, 2)
    return Entries(hashes([*held]), values[:, 0], values[:, 1])


@given(st.lists(ACTS, max_size=25))
@settings(max_examples=60)
def test_an_index_knows_what_a_dictionary_knows(acts):
    with TemporaryDirectory() as folder:
        shelf, index, known = Shelf(Path(folder)), Index("table", 0), {}
        for version, (act, what) in enumerate(acts, 1):
            if act == "add":
                fresh = {key: value for key, value in what.items() if key not in known}
                known |= fresh
                index = shelf.add(index, entries(fresh), version)
            elif act == "erase":
                known = {key: value for key, value in known.items() if key not in what}
                index = shelf.without(index, hashes(what), None, version)
            elif act == "retain":
                known = {key: value for key, value in known.items() if value[1] >= what}
                index = shelf.without(index, None, what, version)
            else:
                shelf.save(index)
                index = shelf.load()
            found = index.look(hashes(ALL))
            assert found.found.tolist() == [key in known for key in ALL]
            assert [(int(c), int(t)) for c, t in zip(found.contents, found.times, strict=True)] == [
                known.get(key, (0, 0)) for key in ALL
            ]
            assert len(index) == len(known)
            counts = [run.count for run in index.runs]
            assert all(earlier >= 2 * later for earlier, later in pairwise(counts)) or act != "add"
