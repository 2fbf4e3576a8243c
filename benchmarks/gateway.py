"""The gateway beside a bare Starlette application, and MLServer and MLflow's own server where they are installed.

All serve the same small classifier (skl2onnx, 10 numbers a row) on the same cores as the load generator, which sends
single-row requests over keep-alive connections, each as soon as the one before is answered. The echo decodes the JSON
and sends it back, and has no model. Rounds of all are interleaved; the median round is printed, with the CPU of each
process, the generator's too. Then a rollback is made under the same load, and every answer is counted.

    python benchmarks/gateway.py [--seconds 4] [--rounds 3] [--connections 32] [--peers VENV]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MODEL = "bench"
WIDTH = 10
NAMES = [f"x{i}" for i in range(WIDTH)]
YAML = "name: bench\ntask: binary\npositive: 1\ncolumns:\n" + "".join(
    f"  {name}: {{type: {kind}}}\n"
    for name, kind in (*((name, "number") for name in NAMES), ("guess", "integer, role: prediction"))
)
ECHO = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def echo(request):
    return JSONResponse(await request.json())

app = Starlette(routes=[Route("/v2/models/{model}/infer", echo, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error")
"""
WITHIN = """
import sys, uvicorn, numpy, onnxruntime
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])

async def infer(request):
    sent = await request.json()
    tensor = sent["inputs"][0]
    found = session.run(None, {"X": numpy.array(tensor["data"], numpy.float32).reshape(tensor["shape"])})
    data = [{"name": "prediction", "data": found[0].tolist()}, {"name": "score", "data": found[1][:, 1].tolist()}]
    return JSONResponse({"outputs": data})

app = Starlette(routes=[Route("/v2/models/{model}/infer", infer, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error")
"""
ROW = [round(float(value), 6) for value in np.random.default_rng(0).normal(size=WIDTH)]
MATRIX = {"inputs": [{"name": "input", "shape": [1, WIDTH], "datatype": "FP32", "data": ROW}]}
TENSORS = {
    "inputs": [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in zip(NAMES, ROW, strict=True)
    ]
}
FRAME = {"dataframe_split": {"columns": NAMES, "data": [ROW]}}


@dataclass
class Run:
    """What one round came to."""

    answers: int
    failures: int
    seconds: float
    times: list[float]
    generator: float
    """CPU seconds of the load generator."""
    server: list[float] = field(default_factory=list)
    """CPU seconds of the server's processes: the first, and all below it."""
    versions: dict[str, float] = field(default_factory=dict)
    """When each version answered last, on this machine's clock."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the same request again and again."""

    def __init__(self, request: bytes, run: Run, until: float, left: list[int], done: asyncio.Future[None]) -> None:
        self.request, self.run, self.until, self.left, self.done = request, run, until, left, done
        self.buffer = b""
        self.is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.began = time.perf_counter()
        self.is_waiting = True
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        if len(rest) < int(lower[at + 15 : lower.find(b"\r", at) if lower.find(b"\r", at) > 0 else None]):
            return
        now = time.perf_counter()
        self.buffer, self.is_waiting = b"", False
        run = self.run
        if head.startswith(b"HTTP/1.1 200"):
            run.answers += 1
            run.times.append(now - self.began)
            at = rest.find(b'"model_version":"')
            if at > 0:
                run.versions[rest[at + 17 : rest.find(b'"', at + 17)].decode()] = time.time()
        else:
            run.failures += 1
        if now < self.until:
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        self.run.failures += self.is_waiting
        self.left[0] -= 1
        if not self.left[0]:
            self.done.set_result(None)


def load(port: int, path: str, body: object, options: argparse.Namespace, pid: int, seconds: float) -> Run:
    """One round of requests; a first part of a second is not counted."""
    import uvloop

    content = json.dumps(body, separators=(",", ":")).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: "
    request = b"%s%d\r\n\r\n%s" % (head.encode(), len(content), content)

    async def all_of(span: float) -> Run:
        loop = asyncio.get_running_loop()
        run = Run(0, 0, 0.0, [], 0.0)
        left, done = [options.connections], loop.create_future()
        began, used, busy = time.perf_counter(), time.process_time(), cpu(pid)
        for _ in range(options.connections):
            await loop.create_connection(lambda: Client(request, run, began + span, left, done), "127.0.0.1", port)
        await done
        run.seconds, run.generator = time.perf_counter() - began, time.process_time() - used
        run.server = [after - before for before, after in zip(busy, cpu(pid), strict=True)]
        return run

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of(min(0.5, seconds)))
        return runner.run(all_of(seconds))


