from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from watchkeeper.runtime import (
    Allowed,
    CannotLoad,
    Crashed,
    Format,
    Remote,
    Servable,
    TimedOut,
    WrongAnswer,
    WrongInput,
)
from watchkeeper.runtime import remote as asking

INPUTS = ("age", "city")
ROWS = {"age": [1.0, None], "city": ["Ås", "Bø"], "more": [0, 0]}


@pytest.fixture
def server():
    """A server that keeps what it was asked and answers what it is told to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append((self.path, json.loads(body)))
            status, headers, content = server.answer
            time.sleep(server.seconds)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.seconds = [], 0
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def remote(server, path, **allowed):
    host = f"127.0.0.1:{server.server_port}"
    servable = Servable(Format.REMOTE, INPUTS, url=f"http://{host}{path}")
    return Remote(servable, Allowed(**(allowed or {"hosts": [host]})))


def says(server, said, status=200, **headers):
    server.answer = (status, headers, said if isinstance(said, bytes) else json.dumps(said).encode())


def test_a_server_of_the_open_inference_protocol_is_asked_one_tensor_a_column(server):
    outputs = [
        {"name": "score", "datatype": "FP64", "shape": [2], "data": [0.25, 0.75]},
        {"name": "prediction", "datatype": "BYTES", "shape": [2, 1], "data": ["no", "yes"]},
    ]
    says(server, {"model_name": "m", "outputs": outputs})
    given = remote(server, "/v2/models/m").predict(ROWS, 10)
    assert given.prediction.tolist() == ["no", "yes"]
    assert given.score(None).tolist() == [0.25, 0.75]
    [(path, body)] = server.asked
    assert path == "/v2/models/m/infer"
    assert body["inputs"] == [
        {"name": "age", "shape": [2], "datatype": "FP64", "data": [1.0, None]},
        {"name": "city", "shape": [2], "datatype": "BYTES", "data": ["Ås", "Bø"]},
    ]


def test_a_server_of_mlflow_is_asked_by_rows(server):
    says(server, {"predictions": [3, 4.5]})
    given = remote(server, "/invocations").predict(ROWS, 10)
    assert given.prediction.tolist() == [3.0, 4.5]
    assert server.asked == [
        ("/invocations", {"dataframe_split": {"columns": ["age", "city"], "data": [[1.0, "Ås"], [None, "Bø"]]}})
    ]
    says(server, {"predictions": [{"prediction": "no", "score": 0.1}, {"prediction": "yes", "score": 0.9}]})
    assert remote(server, "/invocations").predict(ROWS, 10).score(None).tolist() == [0.1, 0.9]


def test_probabilities_of_classes_are_read_in_both_protocols(server):
    table = [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]
    says(server, {"predictions": table})
    given = remote(server, "/invocations").predict(ROWS, 10)
    assert (given.prediction.tolist(), given.scores.tolist()) == ([2, 0], table)
    label = {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["c", "a"]}
    flat = {"name": "output_1", "datatype": "FP32", "shape": [2, 3], "data": [*table[0], *table[1]]}
    says(server, {"outputs": [label, flat | {"parameters": {"classes": '["a", "b", "c"]'}}]})
    given = remote(server, "/v2/models/m").predict(ROWS, 10)
    assert (given.prediction.tolist(), given.scores.tolist(), given.classes) == (["c", "a"], table, ("a", "b", "c"))
    says(server, {"outputs": [label, flat | {"parameters": {"classes": "[{}]"}}]})
    with pytest.raises(WrongAnswer, match="classes that can't be read"):
        remote(server, "/v2/models/m").predict(ROWS, 10)


@pytest.mark.parametrize(
    ("said", "status", "error", "words"),
    [
        (b"hello", 200, WrongAnswer, "no JSON"),
        ({}, 200, WrongAnswer, "neither `outputs` nor `predictions`"),
        ({"predictions": [1]}, 200, WrongAnswer, "one prediction a row"),
        ({"predictions": [1, [2]]}, 200, WrongAnswer, "one value a row"),
        ({"outputs": []}, 200, WrongAnswer, "no output"),
        ({"outputs": [{"name": "y", "shape": [3], "data": [1]}]}, 200, WrongAnswer, "shape that it states"),
        ({"outputs": [{"data": [1]}]}, 200, WrongAnswer, "without name"),
        ({"error": "age must be INT64"}, 400, WrongInput, "age must be INT64"),
        ({"error": "oops"}, 500, WrongAnswer, "500.*oops"),
        (b"", 503, Crashed, "not ready"),
    ],
)
def test_a_server_that_refuses_or_answers_nonsense_is_quoted(server, said, status, error, words):
    says(server, said, status)
    with pytest.raises(error, match=words):
        remote(server, "/v2/models/m/infer").predict(ROWS, 10)


def test_a_server_may_not_send_us_elsewhere(server):
    says(server, b"", 302, Location="http://169.254.169.254/latest/meta-data")
    with pytest.raises(WrongAnswer, match="elsewhere"):
        remote(server, "/invocations").predict(ROWS, 10)
    assert len(server.asked) == 1


def test_a_server_that_is_slow_or_gone_is_told_apart(server):
    says(server, {"predictions": [1, 2]})
    server.seconds = 1
    with pytest.raises(TimedOut, match=r"within 0\.1 seconds"):
        remote(server, "/invocations").predict(ROWS, 0.1)
    gone = Servable(Format.REMOTE, INPUTS, url="http://127.0.0.1:1/invocations")
    with pytest.raises(Crashed, match="refused"):
        Remote(gone, Allowed(hosts=["127.0.0.1"])).predict(ROWS, 5)


@pytest.fixture
def drip():
    """A server that sends the start of an answer, and then a byte now and then for as long as anybody listens."""
    says = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run():
            taken, _ = listener.accept()
            with taken:
                taken.recv(1 << 16)
                taken.sendall(says[0])
                try:
                    while True:
                        taken.sendall(b"1")
                        time.sleep(0.02)
                except OSError:
                    return

        thread = threading.Thread(target=run)
        thread.start()
        yield listener.getsockname()[1], says
        thread.join()


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_holds_nobody_up(drip, start):
    port, says = drip
    says.append(start)
    servable = Servable(Format.REMOTE, INPUTS, url=f"http://127.0.0.1:{port}/invocations")
    with pytest.raises(TimedOut, match=r"within 0\.3 seconds"):
        Remote(servable, Allowed(hosts=["127.0.0.1"])).predict(ROWS, 0.3)


def test_an_answer_beyond_all_measure_is_not_read(server, monkeypatch):
    monkeypatch.setattr(asking, "MOST_BYTES", 1_000)
    says(server, b"1" * 1_001)
    with pytest.raises(WrongAnswer, match="more than 1,000 bytes"):
        remote(server, "/invocations").predict(ROWS, 10)


def test_a_request_of_many_pieces_comes_through_whole(server):
    rows = 50_000
    says(server, {"predictions": [1] * rows})
    remote(server, "/invocations").predict({"age": [1.0] * rows, "city": ["Ås"] * rows}, 30)
    assert len(server.asked[0][1]["dataframe_split"]["data"]) == rows


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://metadata.internal/v2/models/m/infer", "none of the servers.*hosts"),
        ("http://models.example.com:9/invocations", "none of the servers"),
        ("http://models.example.com@evil.example/invocations", "no address"),
        ("ftp://models.example.com/invocations", "no address"),
        ("file:///etc/passwd", "no address"),
        ("http://models.example.com/", "neither protocol"),
        ("http://[::1/invocations", "no URL"),
        ("", "no address"),
    ],
)
def test_only_servers_that_the_configuration_lists_are_asked(url, words):
    with pytest.raises(CannotLoad, match=words):
        Remote(Servable(Format.REMOTE, INPUTS, url=url), Allowed(hosts=["models.example.com:80", "[::1]"]))


def test_a_host_may_be_listed_with_its_port_or_without():
    for url in ("http://MODELS.example.com/invocations", "http://models.example.com:80/invocations"):
        assert Remote(Servable(Format.REMOTE, INPUTS, url=url), Allowed(hosts=["Models.example.com:80"])).url == url
    url = "https://models.example.com:8443/v2/models/m"
    assert Remote(Servable(Format.REMOTE, INPUTS, url=url), Allowed(hosts=["models.example.com"])).url == url


def test_columns_of_several_types_are_told(server):
    with pytest.raises(WrongInput, match="age: holds values of several types"):
        remote(server, "/v2/models/m").predict({"age": [1, "old"], "city": ["a", "b"]}, 10)
