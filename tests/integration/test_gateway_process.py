"""A real gateway process: what clients of others' see, and what happens when versions go, come, hang and crash."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

import databases
import gateways as g
from serving import kept, make_token
from watchkeeper.release import registry
from watchkeeper.state import Role


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway with one model of two versions, that no test changes."""
    home = g.make_home(tmp_path_factory.mktemp("home"))
    with g.serving(home, "--default", g.NAME) as running:
        running.home = home
        yield running


@pytest.fixture
def client(gateway):
    with triton.InferenceServerClient(f"127.0.0.1:{gateway.port}") as made:
        yield made


def the_tensors(binary):
    found = []
    for name, value in g.ROW.items():
        tensor = triton.InferInput(name, [2, 1], "FP64")
        tensor.set_data_from_numpy(np.array([[value], [value + 1]]), binary_data=binary)
        found.append(tensor)
    return found


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("packed", [None, "gzip", "deflate"])
def test_a_client_of_the_open_inference_protocol_gets_answers(client, binary, packed):
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("score", "prediction")]
    result = client.infer(
        g.NAME, the_tensors(binary), outputs=outputs, request_id="r-1", request_compression_algorithm=packed
    )
    told = result.get_response()
    assert (told["model_name"], told["model_version"], told["id"]) == (g.NAME, "v2", "r-1")
    assert [output["name"] for output in told["outputs"]] == ["score", "prediction"]
    assert set(result.as_numpy("prediction").tolist()) <= {0, 1}
    plain = client.infer(g.NAME, the_tensors(not binary))
    np.testing.assert_array_equal(result.as_numpy("score"), plain.as_numpy("score"))
    np.testing.assert_array_equal(result.as_numpy("prediction"), (plain.as_numpy("score") > 0.5).astype(int))


def test_that_client_sees_health_and_what_a_model_takes(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(g.NAME)
    assert client.is_model_ready(g.NAME, "v1")
    assert not client.is_model_ready("nobody")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    told = client.get_model_metadata(g.NAME)
    assert [one["name"] for one in told["inputs"]] == list(g.COLUMNS)
    assert {one["name"]: one["datatype"] for one in told["outputs"]} == {"prediction": "INT64", "score": "FP64"}
    assert told["versions"] == ["v2", "v1"]
    assert client.infer(g.NAME, the_tensors(True), model_version="v1").get_response()["model_version"] == "v1"
    with pytest.raises(InferenceServerException, match="does not serve 'v9' just now: v2 and v1"):
        client.infer(g.NAME, the_tensors(True), model_version="v9")


def test_the_answers_are_the_models_own(gateway):
    import onnxruntime

    path = gateway.home / "reference.onnx"
    session = onnxruntime.InferenceSession(str(g.a_classifier(path, 2)), providers=["CPUExecutionProvider"])
    rows = np.random.default_rng(3).normal(size=(50, len(g.COLUMNS))).astype(np.float32)
    label, scores = session.run(None, {session.get_inputs()[0].name: rows})
    data = [[float(value) for value in row] for row in rows]
    body = {"inputs": [{"name": "input", "shape": list(rows.shape), "datatype": "FP32", "data": data}]}
    status, answer = gateway.infer(body)
    assert status == 200
    found = {output["name"]: output["data"] for output in answer["outputs"]}
    assert found["prediction"] == label.tolist()
    np.testing.assert_allclose(found["score"], scores[:, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"dataframe_split": {"columns": list(g.ROW), "data": [list(g.ROW.values())]}}, "application/json"),
        ({"dataframe_records": [g.ROW]}, "application/json; charset=utf-8"),
        ({"inputs": {name: [value] for name, value in g.ROW.items()}}, "application/json"),
        ({"inputs": [list(g.ROW.values())]}, "application/json"),
        ({"instances": [g.ROW]}, "application/json"),
        (f"{','.join(g.ROW)}\n{','.join(map(str, g.ROW.values()))}\n".encode(), "text/csv"),
    ],
)
def test_mlflows_forms_all_give_the_same(gateway, body, kind):
    status, _, answer = gateway.ask("POST", "/invocations", body, {"Content-Type": kind})
    assert (status, answer["predictions"], answer["model_version"]) == (200, [1], "v2")
    assert gateway.ask("GET", "/ping")[0] == 200


