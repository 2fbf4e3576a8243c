"""What is kept of the figures is of one moment, and comes back."""

from __future__ import annotations

import asyncio
import threading

import msgspec
import pytest

import gateways as g
from watchkeeper.gateway.memory import FILE, Kept, Memory


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return g.make_home(tmp_path_factory.mktemp("home"), 1)


def test_the_figures_are_read_by_the_thread_that_counts_them(home, monkeypatch):
    threads = []
    content = Memory.content

    def told(self, models):
        threads.append(threading.current_thread())
        return content(self, models)

    monkeypatch.setattr(Memory, "content", told)

    async def run():
        async with g.inside(home) as app:
            body = msgspec.json.encode(g.tensors())
            for _ in range(5):
                assert (await g.asked(app, "POST", f"/v2/models/{g.NAME}/infer", body))[0] == 200

    asyncio.run(run())
    assert threads == [threading.main_thread()]
    kept = msgspec.json.decode((home / "cache" / "gateway" / FILE).read_bytes(), type=dict[str, Kept])[g.NAME]
    assert kept.live.requests == sum(kept.live.buckets) == 5


def test_what_is_written_last_is_what_was_known_last(home, monkeypatch):
    """A gateway that stops while its figures are being written waits for that before it writes the last ones."""
    from watchkeeper.gateway import switch

    monkeypatch.setattr(switch, "KEEP_SECONDS", 0.0)
    writing, go_on, written = threading.Event(), threading.Event(), []
    write = Memory.write

    def slowly(self, content):
        if not writing.is_set():
            writing.set()
            assert go_on.wait(20)
        written.append(content)
        write(self, content)

    monkeypatch.setattr(Memory, "write", slowly)

    async def run():
        async with g.inside(home) as app:
            following = asyncio.create_task(app._switch.follow())
            assert await asyncio.to_thread(writing.wait, 20)
            following.cancel()
            with pytest.raises(asyncio.CancelledError):
                await following
            body = msgspec.json.encode(g.tensors())
            assert (await g.asked(app, "POST", f"/v2/models/{g.NAME}/infer", body))[0] == 200
            asyncio.get_running_loop().call_later(0.2, go_on.set)

    asyncio.run(run())
    assert len(written) == 2
    assert (home / "cache" / "gateway" / FILE).read_bytes() == written[-1] != written[0]
