"""Durable ingest over HTTP: events a second that one core takes, beside what the same core and disk can do at best.

The server is pinned to one core, the senders to another: they post prepared bodies of 100 events over keep-alive
connections and count an event when its 2xx has come. In the same run, on the same cores: a bare Starlette application
that reads the same bodies and answers 200, and the rate at which the disk syncs small appends.

    python benchmarks/ingest.py [--seconds 10] [--connections 32] [--batch 100] [--folder DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchkeeper.sdk import count, frames, segments
from watchkeeper.state import Role, model, open_store, token

SERVER_CORE, SENDER_CORE = 0, 1
BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def endpoint(request):
    await request.body()
    return Response(b'{"accepted":100,"duplicates":0,"rejected":[]}', media_type="application/json")

app = Starlette(routes=[Route("/api/v1/models/{model}/events", endpoint, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error")
"""


def main() -> None:
    """Measure three times and print the figures with their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the home is made: the disk that is measured")
    options = parser.parse_args()
    os.sched_setaffinity(0, {SENDER_CORE})
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        home = Path(folder)
        secret = prepare(home)
        port = free_port()
        load = Load(port, secret, options)
        with running([sys.executable, "-c", BARE, str(port)], port):
            bare, _ = load.run()
        serving = [sys.executable, "-m", "watchkeeper", "serve", "--home", str(home), "--port", str(port)]
        with running(serving, port) as process:
            busy = cpu_seconds(process)
            durable, accepted = load.run()
            busy = cpu_seconds(process) - busy
        data = [path.read_bytes() for path in segments(home / "inbox" / "m")]
        kept = sum(count(frame.payload) for content in data for frame in frames(content))
        syncs = sync_rate(home)
    print(f"durable ingest      {durable:>12,.0f} events/s   {options.batch} a request, {options.connections} senders")
    print(f"                    {busy / accepted * 1e6:>12.2f} µs of CPU an event")
    print(f"bare Starlette      {bare:>12,.0f} events/s   reads the same bodies, keeps nothing")
    print(f"ratio               {durable / bare:>12.2f}")
    print(f"fdatasync           {syncs:>12,.0f} a second  of {options.batch * 170 // 1000} kB appends to the same disk")
    print(f"accepted {accepted:,}, found in the inbox {kept:,}")
    if kept < accepted:
        sys.exit("events were acknowledged that are not in the inbox")


class Load:
    """Bodies made beforehand but for their ids, and the connections that post them."""

    def __init__(self, port: int, secret: str, options: argparse.Namespace) -> None:
        self.port = port
        self.options = options
        draw = random.Random(0)
        self.head = (
            f"POST /api/v1/models/m/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {secret}\r\n"
            "Content-Type: application/x-ndjson\r\nContent-Length: "
        ).encode()
        self.bodies = [b"\n".join(event(draw) for _ in range(options.batch)) for _ in range(64)]
        self.sent = 0
        self.accepted = 0

    def run(self) -> tuple[float, int]:
        """Events acknowledged a second, and how many in all."""
        self.accepted = 0
        start = time.perf_counter()
        asyncio.run(self._all(start + self.options.seconds))
        return self.accepted / (time.perf_counter() - start), self.accepted

    async def _all(self, until: float) -> None:
        await asyncio.gather(*(self._one(until) for _ in range(self.options.connections)))

    async def _one(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while time.perf_counter() < until:
            self.sent += 1
            body = self.bodies[self.sent % len(self.bodies)].replace(b"@", b"%012d" % self.sent)
            writer.write(b"%s%d\r\n\r\n%s" % (self.head, len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            answer = json.loads(await reader.readexactly(length))
            if b" 200 " not in head[:20] or answer["rejected"]:
                sys.exit(f"unexpected answer: {head!r} {answer}")
            self.accepted += answer["accepted"]
        writer.close()


def event(draw: random.Random) -> bytes:
    """A prediction with six features; the @ becomes the request's number."""
    features = {
        "amount": round(draw.lognormvariate(4, 1), 2),
        "age": draw.randrange(18, 90),
        "nights": draw.randrange(14),
        "country": draw.choice(["PRT", "GBR", "FRA", "ESP"]),
        "returning": draw.random() < 0.3,
        "lead_time": draw.randrange(400),
    }
    made = {
        "id": f"@-{draw.getrandbits(48):012x}",
        "time": f"2026-01-{draw.randrange(1, 29):02}T{draw.randrange(24):02}:00:00Z",
        "version": "v7",
        "features": features,
        "prediction": draw.randrange(2),
        "score": draw.random(),
    }
    return json.dumps(made, separators=(",", ":")).encode()


def prepare(home: Path) -> str:
    """A home with one model; its token."""
    now = time.time_ns() // 1_000
    store = open_store(home)
    model.put(store, "m", "name: m\n", now, "benchmark")
    (home / "inbox" / "m").mkdir(parents=True)
    secret = token.create(store, Role.INGEST, "benchmark", None, now)
    store.close()
    return secret


@contextmanager
def running(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server on its own core, from its first answer to the end of the block."""
    process = subprocess.Popen(["taskset", "-c", str(SERVER_CORE), *command], stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sync_rate(folder: Path, size: int = 17_000, seconds: float = 2.0) -> float:
    """How often a second an append to one file is brought to the disk."""
    data = os.urandom(size)
    descriptor = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    times, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        os.write(descriptor, data)
        os.fdatasync(descriptor)
        times += 1
    os.close(descriptor)
    return times / (time.perf_counter() - start)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
