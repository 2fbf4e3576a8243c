"""What all tests share: databases, no time limits of Hypothesis's own, and a switch that turns skips into failures."""

from __future__ import annotations

import os

import hypothesis
import pytest

# A shared machine may pause a test for longer than any deadline; in CI the same examples are drawn each time.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server, shared by all tests of the session: each makes a database of its own."""
    import databases

    with databases.server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request, tmp_path):
    """Where a new state may be kept, on each of the databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return request.getfixturevalue("postgresql").new()


@pytest.fixture
def store(state_url):
    """A new, empty state on each of the databases."""
    from watchkeeper.state import open_store

    opened = open_store(state_url)
    yield opened
    opened.close()


NO_SKIPS = os.environ.get("WATCHKEEPER_NO_SKIPS") == "1"
HARDLY_EVER_THERE = "docker, or its daemon,"
"""How the reason of the one kind of skip begins that is always allowed: CI itself often runs in a container."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With WATCHKEEPER_NO_SKIPS=1 a skipped test fails and says why it wanted to be skipped."""
    report = yield
    return _failed(report) if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail") else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """The same for a module that skips itself as a whole."""
    report = yield
    return _failed(report) if NO_SKIPS and report.skipped else report


def _failed(report):
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    if HARDLY_EVER_THERE in str(reason):
        return report
    report.outcome = "failed"
    report.longrepr = f"{reason}, but nothing may be skipped here (WATCHKEEPER_NO_SKIPS=1)"
    return report