def test_what_breaks_the_contract_is_named(gateway):
    status, answer = gateway.infer(g.tensors({**g.ROW, "x1": "four", "colour": "red", "truth": 1}))
    assert status == 400
    assert "'x1' is not a number: 'four' (row 0)" in answer["error"]
    assert "'colour' is no column of hotel" in answer["error"]
    assert "'truth' is the label" in answer["error"]
    status, answer = gateway.infer(g.tensors({"x0": 1.0}))
    assert status == 400
    assert "'x5' is missing" in answer["error"]
    assert gateway.infer(name="nobody")[0] == 404
    assert gateway.ask("GET", "/v2/models/")[0] == 404


def test_each_answer_is_logged_with_all_that_was_sent(gateway):
    sent = {**g.ROW, "booking": "b-1", "at": "2026-03-01T10:00:00Z", "sex": "f", "seen_at": 3, "old": "x"}
    status, answer = gateway.infer(g.tensors(sent))
    assert status == 200
    assert "parameters" not in answer
    body = {**g.tensors(), "parameters": {"id": "chosen"}}
    assert gateway.infer(body)[1]["parameters"] == {"event_id": "chosen"}
    found = {event.id: event for event in waited_for(gateway.home, {"b-1", "chosen"})}
    event = found["b-1"]
    assert event.features == g.ROW
    assert event.context == {"sex": "f", "seen_at": 3}
    assert (event.version, event.prediction, event.time.isoformat()) == ("v2", 1, "2026-03-01T10:00:00+00:00")
    assert 0.5 < event.score <= 1
    assert event.latency_ms > 0
    assert found["chosen"].features == g.ROW


def waited_for(home, ids):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = [record for record in kept(home, g.NAME) if getattr(record, "id", None) in ids]
        if {record.id for record in found} == ids:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not logged: {ids}")


def test_the_metrics_tell_of_each_version(gateway):
    gateway.infer()
    text = gateway.metrics()
    assert 'watchkeeper_gateway_live{model="hotel",version="v2"} 1.0' in text
    assert 'watchkeeper_gateway_up{model="hotel",version="v1"} 1.0' in text
    assert 'watchkeeper_gateway_log_records_total{model="hotel",outcome="dropped"} 0.0' in text
    assert float(series(text, 'worker_memory_bytes{model="hotel",version="v2"}')) > 1e7


def series(text, name):
    return next(line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"watchkeeper_gateway_{name}"))


def test_a_rollback_under_load_fails_no_request(tmp_path):
    home = g.make_home(tmp_path / "home")
    with g.serving(home) as gateway, g.Load(gateway.port) as load:
        load.until(200)
        g.rollback(home)
        gateway.until("v1")
        load.until(200)
        g.release(home, "v2")
        gateway.until("v2")
        load.until(200)
    assert load.failures == []
    assert load.versions() == {"v1", "v2"}


def test_a_worker_killed_under_load_is_stood_in_for_and_comes_back(tmp_path):
    home = g.make_home(tmp_path / "home")
    with g.serving(home) as gateway, g.Load(gateway.port) as load:
        load.until(100)
        live, _ = sorted(gateway.workers())
        for _ in range(2):
            load.until(100)
            killed = set(gateway.workers())
            os.kill(live, signal.SIGKILL)
            load.until(100)
            live = came_back(gateway, killed)
        gateway.until("v2")
        load.until(100)
        text = gateway.metrics()
    assert load.failures == []
    assert load.versions() <= {"v1", "v2"}
    assert float(series(text, 'restarts_total{model="hotel",version="v2"}')) == 2


