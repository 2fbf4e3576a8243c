"""What is declared anew is taken at the next look, and a rollback is told to MLflow: neither holds up a request."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

import gateways as g
from watchkeeper.gateway.refusal import Refusal
from watchkeeper.release import mirror
from watchkeeper.release.figures import Figures
from watchkeeper.release.mlflow_server import MlflowFailed
from watchkeeper.state import deployment
from watchkeeper.state import model as models

MLFLOW = "mlflow: {uri: 'http://mlflow.internal:5000'}\n"
PATH = f"/v2/models/{g.NAME}/infer"


def declare(folder, columns=g.COLUMNS, more=""):
    told = "\n".join(f"  {column}: {{type: {kind}}}" for column, kind in columns.items())
    with g.a_home(folder) as home:
        models.put(home.store, g.NAME, g.YAML.format(name=g.NAME, columns=told) + more, g.now(), "test")


async def infer(app, **more):
    status, body = await g.asked(app, "POST", PATH, json.dumps(g.tensors({**g.ROW, **more})).encode())
    return status, json.loads(body)


def test_what_is_declared_anew_holds_from_the_next_look_on_and_nothing_is_loaded_again(tmp_path):
    async def run():
        async with g.inside(g.make_home(tmp_path / "home", 1)) as app:
            served = app._switch.models[g.NAME]
            live = served.live
            assert (await infer(app, colour=1.0))[0] == 400
            declare(tmp_path / "home", {**g.COLUMNS, "colour": "number, maximum: 5"}, "rollback: {errors: 0.2}\n")
            await app._switch._look()
            assert (await infer(app, colour=1.0))[0] == 200
            status, told = await infer(app, colour=6.0)
            assert (status, "'colour' is above 5" in told["error"]) == (400, True)
            assert served.model.rollback.errors == 0.2
            assert served.live is live
            assert live.is_up
            assert served.switches == 1

    asyncio.run(run())


def test_a_declaration_and_a_release_that_come_together_are_taken_by_one_look_and_lose_no_request(tmp_path):
    async def run():
        async with g.inside(g.make_home(tmp_path / "home", 2)) as app:
            declare(tmp_path / "home", {**g.COLUMNS, "colour": "number"})
            g.release(tmp_path / "home", "v1")
            await app._switch._look()
            answers = []
            while not answers or answers[-1][1]["model_version"] != "v1":
                answers.append(await infer(app, colour=1.0))
                assert answers[-1][0] == 200
                await asyncio.sleep(0)

    asyncio.run(run())


def test_a_live_version_goes_on_taking_a_column_that_is_declared_no_more(tmp_path):
    async def run():
        async with g.inside(g.make_home(tmp_path / "home", 1)) as app:
            declare(tmp_path / "home", {name: kind for name, kind in g.COLUMNS.items() if name != "x5"})
            await app._switch._look()
            assert (await infer(app))[0] == 200
            assert (await g.asked(app, "GET", f"/v2/models/{g.NAME}"))[0] == 200
            served = app._switch.models[g.NAME]
            with pytest.raises(Refusal, match="'x5' is not a text, a number, true or false"):
                served.contract.rows({**{name: [0.5] for name in g.COLUMNS}, "x5": [[]]}, 1, served.live.inputs)

    asyncio.run(run())


def test_a_declaration_that_can_not_be_read_leaves_the_one_before(tmp_path):
    async def run():
        async with g.inside(g.make_home(tmp_path / "home", 1)) as app:
            before = app._switch.models[g.NAME].model
            with g.a_home(tmp_path / "home") as home:
                models.put(home.store, g.NAME, "name: hotel\ncolumns: 3\n", g.now(), "a later Watchkeeper")
            await app._switch._look()
            assert app._switch.models[g.NAME].model is before
            assert (await infer(app))[0] == 200

    asyncio.run(run())


@pytest.mark.parametrize("hears", [True, False])
def test_what_is_rolled_back_by_itself_is_told_to_mlflow_by_a_thread_that_nobody_waits_for(
    tmp_path, monkeypatch, hears
):
    asked, go_on, told = threading.Event(), threading.Event(), []

    def ask(uri, seconds, **question):
        told.append((question["alias"], question["version"]))
        asked.set()
        assert go_on.wait(20)
        if not hears:
            raise MlflowFailed("the MLflow server is away.")
        return "7"

    monkeypatch.setattr(mirror, "ask", ask)

    async def run():
        async with g.inside(g.make_home(tmp_path / "home", 2, config=MLFLOW)) as app:
            declare(tmp_path / "home", more="rollback: {}\n")
            await app._switch._look()
            served = app._switch.models[g.NAME]
            served.reference = Figures(1_000)
            served.live.figures = Figures(1_000, errors=1_000)
            served.before = Figures()
            await app._switch._guard.judge(served)
            assert await asyncio.to_thread(asked.wait, 20)
            assert (await infer(app))[0] == 200  # while MLflow does not answer
        go_on.set()
        for thread in threading.enumerate():
            if thread.name == "mirror":
                await asyncio.to_thread(thread.join)

    asyncio.run(run())
    assert told == [("live", "v1")]
    with g.a_home(tmp_path / "home") as home:
        assert deployment.log(home.store, g.NAME)[-1].version == "v1"
        again = mirror.follow(home, g.NAME)  # as the next run does
    assert (again is None) is hears
    assert len(told) == (1 if hears else 2)
