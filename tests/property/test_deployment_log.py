"""The deployment log against a model of it in a few lines, for any sequence of releases and rollbacks."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from registry_home import NOW, a_file, a_home, passed
from watchkeeper.release import registry
from watchkeeper.release.registry import NothingToRollBackTo
from watchkeeper.state import deployment
from watchkeeper.state.deployment import standing

NAMES = ("v1", "v2", "v3", "v4")


class Log(RuleBasedStateMachine):
    """The model: a stack of what a person would undo, and a list of what was live when."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.opening = a_home(folder / "home")
        self.home = self.opening.__enter__()
        for _ in NAMES:
            kept = registry.register(self.home, "hotel", a_file(folder), now=NOW, who="ann")
            passed(self.home, kept.version)
        self.now = NOW
        self.stack, self.history = [], []

    def teardown(self):
        self.opening.__exit__(None, None, None)
        self.folder.cleanup()

    @initialize()
    def nothing_is_live(self):
        assert registry.live(self.home, "hotel") is None

    def _is_live(self, version):
        self.history.append((self.now, version))

    @rule(version=st.sampled_from(NAMES), passes=st.integers(0, 3))
    def release(self, version, passes):
        self.now += passes
        if self.stack and self.stack[-1] == version:
            return
        registry.release(self.home, "hotel", version, now=self.now, who="ann")
        if version in self.stack:
            self.stack.remove(version)
        self.stack.append(version)
        self._is_live(version)

    @precondition(lambda self: len(self.stack) > 1)
    @rule(passes=st.integers(0, 3))
    def roll_back(self, passes):
        self.now += passes
        self.stack.pop()
        done = registry.rollback(self.home, "hotel", why="", now=self.now, who="ann")
        assert done.version == self.stack[-1]
        self._is_live(self.stack[-1])

    @precondition(lambda self: len(self.stack) <= 1)
    @rule()
    def there_is_nothing_to_roll_back_to(self):
        try:
            registry.rollback(self.home, "hotel", why="", now=self.now, who="ann")
        except NothingToRollBackTo:
            return
        raise AssertionError

    @precondition(lambda self: self.history)
    @rule(data=st.data())
    def roll_back_by_name(self, data):
        choices = sorted({version for _, version in self.history} - {self.stack[-1]})
        if not choices:
            return
        to = data.draw(st.sampled_from(choices))
        registry.rollback(self.home, "hotel", to, why="", now=self.now, who="ann")
        if to in self.stack:
            while self.stack[-1] != to:
                self.stack.pop()
        else:
            self.stack.append(to)
        self._is_live(to)

    @invariant()
    def the_log_agrees(self):
        rows = deployment.log(self.home.store, "hotel")
        assert standing(rows) == self.stack
        assert [one.version for one in registry.earlier(self.home, "hotel")] == self.stack[-2::-1]
        for at in range(NOW - 1, self.now + 2):
            was = [version for time, version in self.history if time <= at]
            found = registry.live(self.home, "hotel", at)
            assert (found and found.version) == (was[-1] if was else None)


TestLog = Log.TestCase
TestLog.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
