"""Gateways for tests and benchmarks: a home with versions of a small classifier, and real gateway processes over it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import numpy as np
import structlog

from listener import listener
from watchkeeper.gateway.app import App
from watchkeeper.gateway.entry import Entry
from watchkeeper.gateway.switch import Switch
from watchkeeper.release import registry
from watchkeeper.state import model as models
from watchkeeper.watch.home import opened

NAME = "hotel"
COLUMNS = {f"x{i}": "number" for i in range(6)}
YAML = """\
name: {name}
task: binary
positive: 1
columns:
  booking: {{type: string, role: id}}
  at: {{type: timestamp, role: timestamp}}
  sex: {{type: string, role: protected}}
  seen_at: {{type: integer, role: position}}
  old: {{type: string, role: ignored}}
{columns}
  guess: {{type: integer, role: prediction, allowed: [0, 1]}}
  p: {{type: number, role: score}}
  truth: {{type: integer, role: label}}
"""
ROW = {"x0": 0.1, "x1": -0.4, "x2": 1.5, "x3": 0.0, "x4": 2.25, "x5": -1.0}


def now() -> int:
    return time.time_ns() // 1_000


def a_classifier(path: Path, seed: int = 1, width: int = len(COLUMNS)) -> Path:
    """A logistic regression as ONNX, which takes one matrix."""
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(seed)
    x = random.normal(size=(400, width)).astype(np.float32)
    y = (x @ random.normal(size=width) + random.normal(size=400) > 0).astype(np.int64)
    model = LogisticRegression().fit(x, y)
    path.write_bytes(to_onnx(model, x[:1], options={"zipmap": False}).SerializeToString())
    return path


def make_home(
    folder: Path, versions: int = 2, *, name: str = NAME, columns: str | None = None, config: str = ""
) -> Path:
    """A home with a model of which `versions` versions were released one after the other; the last is live."""
    folder.mkdir(parents=True, exist_ok=True)
    if config:
        (folder / "config.yaml").write_text(config)
    told = columns or "\n".join(f"  {column}: {{type: {kind}}}" for column, kind in COLUMNS.items())
    with opened(folder, make=True) as home:
        models.put(home.store, name, YAML.format(name=name, columns=told), now(), "test")
        (folder / "inbox" / name).mkdir(parents=True)
        for number in range(1, versions + 1):
            registry.register(
                home, name, a_classifier(folder / "model.onnx", number), inputs=list(COLUMNS), now=now(), who="test"
            )
            registry.release(home, name, f"v{number}", force="a test", now=now(), who="test")
    return folder


@contextmanager
def a_home(folder: Path):
    """An open home."""
    with opened(folder) as home:
        yield home


def release(folder: Path, version: str, name: str = NAME) -> None:
    with opened(folder) as home:
        registry.release(home, name, version, force="a test", now=now(), who="test")


def rollback(folder: Path, name: str = NAME) -> None:
    with opened(folder) as home:
        registry.rollback(home, name, why="a test", now=now(), who="test")


def tensors(row=ROW) -> dict:
    """A request of one row, a tensor each column."""
    kinds = {float: "FP64", int: "INT64", str: "BYTES", bool: "BOOL"}
    inputs = [{"name": k, "shape": [1], "datatype": kinds[type(v)], "data": [v]} for k, v in row.items()]
    return {"inputs": inputs}


class Gateway:
    """A gateway process and how to ask it."""

    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log

    def ask(self, method, path, body=None, headers=()):
        """Status, headers and body of one request on a connection of its own; JSON is decoded."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = json.dumps(body).encode() if isinstance(body, dict | list) else body
            given = {"Content-Type": "application/json", **dict(headers)}
            connection.request(method, path, sent, given)
            answer = connection.getresponse()
            content = answer.read()
            is_json = answer.getheader("content-type", "").startswith("application/json") and content.strip()
            return answer.status, dict(answer.getheaders()), json.loads(content) if is_json else content
        finally:
            connection.close()

    def infer(self, body=None, name=NAME, **more):
        status, _, answer = self.ask("POST", f"/v2/models/{name}/infer", tensors() if body is None else body, **more)
        return status, answer

    def version(self) -> str | None:
        status, answer = self.infer()
        return answer.get("model_version") if status == 200 else None

    def until(self, version, seconds=30):
        """Wait until a version answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.version() == version:
                return
            time.sleep(0.02)
        raise AssertionError(f"{version} did not answer: {self.log.read_text()}")

    def metrics(self) -> str:
        return self.ask("GET", "/metrics")[2].decode()

    def workers(self) -> list[int]:
        """The processes that hold models."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        return [pid for pid in children if b"watchkeeper.runtime" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=30)


@contextmanager
def serving(folder: Path, *options: str, environment=()):
    """A gateway of this home, from its first answer until the block ends."""
    with listener(folder, "gateway", *options, environment=environment) as (process, port, log):
        gateway = Gateway(process, port, log)
        gateway.ask("GET", "/v2/health/live")  # answered once the models are loaded
        yield gateway


@asynccontextmanager
async def inside(folder: Path, default: str | None = None):
    """A gateway's application in this process, to be asked by `asked`."""
    with opened(folder) as home:
        log = structlog.get_logger()
        switch = Switch(home, home.config.serving, log)
        await switch.start()
        try:
            yield App(switch, Entry(home.store, home.config.gateway, True), default, log)
        finally:
            await switch.close()


async def asked(app: App, method: str, path: str, body: bytes = b"", kind: str = "application/json"):
    """Status and body of the answer to one request."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", kind.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": ("127.0.0.1", 1)}
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


class Load:
    """Clients that ask again and again over kept connections, each in a thread, until the block ends."""

    def __init__(self, port: int, body=None, clients: int = 8, name: str = NAME, *, leaves: bool = False):
        """`leaves`: a client goes once an answer closes its connection, as a balancer would lead it elsewhere."""
        self.body = json.dumps(tensors() if body is None else body)
        self.answers: list[tuple[float, str]] = []
        """When each request was answered, and by which version."""
        self.failures: list[str] = []
        self._leaves = leaves
        self._path, self._port, self._ended = f"/v2/models/{name}/infer", port, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def versions(self) -> set[str]:
        return {version for _, version in self.answers}

    def last(self, version: str) -> float:
        """When a version answered last."""
        return max(at for at, answered in self.answers if answered == version)

    def until(self, count: int):
        """Wait for so many more answers."""
        goal, end = len(self.answers) + count, time.monotonic() + 30
        while len(self.answers) < goal and time.monotonic() < end and any(t.is_alive() for t in self._threads):
            time.sleep(0.01)

    def _ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._ended.is_set():
            try:
                connection.connect() if connection.sock is None else None
            except ConnectionRefusedError:  # the gateway has gone, and takes no more: nothing was asked
                return
            try:
                connection.request("POST", self._path, self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = json.loads(answer.read())
            except (OSError, http.client.HTTPException) as lost:
                self.failures.append(repr(lost))
                connection.close()
                continue
            if answer.status == 200:
                self.answers.append((time.time(), content["model_version"]))
            else:
                self.failures.append(f"{answer.status} {content}")
            if answer.will_close and self._leaves:
                return
        connection.close()
