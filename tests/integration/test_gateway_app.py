"""The application in this process, over real versions: what is asked at the same time does not wait for each other."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

import gateways as g
from watchkeeper.gateway.contract import Contract


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return g.make_home(tmp_path_factory.mktemp("home"), 1)


def many(rows):
    """Both protocols' requests of so many rows."""
    tensors = [{"name": name, "shape": [rows], "datatype": "FP64", "data": [0.25] * rows} for name in g.COLUMNS]
    frame = {"columns": list(g.COLUMNS), "data": [[0.25] * len(g.COLUMNS)] * rows}
    return {
        f"/v2/models/{g.NAME}/infer": json.dumps({"inputs": tensors}).encode(),
        "/invocations": json.dumps({"dataframe_split": frame}).encode(),
    }


@pytest.mark.parametrize("path", many(1))
def test_health_and_small_requests_are_answered_while_a_large_one_is_read(home, monkeypatch, path):
    reading, answered_others = threading.Event(), threading.Event()
    rows_of = Contract.rows

    def slowly(self, sent, number, inputs):
        if number > 1:
            reading.set()
            assert answered_others.wait(20)
        return rows_of(self, sent, number, inputs)

    monkeypatch.setattr(Contract, "rows", slowly)

    async def ask():
        async with g.inside(home, g.NAME) as app:
            large = asyncio.create_task(g.asked(app, "POST", path, many(5_000)[path]))
            assert await asyncio.to_thread(reading.wait, 20)
            assert (await g.asked(app, "GET", "/v2/health/live"))[0] == 200
            assert (await g.asked(app, "POST", path, many(1)[path]))[0] == 200
            assert not large.done()
            answered_others.set()
            return await large

    status, body = asyncio.run(ask())
    assert (status, len(json.loads(body).get("predictions", json.loads(body).get("outputs"))) > 1) == (200, True)


def test_a_large_answer_is_logged_whole_and_not_by_the_loops_thread(home, monkeypatch):
    from watchkeeper.gateway.journal import Journal

    threads = []
    log = Journal.log

    def told(self, rows, *more):
        threads.append(threading.current_thread() is threading.main_thread())
        log(self, rows, *more)

    monkeypatch.setattr(Journal, "log", told)

    async def ask():
        async with g.inside(home, g.NAME) as app:
            for rows in (1, 2_000):
                assert (await g.asked(app, "POST", "/invocations", many(rows)["/invocations"]))[0] == 200
            return next(iter(app._switch.journals.values()))

    journal = asyncio.run(ask())
    assert threads == [True, False]
    assert journal.counts.durable >= 2_001
