"""A model that a server of the user's answers: the Open Inference Protocol V2, or MLflow's `/invocations`."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Allowed, Scalar
from watchkeeper.runtime import answered
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.channel import Column
from watchkeeper.runtime.failure import CannotLoad, Crashed, TimedOut, WrongAnswer, WrongInput
from watchkeeper.runtime.servable import Servable
from watchkeeper.runtime.worker import taken_columns

MOST_BYTES = 256 << 20
"""The most bytes of an answer."""
PIECE = 1 << 16
"""Bytes of a request that are sent at once."""
_PORTS = {"http": 80, "https": 443}


class Remote:
    """Asks a server; the same calls as `Worker`. The host must be allowed, and it may not send us elsewhere."""

    def __init__(self, servable: Servable, allowed: Allowed) -> None:
        self.inputs = servable.inputs
        self.url = checked_url(servable.url or "", allowed)

    def predict(self, columns: Mapping[str, NDArray[Any] | Sequence[Any]], seconds: float | None = None) -> Answers:
        """Answer to rows. Raises `WrongInput`, `WrongAnswer`, `TimedOut`, or `Crashed` where no server answers."""
        taken = taken_columns(columns, self.inputs)
        rows = len(taken[0]) if taken else 0
        given = answers_of(self._post(body_of(self.url, self.inputs, taken), seconds), rows)
        answered.check(given)
        return given

    def close(self, drain_seconds: float = 5) -> None:
        """Nothing is held open."""

    def _post(self, body: bytes, seconds: float | None) -> bytes:
        """Ask and read the answer; `seconds` are for all of it, however little the server sends at a time."""
        at = urlsplit(self.url)
        made = HTTPSConnection if at.scheme == "https" else HTTPConnection
        connection = made(str(at.hostname), at.port or _PORTS[at.scheme], timeout=seconds)
        target = path_of(self.url) + (f"?{at.query}" if at.query else "")
        until = math.inf if seconds is None else time.monotonic() + seconds
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        try:
            connection.connect()
            line = _Line(connection.sock, until)
            connection.request("POST", target, line.sent(body), headers)
            response = HTTPResponse(line, method="POST")  # type: ignore[arg-type]  # it takes the file of it alone
            response.begin()
            return self._read(response)
        except TimeoutError as error:
            raise TimedOut(f"{self.url} did not answer within {seconds:g} seconds.") from error
        except (OSError, HTTPException) as error:
            raise Crashed(f"{self.url} can't be asked: {type(error).__name__} {error}.") from error
        finally:
            connection.close()

    def _read(self, response: HTTPResponse) -> bytes:
        body = response.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise WrongAnswer(f"{self.url} answers more than {MOST_BYTES:,} bytes.")
        if response.status != 200:
            raise error_of(self.url, response.status, body)
        return body


class _Line(RawIOBase):
    """A socket of which each step may last until one moment at most."""

    def __init__(self, of: socket.socket, until: float) -> None:
        self._socket, self._until = of, until

    def sent(self, body: bytes) -> Iterator[bytes]:
        """The body in pieces, each of which is sent before the next one is asked for."""
        for at in range(0, len(body), PIECE):
            self._wait()
            yield body[at : at + PIECE]

    def makefile(self, mode: str) -> BufferedReader:
        """What an answer is read from."""
        return BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: Any) -> int:
        """Called by what reads the answer."""
        self._wait()
        return self._socket.recv_into(into)

    def _wait(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(None if math.isinf(left) else left)


def address_of(url: str) -> tuple[str, int]:
    """Host and port of a URL at which a model could answer. Raises `CannotLoad` for any other."""
    try:
        at = urlsplit(url)
        port = at.port
    except ValueError as error:
        raise CannotLoad(f"{url!r} is no URL: {error}.") from error
    if at.scheme not in _PORTS or not at.hostname or at.username is not None or len(url.split()) != 1:
        raise CannotLoad(
            f"{url!r} is no address of a server, such as http://models.example.com/v2/models/churn/infer, without a "
            "user or a password."
        )
    if not (at.path.endswith("/invocations") or "/v2/models/" in at.path):
        raise CannotLoad(f"{url} speaks neither protocol: end it with /v2/models/NAME/infer or with /invocations.")
    host = f"[{at.hostname}]" if ":" in at.hostname else at.hostname
    return host, port or _PORTS[at.scheme]


def checked_url(url: str, allowed: Allowed) -> str:
    """The URL, if the configuration allows its host. Raises `CannotLoad`."""
    host, port = address_of(url)
    named = {host.lower(), f"{host.lower()}:{port}"}
    if not named & {one.lower() for one in allowed.hosts}:
        raise CannotLoad(
            f"{host} is none of the servers that models may be on. "
            "If it is yours, list it under `serving: hosts:` in config.yaml."
        )
    return url


def path_of(url: str) -> str:
    """The path that is asked: that of the URL, with `/infer` where it names the model alone."""
    path = urlsplit(url).path.rstrip("/")
    return path if path.endswith(("/infer", "/invocations")) else f"{path}/infer"


def body_of(
    url: str, inputs: Sequence[str], columns: Sequence[Column], datatypes: Mapping[str, str] | None = None
) -> bytes:
    """The request, in the protocol that the URL's path tells; `datatypes`: of inputs whose values don't decide it."""
    known = datatypes or {}
    lists = [column.tolist() if isinstance(column, np.ndarray) else list(column) for column in columns]
    plain = [[_plain(value) for value in column] for column in lists]
    if path_of(url).endswith("/invocations"):
        rows = [list(row) for row in zip(*plain, strict=True)]
        return msgspec.json.encode({"dataframe_split": {"columns": list(inputs), "data": rows}})
    tensors = [
        {"name": name, "shape": [len(column)], "datatype": known.get(name) or _datatype(name, column), "data": column}
        for name, column in zip(inputs, plain, strict=True)
    ]
    return msgspec.json.encode({"inputs": tensors})


def answers_of(body: bytes, rows: int) -> Answers:
    """The answers in a server's reply of either protocol. Raises `WrongAnswer`."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise WrongAnswer(f"The server's answer is no JSON: {error}.") from error
    if isinstance(said, dict) and isinstance(said.get("outputs"), list):
        return _of_tensors(said["outputs"], rows)
    if isinstance(said, dict) and isinstance(said.get("predictions"), list):
        return _of_predictions(said["predictions"], rows)
    raise WrongAnswer("The server's answer has neither `outputs` nor `predictions`.")


