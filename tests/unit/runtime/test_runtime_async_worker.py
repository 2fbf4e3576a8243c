from __future__ import annotations

import asyncio
import os

import pytest
import uvloop

import models
from models import COLUMNS, ROWS
from watchkeeper.runtime import (
    Allowed,
    AsyncWorker,
    CannotLoad,
    Crashed,
    Format,
    Servable,
    TimedOut,
    WrongAnswer,
    WrongInput,
)

FUNCTIONS = Allowed(functions=True)
PIPELINE = """
import os, time
import numpy as np

calls = []

def predict(rows):
    age = rows["age"]
    calls.append(len(age))
    if (age == -1).any():
        raise KeyError("no such age")
    if (age == -2).any():
        os.kill(os.getpid(), 9)
    if (age == -3).any():
        time.sleep(60)
    time.sleep(0.05)
    return np.where(age == -4, np.nan, age), None

def count(rows):
    predict(rows)
    return np.full(len(rows["age"]), float(len(calls)))
"""


STARTED = []


async def start(*given, **options):
    """A worker that is closed after the test, however the test ends."""
    STARTED.append(await AsyncWorker.start(*given, **options))
    return STARTED[-1]


async def closed_after(test):
    try:
        await asyncio.wait_for(test, 60)
    finally:
        while STARTED:
            await STARTED.pop().close(0)


def run(test, loop):
    (uvloop if loop == "uvloop" else asyncio).run(closed_after(test))


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request):
    return request.param


@pytest.fixture
def servable(tmp_path):
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    return Servable(Format.FUNCTION, ("age",), None, f"{tmp_path / 'pipeline.py'}:predict")


async def several(worker, ages, seconds=20):
    asked = [worker.predict({"age": [age]}, seconds) for age in ages]
    return await asyncio.gather(*asked, return_exceptions=True)


def test_each_of_many_requests_at_once_gets_its_own_answer(tmp_path, loop):
    (tmp_path / "m.onnx").write_bytes(models.onnx_of(models.classifier(), options={"zipmap": False}))

    async def test():
        worker = await start(Servable(Format.ONNX, COLUMNS, tmp_path / "m.onnx"), Allowed())
        rows = [{name: [float(ROWS[name][row])] for name in COLUMNS} for row in range(400)]
        given = await asyncio.gather(*(worker.predict(row, 20) for row in rows))
        whole = await worker.predict(ROWS, 20)
        await worker.close()
        assert [one.prediction[0] for one in given] == whole.prediction.tolist()
        assert [one.scores[0, 1] for one in given] == pytest.approx(whole.scores[:, 1])
        assert worker.classes == (0, 1)
        assert not worker.alive

    run(test(), loop)


def test_requests_that_wait_while_the_model_works_are_joined_into_its_next_call(tmp_path, servable, loop):
    async def test():
        counting = Servable(Format.FUNCTION, ("age",), None, str(servable.function).replace("predict", "count"))
        worker = await start(counting, FUNCTIONS)
        first = asyncio.ensure_future(worker.predict({"age": [1.0]}, 20))
        await asyncio.sleep(0.02)
        others = await several(worker, [float(age) for age in range(30)])
        assert (await first).prediction.tolist() == [1.0]
        assert {one.prediction[0] for one in others} == {2.0}
        assert worker.waiting == 0
        await worker.close()

    run(test(), loop)


def test_a_request_that_fails_does_not_spoil_those_that_it_was_joined_with(servable, loop):
    async def test():
        worker = await start(servable, FUNCTIONS)
        one, bad, two, nan = await several(worker, [1.0, -1, 2.0, -4])
        assert (one.prediction.tolist(), two.prediction.tolist()) == ([1.0], [2.0])
        assert isinstance(bad, WrongAnswer)
        assert "no such age" in str(bad)
        assert isinstance(nan, WrongAnswer)
        with pytest.raises(WrongInput, match="takes age"):
            await worker.predict({"height": [1.0]}, 20)
        await worker.close()

    run(test(), loop)


def test_a_process_that_dies_fails_all_that_waits_at_once_and_what_comes_after(servable, loop):
    async def test():
        worker = await start(servable, FUNCTIONS)
        dying = asyncio.ensure_future(worker.predict({"age": [-2.0]}, 50))
        await asyncio.sleep(0.01)
        given = await several(worker, [1.0, 2.0], 50)
        with pytest.raises(Crashed):
            await dying
        assert all(isinstance(one, Crashed) for one in given)
        with pytest.raises(Crashed, match=f"process {worker.pid}"):
            await worker.predict({"age": [1.0]}, 20)
        assert not worker.alive
        await worker.close()

    run(test(), loop)


def test_a_process_that_hangs_times_out_each_request_and_can_be_closed(servable, loop):
    async def test():
        worker = await start(servable, FUNCTIONS)
        given = await several(worker, [-3.0, 1.0], 0.1)
        assert all(isinstance(one, TimedOut) for one in given)
        with pytest.raises(TimedOut):
            await worker.check(0.1)
        assert worker.alive
        await worker.close(0.1)
        assert not worker.alive
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)

    run(test(), loop)


def test_a_request_that_was_given_up_is_not_sent_and_others_are_answered(servable, loop):
    async def test():
        worker = await start(servable, FUNCTIONS)
        first = asyncio.ensure_future(worker.predict({"age": [1.0]}, 20))
        await asyncio.sleep(0.01)
        given_up = asyncio.ensure_future(worker.predict({"age": [-1.0]}, 20))
        kept = asyncio.ensure_future(worker.predict({"age": [3.0]}, 20))
        await asyncio.sleep(0)
        given_up.cancel()
        assert (await first).prediction.tolist() == [1.0]
        assert (await kept).prediction.tolist() == [3.0]
        await worker.close()

    run(test(), loop)


def test_close_lets_what_waits_be_answered_first(servable, loop):
    async def test():
        worker = await start(servable, FUNCTIONS)
        waiting = asyncio.ensure_future(several(worker, [1.0, 2.0, 3.0]))
        await asyncio.sleep(0.01)
        await worker.close(20)
        assert [one.prediction.tolist() for one in await waiting] == [[1.0], [2.0], [3.0]]

    run(test(), loop)


def test_what_can_not_be_loaded_says_why_and_leaves_no_process(tmp_path, servable, loop):
    (tmp_path / "broken.py").write_text("raise RuntimeError('no weights')")
    (tmp_path / "slow.py").write_text("import time; time.sleep(60)")
    (tmp_path / "dying.py").write_text("import os; os._exit(7)")

    async def test():
        with pytest.raises(CannotLoad, match="functions: true"):
            await start(servable, Allowed())
        for name, said in (("broken", "no weights"), ("slow", "not loaded within"), ("dying", "before it answered")):
            held = Servable(Format.FUNCTION, ("age",), None, f"{tmp_path / name}.py:predict")
            with pytest.raises(CannotLoad, match=said):
                await start(held, FUNCTIONS, load_seconds=1 if name == "slow" else 60)

    run(test(), loop)