def came_back(gateway, before):
    """The process that was started in place of one that ended."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        new = set(gateway.workers()) - before
        if new and 'up{model="hotel",version="v2"} 1.0' in gateway.metrics():
            return new.pop()
        time.sleep(0.05)
    raise AssertionError("the process was not started again")


def test_a_gateway_that_is_stopped_answers_all_that_was_asked(tmp_path):
    home = g.make_home(tmp_path / "home", 1, config="gateway: {drain_seconds: 0.5}\n")
    with g.serving(home) as gateway, g.Load(gateway.port, leaves=True) as load:
        load.until(200)
        assert gateway.stop() == 0
        answers = len(load.answers)
    assert load.failures == []
    logged = [record for record in kept(home, g.NAME) if getattr(record, "features", None) is not None]
    assert len(logged) == answers == len(load.answers)


def test_a_version_that_can_not_be_loaded_leaves_the_old_one_live_and_is_told(tmp_path):
    home = g.make_home(tmp_path / "home", 1)
    with g.a_home(home) as opened:
        file = g.a_classifier(tmp_path / "bad.onnx", 9)
        bad = registry.register(
            opened, g.NAME, file, inputs=list(g.COLUMNS), version="bad", now=g.now(), who="test"
        ).artifact
    kept_file = home / "artifacts" / bad[:2] / bad
    kept_file.chmod(0o644)
    kept_file.write_bytes(b"something else")
    with g.serving(home) as gateway, g.Load(gateway.port) as load:
        load.until(50)
        g.release(home, "bad")
        end = time.monotonic() + 30
        while 'stuck{model="hotel"} 1.0' not in gateway.metrics() and time.monotonic() < end:
            time.sleep(0.05)
        load.until(50)
        status, _, ready = gateway.ask("GET", "/v2/health/ready")
        text = gateway.metrics()
    assert load.failures == []
    assert load.versions() == {"v1"}
    assert status == 200
    assert ready["notes"] == ["hotel: A version that should be live can't be loaded. v1 goes on. The log says why."]
    assert float(series(text, 'load_failures_total{model="hotel"}')) >= 1
    assert "these are not the bytes that were registered" in gateway.log.read_text()


FUNCTIONS = """
import os, struct, sys, time
import msgspec
import numpy as np

def good(table):
    return np.zeros(len(table["x0"]), dtype=int), np.full(len(table["x0"]), 0.25)

def moody(table):
    if (table["x0"] == 666).any():
        os._exit(3)
    if (table["x0"] == 777).any():
        time.sleep(60)
    if (table["x0"] == 888).any():
        raise ArithmeticError("eights are too many")
    return good(table)

def lying(table):
    if (table["x0"] == 999).any():
        frame = sys._getframe()
        while "number_of_call" not in frame.f_locals:
            frame = frame.f_back
        said = msgspec.msgpack.encode((frame.f_locals["number_of_call"], [[[0], None, 0, [], "more"]]))
        os.write(int(sys.argv[1]), struct.pack("<I", len(said)) + said)
        time.sleep(60)
    return good(table)
