"""A lease is never held by two at once, whatever is acquired, renewed, given back, and however time goes on."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from watchkeeper.state import lease

holders = st.sampled_from(["a", "b", "c"])
lengths = st.integers(1, 5)


def machine(store):
    """The rules, on a database that is there already."""
    names = iter(range(10**9))

    class Leases(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.name = f"lease {next(names)}"
            self.now = 0
            self.believes = {}  # until when each holder may believe that the lease is his

        @rule(by=st.integers(0, 4))
        def time_goes_on(self, by):
            self.now += by

        @rule(holder=holders, length=lengths)
        def acquire(self, holder, length):
            is_free = not self.owners()
            assert lease.acquire(store, self.name, holder, self.now + length, self.now) == is_free
            if is_free:
                self.believes[holder] = self.now + length

        @rule(holder=holders, length=lengths)
        def renew(self, holder, length):
            is_held = holder in self.owners()
            assert lease.renew(store, self.name, holder, self.now + length, self.now) == is_held
            if is_held:
                self.believes[holder] = self.now + length

        @rule(holder=holders)
        def release(self, holder):
            lease.release(store, self.name, holder)
            self.believes.pop(holder, None)

        def owners(self):
            return [holder for holder, until in self.believes.items() if until > self.now]

        @invariant()
        def one_at_most_holds_it_and_all_agree_who(self):
            owners = self.owners()
            assert len(owners) <= 1
            assert lease.holder(store, self.name, self.now) == (owners[0] if owners else None)

    return Leases


def test_no_two_ever_hold_a_lease(store):
    run_state_machine_as_test(machine(store), settings=settings(max_examples=20, stateful_step_count=20))
