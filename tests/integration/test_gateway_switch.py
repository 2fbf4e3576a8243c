"""Who decides on a rollback is told the figures of each version, and is followed."""

from __future__ import annotations

import asyncio

import gateways as g
from watchkeeper.gateway.refusal import Refusal
from watchkeeper.gateway.rows import Rows
from watchkeeper.gateway.switch import Switch
from watchkeeper.release import registry
from watchkeeper.watch.log import open_log


def test_a_condition_sees_the_figures_of_both_versions_and_rolls_back(tmp_path):
    home = g.make_home(tmp_path / "home", 2)
    seen = []

    def condition(model, live, previous):
        seen.append((model.name, live, previous))
        return "too many requests" if live.requests > 2 else None

    async def served(opened):
        switch = Switch(opened, opened.config.serving, open_log(), condition)
        await switch.start()
        following = asyncio.create_task(switch.follow())
        hotel = switch.models[g.NAME]
        assert (hotel.live.name, hotel.previous.name) == ("v2", "v1")
        rows = Rows(1, {name: [value] for name, value in g.ROW.items()})
        for _ in range(3):
            version, reply = await hotel.answer(rows, hotel.version(None))
            assert (version.name, len(reply.prediction)) == ("v2", 1)
        async with asyncio.timeout(30):
            while hotel.live.name != "v1":
                await asyncio.sleep(0.02)
        following.cancel()
        await switch.close()
        try:
            await hotel.answer(rows, hotel.version(None))
        except Refusal as refusal:
            return refusal.status
        return 200

    with g.a_home(home) as opened:
        assert asyncio.run(served(opened)) == 503
        live = registry.live(opened, g.NAME)
    assert live.version == "v1"
    name, figures, previous = next(one for one in seen if one[1].requests > 2)
    assert (name, figures.requests, sum(figures.buckets), figures.errors, figures.invalid) == (g.NAME, 3, 3, 0, 0)
    assert previous.requests == 0
