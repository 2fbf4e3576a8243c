"""The process of a version: nothing of it is left, whenever it is that nobody wants it any more."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
import structlog

from watchkeeper.gateway import wire
from watchkeeper.gateway.line import Line
from watchkeeper.model import Allowed
from watchkeeper.model.gateway import Gateway
from watchkeeper.runtime.failure import CannotLoad
from watchkeeper.runtime.servable import Format, Servable

SLOW = """\
import pathlib, time
begun = pathlib.Path("begun")
if {when}:
    begun.touch()
    time.sleep(60)
begun.touch()
def predict(rows):
    return rows["x"]
"""
"""A function that takes a minute to be loaded."""


def line(folder, when="True", seconds=30.0):
    (folder / "pipeline.py").write_text(SLOW.format(when=when))
    servable = Servable(Format.FUNCTION, ("x",), function=f"{folder / 'pipeline.py'}:predict")
    return Line("v1", servable, Allowed(functions=True), Gateway(load_seconds=seconds), structlog.get_logger())


def children():
    """Processes of ours, those that ended and were not waited for among them."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def sockets():
    return {link for link in map(_target, Path("/proc/self/fd").iterdir()) if link.startswith("socket:")}


def _target(path):
    try:
        return str(path.readlink())
    except OSError:
        return ""


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_load_that_is_cancelled_while_the_model_is_loaded_leaves_no_process(tmp_path):
    async def load():
        loading = asyncio.create_task(line(tmp_path).load())
        await until((tmp_path / "begun").exists)
        assert children() > before
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        assert children() == before

    before, open_before = children(), sockets()
    asyncio.run(load())
    assert sockets() <= open_before


@pytest.mark.parametrize("is_patient", [True, False])
def test_a_load_that_is_cancelled_while_the_process_is_started_leaves_no_process(tmp_path, monkeypatch, is_patient):
    """Whether the load is left to end, or is cancelled a second time while it does."""
    begun, go_on, started = threading.Event(), threading.Event(), []
    start = wire.start

    def slowly(*given):
        begun.set()
        assert go_on.wait(20)
        started.append(start(*given))
        return started[-1]

    monkeypatch.setattr(wire, "start", slowly)

    async def load():
        loading = asyncio.create_task(line(tmp_path).load())
        await until(begun.is_set)
        loading.cancel()
        if not is_patient:
            await asyncio.sleep(0.05)
            loading.cancel()
        asyncio.get_running_loop().call_later(0.2, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await loading
        assert is_patient is (bool(started) and started[0].process.returncode is not None)

    before = children()
    asyncio.run(load())
    assert started[0].process.returncode is not None
    assert started[0].owner.fileno() == -1
    assert children() == before


def test_a_line_that_is_closed_while_its_process_is_started_again_leaves_no_process(tmp_path):
    async def close():
        made = line(tmp_path, "begun.exists()")
        await made.load()
        os.kill(made.pid, 9)
        await until(lambda: made.restarts > 0 and children() > before)
        await made.close(0)
        assert children() == before

    before = children()
    asyncio.run(close())


def test_a_model_that_is_not_loaded_in_time_leaves_no_process(tmp_path):
    async def load():
        with pytest.raises(CannotLoad, match=r"not loaded within 0\.5 seconds"):
            await line(tmp_path, seconds=0.5).load()
        assert children() == before

    before = children()
    asyncio.run(load())