def cpu(pid: int) -> list[float]:
    """CPU seconds of a process, and of all below it."""
    ticks = os.sysconf("SC_CLK_TCK")

    def own(one: int) -> float:
        with suppress(OSError):
            return sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:13])) / ticks
        return 0.0

    def below(one: int) -> Iterator[int]:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").glob("*/children"):
                for child in map(int, task.read_text().split()):
                    yield child
                    yield from below(child)

    return [own(pid), sum(own(child) for child in below(pid))]


def free_port() -> int:
    """A port that nobody holds just now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, path: str, body: object, folder: Path) -> Iterator[int]:
    """A server from its first good answer until the block ends; its process."""
    with (folder / f"server-{port}.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, cwd=folder)
        try:
            wait_for(process, port, path, body, Path(out.name))
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(process: subprocess.Popen[bytes], port: int, path: str, body: object, log: Path) -> None:
    """Wait until the server answers with 200."""
    import http.client

    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    sys.exit(f"a server did not start:\n{log.read_text()[-3000:]}")


def classifier(path: Path, seed: int = 0) -> Path:
    """A logistic regression of ten numbers, as ONNX."""
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(seed)
    x = random.normal(size=(1000, WIDTH)).astype(np.float32)
    y = (x @ random.normal(size=WIDTH) + random.normal(size=1000) > 0).astype(np.int64)
    model = LogisticRegression().fit(x, y)
    path.write_bytes(to_onnx(model, x[:1], options={"zipmap": False}).SerializeToString())
    return path


def home_of(folder: Path, log: bool) -> Path:
    """A home with two versions that were live, the second one being so."""
    from watchkeeper.release import registry
    from watchkeeper.state import model as models
    from watchkeeper.watch.home import opened

    folder.mkdir()
    (folder / "config.yaml").write_text(f"gateway:\n  log: {str(log).lower()}\n")
    with opened(folder, make=True) as home:
        models.put(home.store, MODEL, YAML, now(), "benchmark")
        for version in ("v1", "v2"):
            file = classifier(folder / "model.onnx", int(version[1]))
            registry.register(home, MODEL, file, inputs=NAMES, now=now(), who="benchmark")
            registry.release(home, MODEL, version, force="benchmark", now=now(), who="benchmark")
    return folder


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


@dataclass
class Server:
    """A program that is measured."""

    name: str
    command: list[str]
    port: int
    path: str
    body: object
    pid: int = 0
    runs: list[Run] = field(default_factory=list)


def servers(folder: Path, peers: Path | None) -> list[Server]:
    """All that are measured; the first is what the others are held against."""
    onnx = classifier(folder / "model.onnx")
    infer = f"/v2/models/{MODEL}/infer"
    made = []

    def add(name: str, command: list[str], path: str, body: object, port: int) -> None:
        made.append(Server(name, command, port, path, body))

    port = free_port()
    add("bare Starlette, JSON echo", [sys.executable, "-c", ECHO, str(port)], infer, MATRIX, port)
    port = free_port()
    add("Starlette, onnxruntime in it", [sys.executable, "-c", WITHIN, str(port), str(onnx)], infer, MATRIX, port)
    for log in (True, False):
        port = free_port()
        home = home_of(folder / f"home-{log}", log)
        command = [sys.executable, "-m", "watchkeeper", "gateway", "--home", str(home), "--port", str(port)]
        add(f"gateway, log {'on' if log else 'off'}", [*command, "--default", MODEL], infer, MATRIX, port)
    made += [] if peers is None else list(peers_of(folder, peers, onnx))
    return made


def peers_of(folder: Path, peers: Path, onnx: Path) -> Iterator[Server]:
    """MLServer and MLflow, of those which are installed in a virtual environment."""
    programs = peers / "bin"
    saved = folder / "mlflow-model"
    save = "import mlflow, onnx, sys; mlflow.onnx.save_model(onnx.load(sys.argv[1]), sys.argv[2])"
    runtime = folder / "mlserver"
    runtime.mkdir()
    if (programs / "mlserver").exists():
        (runtime / "bench_runtime.py").write_text(MLSERVER)
        settings = {"name": MODEL, "implementation": "bench_runtime.Onnx", "parameters": {"uri": str(onnx)}}
        (runtime / "model-settings.json").write_text(json.dumps(settings))
        port, other, third = free_port(), free_port(), free_port()
        more = {"http_port": port, "grpc_port": other, "metrics_port": third, "parallel_workers": 0, "debug": False}
        (runtime / "settings.json").write_text(json.dumps(more))
        command = [str(programs / "mlserver"), "start", str(runtime)]
        yield Server("MLServer", command, port, f"/v2/models/{MODEL}/infer", MATRIX)
    if (programs / "mlflow").exists():
        subprocess.run(
            [str(programs / "python"), "-c", save, str(onnx), str(saved)], check=True, cwd=folder, capture_output=True
        )
        port = free_port()
        command = [str(programs / "mlflow"), "models", "serve", "-m", str(saved), "-p", str(port), "--env-manager"]
        yield Server("mlflow models serve", [*command, "local"], port, "/invocations", {"inputs": [ROW]})


MLSERVER = """
import numpy, onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

