"""Webhook: a URL to which the message is posted, signed, and to nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Timer
from urllib.parse import SplitResult, unquote, urlsplit

from watchkeeper.notify.address import resolved
from watchkeeper.notify.message import Message
from watchkeeper.notify.target import BadTarget, NotDelivered, key_of

PATIENCE = 20.0
"""Seconds that an exchange may take in all."""
MOST = 1 << 20
"""Bytes that a message may have."""
SIGNATURE, TIMESTAMP = "X-Watchkeeper-Signature", "X-Watchkeeper-Timestamp"
SECOND = 1_000_000


@dataclass(frozen=True)
class Webhook:
    """A URL, and what posts to it are signed with."""

    url: SplitResult
    secret: str | None = field(default=None, repr=False)
    allowed: tuple[str, ...] = ()
    """Hosts that may be at addresses that are not public."""
    patience: float = PATIENCE

    @staticmethod
    def of(url: str, secret: str | None = None, allowed: Sequence[str] = ()) -> Webhook:
        """A webhook from its URL. Raises `BadTarget`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as wrong:
            raise BadTarget(f"--on-alarm: the URL can't be read ({wrong}).") from wrong
        if parts.scheme not in ("https", "http"):
            raise BadTarget(f"--on-alarm: notices go to https:// or http://, not to {parts.scheme}://.")
        if not parts.hostname or port == 0:
            raise BadTarget("--on-alarm: the URL names no host. Write https://HOST/PATH.")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise BadTarget("--on-alarm: write spaces and signs beyond ASCII in the URL as %20, %C3%A9 and so on.")
        if secret is not None and not secret:
            raise BadTarget("`notify: secret:` in config.yaml is empty. Give it a value, or take the line out.")
        return Webhook(parts, secret, tuple(allowed))

    @property
    def host(self) -> str:
        """The host's name or address."""
        assert self.url.hostname is not None
        return self.url.hostname

    @property
    def port(self) -> int:
        """The port, the scheme's own where none is named."""
        return self.url.port or (443 if self.url.scheme == "https" else 80)

    @property
    def shown(self) -> str:
        """See `Target`: neither user nor path nor query, as many services keep their secret there."""
        return f"{self.url.scheme}://{_bracketed(self.host)}:{self.port}"

    @property
    def key(self) -> str:
        """See `Target`."""
        return key_of(self.shown, f"{self.url.path}?{self.url.query}")

    def send(self, message: Message, now: int) -> None:
        """Post a message and wait for the answer: 2xx is heard. Raises `NotDelivered`."""
        body = message.text
        if len(body) > MOST:
            raise NotDelivered(f"the message has {len(body):,} bytes, and no more than {MOST:,} are sent.")
        addresses = resolved(self.host, self.port, self.allowed)
        connection = _Pinned(self.host, self.port, addresses, self.url.scheme == "https", self.patience)
        deadline = Timer(self.patience, connection.cut)
        deadline.daemon = True
        deadline.start()
        try:
            connection.request("POST", self._path(), body=body, headers=self._headers(body, now))
            status = connection.getresponse().status  # no more of the answer is read
        except (OSError, http.client.HTTPException, ValueError) as failed:
            late = f"no answer within {self.patience:g} s" if connection.was_cut else _reason(failed)
            raise NotDelivered(f"{self.shown} did not take the notice: {late}.") from failed
        finally:
            deadline.cancel()
            connection.close()
        if 300 <= status < 400:
            raise NotDelivered(f"{self.shown} answered {status}, but redirects are not followed.")
        if not 200 <= status < 300:
            raise NotDelivered(f"{self.shown} answered {status}.")

    def _path(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")

    def _headers(self, body: bytes, now: int) -> dict[str, str]:
        timestamp = str(now // SECOND)
        standard = self.url.port in (None, 443 if self.url.scheme == "https" else 80)
        headers = {
            "Host": _bracketed(self.host) if standard else f"{_bracketed(self.host)}:{self.port}",
            "Content-Type": "application/json",
            "User-Agent": "watchkeeper",
            "Connection": "close",
            TIMESTAMP: timestamp,
        }
        if self.secret is not None:
            headers[SIGNATURE] = f"sha256={signature(self.secret, timestamp, body)}"
        if self.url.username is not None:
            pair = f"{unquote(self.url.username)}:{unquote(self.url.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA-256 of the timestamp, a full stop and the body, in hexadecimal digits."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class _Pinned(http.client.HTTPConnection):
    """A connection to addresses that were looked up before, under the host's name."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], is_secure: bool, patience: float) -> None:
        super().__init__(host, port, timeout=patience)
        self._addresses, self._is_secure = addresses, is_secure
        self.was_cut = False

    def connect(self) -> None:
        """Connect to the first address that answers; TLS holds the certificate against the host's name."""
        failed: OSError | None = None
        for address in self._addresses:
            try:
                plain = socket.create_connection((address, self.port), self.timeout)
            except OSError as refused:
                failed = refused
                if self.was_cut:
                    break
                continue
            self.sock = plain
            if self.was_cut:
                break
            if self._is_secure:
                self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
            return
        raise failed or OSError("it has no address")

    def cut(self) -> None:
        """End the exchange, from another thread."""
        self.was_cut = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _reason(failed: Exception) -> str:
    words = failed.strerror if isinstance(failed, OSError) and failed.strerror else str(failed)
    return " ".join(words.split())[:200] or type(failed).__name__
