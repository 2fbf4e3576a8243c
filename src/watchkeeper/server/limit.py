"""What one request, and all of them together, may cost."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds that keep the server alive whatever it is sent."""

    body_bytes: int = 16 * MEBIBYTE
    """A body as it comes over the wire."""
    decoded_bytes: int = 64 * MEBIBYTE
    """The same body once it is decompressed."""
    expansion: int = 200
    """How many times its size a compressed body may grow, beyond its first mebibyte."""
    waiting_bytes: int = 256 * MEBIBYTE
    """What all requests together may hold that is not yet on disk; more is answered 429."""
    silence_seconds: float = 10.0
    """How long a client may pause within its body."""
    body_seconds: float = 120.0
    """How long a client may take for its whole body."""
    head_bytes: int = 65_536
    """A request's line and headers."""
    head_seconds: float = 10.0
    """How long a client may take for them."""
    connections: int = 1_000
    """Connections at a time; more are answered 503."""
    recent: int = 200_000
    """Ids of a model that are remembered to recognise what is sent twice."""
    recent_in_all: int = 1_000_000
    """The same over all models, which share it."""
    shutdown_seconds: int = 15
    """How long a request under way may take to end once the server is asked to stop."""
