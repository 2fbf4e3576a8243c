"""Endpoint: one model's address on a server, over one connection that is kept open."""

from __future__ import annotations

import gzip
import os
import re
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from watchkeeper.sdk.batch import Batch
from watchkeeper.sdk.error import SDKError
from watchkeeper.sdk.record import Kind, read

ANSWER_BYTES = 1 << 20
PATHS = {
    Kind.EVENT: "events",
    Kind.LABEL: "labels",
    Kind.POINT: "metrics",
    Kind.JOB: "jobs",
    Kind.SERVICE: "metrics",
}
LATER = frozenset({401, 403, 408, 425, 429})
"""Answers of the 400s that speak of this moment, or of the token, and not of the batch."""


class Away(SDKError):
    """The server can't be reached, or can't take records now; they are sent again later."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Refused(SDKError):
    """The server will never take this batch as it is."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Rejected(NamedTuple):
    """How many records of a batch the server refused, and the first reason."""

    number: int
    first: str


class _Rejection(msgspec.Struct):
    error: str = ""


class _Answer(msgspec.Struct):
    rejected: list[_Rejection] = []


class Endpoint:
    """Sends batches as JSON lines."""

    def __init__(self, url: str, model: str, token: str | None, seconds: float, compress: bool) -> None:
        parts = urlsplit(url)
        self._where = url
        self._host, self._port = parts.hostname or "", parts.port
        self._secure = parts.scheme == "https"
        self._path = f"{parts.path.rstrip('/')}/api/v1/models/{model}/"
        self._seconds = seconds
        self._compress = compress
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": "watchkeeper-sdk"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        if compress:
            self._headers["Content-Encoding"] = "gzip"
        self._connection: HTTPConnection | None = None

    def send(self, batch: Batch) -> Rejected:
        """Send a batch. Raises `Away` or `Refused`; what is sent twice has equal ids and is counted once."""
        try:
            body = msgspec.json.Encoder().encode_lines(read(batch.kind, batch.payload))
        except msgspec.DecodeError as error:  # a spool that another version wrote
            raise Refused(0, f"it can't be read any more: {error}") from error
        if self._compress:
            body = gzip.compress(body, compresslevel=1)
        response, answer = self._exchange(PATHS[batch.kind], body)
        status = response.status
        if 200 <= status < 300:
            return _rejected(answer)
        text = f"{self._where} answered {status} {response.reason}: {_detail(answer)}"
        if status >= 500 or status in LATER:
            raise Away(text, _retry_after(response.headers.get("Retry-After")))
        raise Refused(status, text)

    def close(self) -> None:
        """Close the connection; the next `send` opens another one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def abandon(self) -> None:
        """Close the child's copy of the socket after a fork, past all locks that the parent's thread may have held."""
        if self._connection is not None and self._connection.sock is not None:
            os.close(self._connection.sock.detach())
        self._connection = None

    def _exchange(self, path: str, body: bytes) -> tuple[HTTPResponse, bytes]:
        """One request; once more at once when a connection that lay idle turns out to be closed."""
        idle = self._connection is not None
        try:
            return self._request(path, body)
        except (OSError, HTTPException) as error:
            self.close()
            if not idle or isinstance(error, TimeoutError):
                raise Away(f"{self._where} can't be reached: {_said(error)}") from error
        try:
            return self._request(path, body)
        except (OSError, HTTPException) as error:
            self.close()
            raise Away(f"{self._where} can't be reached: {_said(error)}") from error

    def _request(self, path: str, body: bytes) -> tuple[HTTPResponse, bytes]:
        if self._connection is None:
            kind = HTTPSConnection if self._secure else HTTPConnection
            self._connection = kind(self._host, self._port, timeout=self._seconds)
        self._connection.request("POST", self._path + path, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read(ANSWER_BYTES)
        if not response.isclosed() and response.read(1):
            self.close()  # longer than any answer needs to be: the rest is not read
        return response, answer


def check_address(url: str, token: str | None) -> None:
    """Raise `SDKError` for an address or a token that no request could be made with."""
    parts = urlsplit(url)
    try:
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        right = False
    if not right or parts.query or parts.fragment or parts.username:
        raise SDKError(f"{url!r} is no server's address; give one like 'https://watchkeeper.example.org:8700'.")
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise SDKError("The token has characters that no token has; copy it as `watchkeeper token create` printed it.")


def _rejected(answer: bytes) -> Rejected:
    try:
        found = msgspec.json.decode(answer, type=_Answer).rejected
    except msgspec.DecodeError:
        found = []
    return Rejected(len(found), found[0].error if found else "")


def _detail(answer: bytes) -> str:
    return " ".join(answer[:300].decode("utf-8", "replace").split())


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number or a date; None for neither."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds)
