"""Leases: held by one at a time, taken over once they ran out, and never renewed after that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from watchkeeper.state import lease


def test_a_lease_that_is_held_is_not_given_to_another_nor_again_to_the_same(store):
    assert lease.acquire(store, "run", "a", until=10, now=0)
    assert not lease.acquire(store, "run", "b", until=20, now=9)
    assert not lease.acquire(store, "run", "a", until=20, now=9)
    assert lease.holder(store, "run", now=9) == "a"


def test_leases_of_other_names_are_other_leases(store):
    assert lease.acquire(store, "run m", "a", until=10, now=0)
    assert lease.acquire(store, "run n", "b", until=10, now=0)


def test_a_lease_that_ran_out_can_be_taken_and_then_the_old_holder_cannot_renew(store):
    assert lease.acquire(store, "run", "a", until=10, now=0)
    assert lease.holder(store, "run", now=10) is None
    assert lease.acquire(store, "run", "b", until=20, now=10)
    assert not lease.renew(store, "run", "a", until=30, now=11)
    assert lease.holder(store, "run", now=11) == "b"


def test_a_lease_that_ran_out_cannot_be_renewed_though_nobody_took_it(store):
    assert lease.acquire(store, "run", "a", until=10, now=0)
    assert not lease.renew(store, "run", "a", until=30, now=10)


def test_a_renewed_lease_holds_longer(store):
    assert lease.acquire(store, "run", "a", until=10, now=0)
    assert lease.renew(store, "run", "a", until=30, now=9)
    assert not lease.acquire(store, "run", "b", until=40, now=29)
    assert lease.acquire(store, "run", "b", until=40, now=30)


def test_a_lease_that_is_given_back_can_be_taken_at_once(store):
    assert lease.acquire(store, "run", "a", until=10, now=0)
    lease.release(store, "run", "a")
    assert lease.acquire(store, "run", "b", until=10, now=0)


def test_giving_back_a_lease_that_another_holds_by_now_changes_nothing(store):
    assert lease.acquire(store, "run", "a", until=10, now=0)
    assert lease.acquire(store, "run", "b", until=20, now=10)
    lease.release(store, "run", "a")
    assert lease.holder(store, "run", now=11) == "b"


def test_of_many_threads_that_reach_for_a_lease_at_once_one_gets_it(store):
    together = Barrier(8)

    def reach(name, now):
        together.wait()
        return lease.acquire(store, "run", name, until=now + 10, now=now)

    with ThreadPoolExecutor(8) as pool:
        for now in range(0, 100, 10):  # each round begins when the lease of the last has just run out
            got = list(pool.map(reach, [f"{now} {i}" for i in range(8)], [now] * 8))
            assert sum(got) == 1
