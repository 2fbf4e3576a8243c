"""Homes, tokens, events and real server processes for the tests of the server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from contextlib import contextmanager

from listener import listener
from watchkeeper.sdk import frames, read, segments
from watchkeeper.state import Role, model, open_store, token

MODEL = "hotel-cancel"
NOW = time.time_ns() // 1_000
DECLARED = "name: {name}\ncolumns:\n  id: {{type: string, role: id}}\n  nights: {{type: integer}}\n"
JSON_LINES = "application/x-ndjson"


def make_home(folder, names=(MODEL,)):
    """A home with these models, as `watchkeeper add` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    store = open_store(folder)
    for name in names:
        model.put(store, name, DECLARED.format(name=name), NOW, "test")
        (folder / "inbox" / name).mkdir(parents=True, exist_ok=True)
    store.close()
    return folder


def make_token(home, role=Role.INGEST, **more):
    store = open_store(home)
    try:
        return token.create(store, role, f"{role} of a test", more.pop("expires", None), NOW, **more)
    finally:
        store.close()


def event(number, **more):
    return {"id": f"e{number}", "time": "2026-01-01T00:00:00Z", "features": {"nights": number}, "score": 0.5, **more}


def lines(records):
    return "\n".join(json.dumps(record) for record in records).encode()


def kept(home, name=MODEL):
    """All records in a model's inbox, whatever their kind."""
    found = []
    for path in segments(home / "inbox" / name):
        for frame in frames(path.read_bytes()):
            found += read(frame.kind, frame.payload)
    return found


class Serving:
    """A server process and how to speak to it."""

    def __init__(self, process, port, secret):
        self.process = process
        self.port = port
        self.secret = secret

    def post(self, records, path=f"/api/v1/models/{MODEL}/events", headers=()):
        body = records if isinstance(records, bytes) else lines(records)
        return self.ask("POST", path, body, {"Content-Type": JSON_LINES, **dict(headers)})

    def ask(self, method, path, body=None, headers=()):
        """Status and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.secret}", **dict(headers)})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ask it to stop as a service manager does; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


@contextmanager
def serving(home, secret, *options, before=()):
    """A server of this home, from its first answer until the block ends."""
    with listener(home, "serve", *options, before=before) as (process, port, _):
        yield Serving(process, port, secret)