def error_of(url: str, status: int, body: bytes) -> WrongInput | WrongAnswer | Crashed:
    """What a server's refusal means: ours to mend (400, 422), or its own trouble."""
    if 300 <= status < 400:
        return WrongAnswer(f"{url} sends us elsewhere, which is not followed. State the address that answers.")
    text = body[:300].decode(errors="replace").strip()
    if status in (400, 422):
        return WrongInput(f"{url} refuses the rows: {text}")
    if status in (502, 503, 504):
        return Crashed(f"{url} is not ready ({status}): {text}")
    return WrongAnswer(f"{url} answers {status}: {text}")


def _of_tensors(outputs: Sequence[Any], rows: int) -> Answers:
    """A tensor `prediction` or the first one, with `score`, `probabilities` or the second one as probabilities."""
    named: dict[str, Any] = {}
    for one in outputs:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not isinstance(one.get("data"), list):
            raise WrongAnswer("The server's answer has an output without name or data.")
        named[one["name"]] = _shaped(one)
    label = next((name for name in ("prediction", "label", "output_label", *named) if name in named), None)
    if label is None:
        raise WrongAnswer("The server's answer has no output.")
    known = ("score", "scores", "probabilities")
    score: str | None = next((name for name in known if name in named and name != label), None)
    if score is None and "prediction" not in named:
        tables = (name for name, values in named.items() if values.dtype.kind == "f" and values.ndim == 2)
        score = next((name for name in tables if name != label), None)
    if score is None:
        return answered.answers(named[label], None, (), rows)
    return answered.answers(named[label], named[score], _classes(outputs, score), rows)


def _classes(outputs: Sequence[Mapping[str, Any]], name: str) -> list[Scalar]:
    """What the columns of an output stand for, where it says so, as our own gateway does."""
    parameters = next(one.get("parameters") for one in outputs if one["name"] == name)
    told = parameters.get("classes") if isinstance(parameters, dict) else None
    if told is None:
        return []
    try:
        return msgspec.json.decode(told, type=list[Scalar])
    except (msgspec.DecodeError, TypeError) as error:
        raise WrongAnswer(f"The server's output {name} has classes that can't be read: {error}.") from error


def _of_predictions(predictions: Sequence[Any], rows: int) -> Answers:
    """One value a row, probabilities of the classes, or one object a row with `prediction` and perhaps `score`."""
    if predictions and all(isinstance(one, dict) and "prediction" in one for one in predictions):
        scored = all("score" in one for one in predictions)
        scores = [one["score"] for one in predictions] if scored else None
        return answered.answers([one["prediction"] for one in predictions], scores, (), rows)
    try:
        if predictions and isinstance(predictions[0], list) and len(predictions[0]) > 1:
            return answered.answers(None, predictions, (), rows)
        return answered.answers(predictions, None, (), rows)
    except ValueError as error:
        raise WrongAnswer(f"The server's predictions are not one value a row: {error}.") from error


def _shaped(tensor: Mapping[str, Any]) -> NDArray[Any]:
    try:
        data = tensor["data"]
        texts = any(type(value) is str for value in data)  # each as long as it is, not all as long as the longest
        return np.asarray(data, dtype=object if texts else None).reshape(tensor.get("shape", -1))
    except (ValueError, TypeError) as error:
        raise WrongAnswer(f"The server's output {tensor['name']} does not have the shape that it states.") from error


def _datatype(name: str, column: Sequence[Any]) -> str:
    kinds = {type(value) for value in column} - {type(None)}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int} and None not in column:
        return "INT64"
    if kinds <= {int, float}:
        return "FP64"
    if kinds == {str}:
        return "BYTES"
    raise WrongInput(f"{name}: holds values of several types.")


def _plain(value: Any) -> Any:
    """NaN is null in JSON."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