class Onnx(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload):
        x = NumpyCodec.decode_input(payload.inputs[0]).astype(numpy.float32)
        found = self.session.run(None, {"X": x})
        outputs = [NumpyCodec.encode_output("prediction", found[0]), NumpyCodec.encode_output("score", found[1][:, 1])]
        return InferenceResponse(model_name=self.name, outputs=outputs)
"""


def rolled_back(folder: Path, options: argparse.Namespace) -> str:
    """A rollback under load: how long the old version still answered, and how many requests failed."""
    from threading import Timer

    from watchkeeper.release import registry
    from watchkeeper.watch.home import opened

    home = home_of(folder / "home-rollback", True)
    port = free_port()
    infer = f"/v2/models/{MODEL}/infer"
    command = [sys.executable, "-m", "watchkeeper", "gateway", "--home", str(home), "--port", str(port)]
    written: list[float] = []

    def back() -> None:
        with opened(home) as opened_home:
            registry.rollback(opened_home, MODEL, why="benchmark", now=now(), who="benchmark")
            written.append(time.time())

    with running(command, port, infer, MATRIX, folder) as pid:
        timer = Timer(2.0, back)
        timer.start()
        run = load(port, infer, MATRIX, options, pid, 4.0)
        timer.join()
    late = run.versions["v2"] - written[0]
    return (
        f"Rollback under load: {run.answers:,} answers at {run.rate:,.0f} a second, {run.failures} failed; "
        f"the old version's last answer came {late:.2f} s after the row was written."
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--peers", type=Path, help="a virtual environment with mlserver and mlflow")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        made = servers(folder, options.peers)
        with ExitStack() as stack:
            for one in made:
                one.pid = stack.enter_context(running(one.command, one.port, one.path, one.body, folder))
            shapes = [
                Server("gateway, log on, a tensor a column", [], made[2].port, made[2].path, TENSORS, made[2].pid)
            ]
            shapes.append(Server("gateway, log on, /invocations", [], made[2].port, "/invocations", FRAME, made[2].pid))
            for _ in range(options.rounds):
                for one in (*made, *shapes):
                    one.runs.append(load(one.port, one.path, one.body, options, one.pid, options.seconds))
        table([*made[:4], *shapes, *made[4:]], options)
        sys.stdout.write(f"\n{rolled_back(folder, options)}\n")


def table(made: Sequence[Server], options: argparse.Namespace) -> None:
    """Print what was measured, as Markdown."""
    bare = statistics.median(run.rate for run in made[0].runs)
    lines = [
        f"{options.connections} connections, single rows, median of {options.rounds} rounds of {options.seconds:g} s, "
        f"{os.cpu_count()} cores.\n",
        "| server | requests/s | × bare | p50 ms | p99 ms | µs of CPU: server | workers | generator | failed |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in made:
        run = sorted(one.runs, key=lambda run: run.rate)[len(one.runs) // 2]
        cuts = np.quantile(run.times, [0.5, 0.99]) * 1000
        spent = [1e6 * used / run.answers for used in (*run.server, run.generator)]
        failed = sum(run.failures for run in one.runs)
        lines.append(
            f"| {one.name} | {run.rate:,.0f} | {run.rate / bare:.2f} | {cuts[0]:.2f} | {cuts[1]:.2f} | "
            f"{spent[0]:.0f} | {spent[1]:.0f} | {spent[2]:.0f} | {failed} |"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