"""


def functions_home(folder, *names, config=""):
    home = g.make_home(folder / "home", 0, config=config)
    (folder / "pipeline.py").write_text(FUNCTIONS)
    with g.a_home(home) as opened:
        for name in names:
            function = f"{folder / 'pipeline.py'}:{name}"
            version = registry.register(
                opened, g.NAME, function=function, inputs=list(g.COLUMNS), now=g.now(), who="test"
            )
            registry.release(opened, g.NAME, version.version, force="a test", now=g.now(), who="test")
    return home


def row(x0):
    return g.tensors({**g.ROW, "x0": float(x0)})


def test_a_function_answers_only_where_the_operator_says_so(tmp_path):
    home = functions_home(tmp_path, "good")
    with g.serving(home) as gateway:
        status, answer = gateway.infer()
        assert status == 503
        assert "No version of hotel is loaded" in answer["error"]
        assert gateway.ask("GET", "/v2/health/ready")[0] == 503
    with g.serving(home, "--allow-functions") as gateway:
        status, answer = gateway.infer()
        assert status == 200
        assert [output["data"] for output in answer["outputs"]] == [[0], [0.25]]


def test_rows_that_crash_or_hang_a_version_are_answered_by_the_one_before(tmp_path):
    home = functions_home(tmp_path, "good", "moody", config="gateway: {seconds: 0.7}\n")
    with g.serving(home, "--allow-functions") as gateway:
        assert gateway.infer(row(666))[1]["model_version"] == "v1"
        assert gateway.infer(row(1))[0] == 200
        gateway.until("v2")
        assert gateway.infer(row(777))[1]["model_version"] == "v1"
        gateway.until("v2")
        assert gateway.infer(row(888))[1]["model_version"] == "v1"
        status, _, answer = gateway.ask("POST", f"/v2/models/{g.NAME}/versions/v2/infer", row(888))
        assert (status, answer["error"]) == (500, "v2: The model raised ArithmeticError: eights are too many")
        text = gateway.metrics()
        assert gateway.stop() == 0
    assert 'fallbacks_total{from_version="v2",model="hotel",reason="crash",to_version="v1"} 1.0' in text
    assert 'fallbacks_total{from_version="v2",model="hotel",reason="timeout",to_version="v1"} 1.0' in text
    assert 'fallbacks_total{from_version="v2",model="hotel",reason="model",to_version="v1"} 1.0' in text
    failed = [record for record in kept(home, g.NAME) if getattr(record, "error", None)]
    assert len(failed) == 1
    assert "eights are too many" in failed[0].error


def test_a_process_that_answers_nonsense_is_ended_and_nobody_waits_for_it(tmp_path):
    home = functions_home(tmp_path, "good", "lying")
    with g.serving(home, "--allow-functions") as gateway:
        assert gateway.infer(row(999))[1]["model_version"] == "v1"
        gateway.until("v2")


def test_rows_that_crash_every_version_are_refused_and_all_others_are_served_again(tmp_path):
    home = functions_home(tmp_path, "moody", "moody")
    with g.serving(home, "--allow-functions") as gateway, g.Load(gateway.port, clients=4) as load:
        load.until(20)
        statuses = [gateway.infer(row(666))[0] for _ in range(4)]
        load.until(20)
        refused = gateway.infer(row(666))
        before = gateway.workers()
        gateway.infer(row(666))
        load.until(20)
        assert gateway.workers() == before
    assert set(statuses) <= {500, 503}
    assert refused[0] == 500
    assert "ended the process" in refused[1]["error"]
    assert all(failure.startswith("503") for failure in load.failures)  # a slow machine may not start them in time


def test_without_a_version_before_a_crash_is_a_clear_error(tmp_path):
    home = functions_home(tmp_path, "moody")
    with g.serving(home, "--allow-functions") as gateway:
        status, answer = gateway.infer(row(666))
        assert status == 500
        assert "There is no previous version" in answer["error"]
        gateway.until("v1")


class Upstream(BaseHTTPRequestHandler):
    """A small server that speaks both protocols."""

    protocol_version = "HTTP/1.1"
    seen: list

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, body))
        if self.path == "/v2/models/moved/infer":
            return self.answer(302, {}, {"Location": "/v2/models/m/infer"})
        if "dataframe_split" in body:
            return self.answer(200, {"predictions": [1 for _ in body["dataframe_split"]["data"]]})
        if body["inputs"][0]["data"][0] == 13:
            return self.answer(500, {"error": "unlucky"})
        outputs = [{"name": "predict", "datatype": "INT64", "shape": [1], "data": [1]}]
        return self.answer(200, {"model_name": "m", "outputs": outputs})

    def answer(self, status, told, headers=()):
        content = json.dumps(told).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    server = HTTPServer(("127.0.0.1", 0), Upstream)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("path", "form"), [("/v2/models/m", "inputs"), ("/invocations", "dataframe_split")])
def test_a_server_of_others_answers_for_a_version(tmp_path, upstream, path, form):
    address = f"127.0.0.1:{upstream.server_port}"
    home = g.make_home(tmp_path / "home", 1, config=f"serving: {{hosts: ['{address}']}}\n")
    with g.a_home(home) as opened:
        url = f"http://{address}{path}"
        registry.register(opened, g.NAME, url=url, inputs=["x0", "x2"], version="far", now=g.now(), who="test")
    g.release(home, "far")
    with g.serving(home) as gateway:
        status, answer = gateway.infer()
        assert (status, answer["model_version"], answer["outputs"][0]["data"]) == (200, "far", [1])
        if form == "inputs":
            assert gateway.infer(row(13))[1]["model_version"] == "v1"
    assert all(form in body for _, body in upstream.seen)
    assert len(upstream.seen) > 1


def test_a_server_that_is_not_listed_or_sends_elsewhere_is_not_followed(tmp_path, upstream):
    address = f"127.0.0.1:{upstream.server_port}"
    home = g.make_home(tmp_path / "home", 1, config=f"serving: {{hosts: ['{address}']}}\n")
    with g.a_home(home) as opened:
        for version, url in (
            ("other", f"http://localhost:{upstream.server_port}/v2/models/m"),
            ("moved", f"http://{address}/v2/models/moved"),
        ):
            registry.register(opened, g.NAME, url=url, inputs=["x0"], version=version, now=g.now(), who="test")
    for version in ("other", "moved"):
        g.release(home, version)
        with g.serving(home) as gateway:
            assert gateway.version() != version
            assert [path for path, _ in upstream.seen if path != "/v2/models/moved/infer"] == []


def test_elsewhere_than_on_this_machine_tokens_are_asked_for(tmp_path):
    home = g.make_home(tmp_path / "home", 1)
    command = [sys.executable, "-m", "watchkeeper", "gateway", "--home", str(home), "--host", "0.0.0.0", "--port", "0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert "no token exists" in refused.stderr
    good, viewer, other = (
        make_token(home, Role.PREDICT, model=g.NAME),
        make_token(home, Role.VIEWER),
        make_token(home, Role.PREDICT, model="other"),
    )
    with g.serving(home, "--host", "0.0.0.0") as gateway:
        assert gateway.infer()[0] == 401
        assert gateway.infer(headers={"Authorization": f"Bearer {good}"})[0] == 200
        assert gateway.infer(headers={"Authorization": f"Bearer {viewer}"})[0] == 403
        assert gateway.infer(headers={"Authorization": f"Bearer {other}"})[0] == 403
        assert gateway.ask("GET", "/metrics")[0] == 401
        assert gateway.ask("GET", "/metrics", headers={"Authorization": f"Bearer {viewer}"})[0] == 200
        assert gateway.ask("GET", "/v2/health/ready")[0] == 200


def test_while_the_state_is_away_what_is_live_goes_on(tmp_path):
    with databases.server() as server:
        home = g.make_home(tmp_path / "home", 1, config=f"state: {server.new()}\n")
        with g.serving(home) as gateway:
            server.stop()
            told = {}
            end = time.monotonic() + 20
            while "notes" not in told and time.monotonic() < end:
                told = gateway.ask("GET", "/v2/health/ready")[2]
                time.sleep(0.05)
            assert told == {"ready": True, "notes": ["The database of the state is away; what is live goes on."]}
            assert gateway.infer()[0] == 200
            assert "state_reachable 0.0" in gateway.metrics()
            server.start()
            end = time.monotonic() + 20
            while "state_reachable 1.0" not in gateway.metrics() and time.monotonic() < end:
                time.sleep(0.05)
            assert "state_reachable 1.0" in gateway.metrics()


def test_hostile_requests_are_refused_and_harm_nobody(tmp_path):
    config = "gateway: {body_bytes: 100000, decoded_bytes: 1000000, rows: 100}\n"
    home = g.make_home(tmp_path / "home", 1, config=config)
    bomb = {"Content-Encoding": "gzip"}
    many = {"inputs": [{"name": "input", "shape": [101, 6], "datatype": "FP64", "data": [0.5] * 606}]}
    with g.serving(home) as gateway:
        infer = f"/v2/models/{g.NAME}/infer"
        asked = {
            "large": gateway.ask("POST", infer, b" " * 100_001),
            "bomb": gateway.ask("POST", infer, gzip.compress(b" " * 50_000_000), bomb),
            "no gzip": gateway.ask("POST", infer, b"{}", bomb),
            "coding": gateway.ask("POST", infer, b"{}", {"Content-Encoding": "br"}),
            "rows": gateway.ask("POST", infer, many),
            "head": gateway.ask("POST", infer, b"{}", {"Inference-Header-Content-Length": "-1"}),
            "deep": gateway.ask("POST", infer, b'{"inputs":' + b"[" * 50_000),
            "path": gateway.ask("POST", "/v2/models/..%2f..%2fetc/infer", b"{}"),
            "route": gateway.ask("GET", "/v2/nothing"),
            "method": gateway.ask("GET", infer),
            "default": gateway.ask("POST", "/invocations", {"inputs": [[1]]}),
            "elsewhere": gateway.ask("POST", infer, g.tensors(), {"Host": "evil.example"}),
            "forwarded": gateway.ask("POST", infer, g.tensors(), {"X-Forwarded-For": "10.0.0.1"}),
        }
        assert {name: answer[0] for name, answer in asked.items()} == {
            "large": 413,
            "bomb": 413,
            "no gzip": 400,
            "coding": 415,
            "rows": 413,
            "head": 400,
            "deep": 400,
            "path": 404,
            "route": 404,
            "method": 405,
            "default": 404,
            "elsewhere": 401,
            "forwarded": 401,
        }
        assert all(answer[2]["error"] for answer in asked.values())
        assert gateway.ask("HEAD", "/v2/health/live")[0] == 200
        assert patient(gateway.port, infer) == b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"
        assert gateway.version() == "v1"
        assert "waiting_bytes 0.0" in gateway.metrics()


def patient(port, path):
    """The first lines that a client gets which asks before it sends its body."""
    body = json.dumps(g.tensors()).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head.encode())
        got = connection.recv(100)
        connection.sendall(body)
        while got.count(b"\r\n") < 3:
            got += connection.recv(1000)
    return b"\r\n".join(got.split(b"\r\n")[:3])
