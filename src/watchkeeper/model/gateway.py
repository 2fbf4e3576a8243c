"""`gateway:` in a home's `config.yaml`: how long the gateway waits, and how much it takes at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from watchkeeper.model.constraint import Strict

MIB = 1 << 20


class Gateway(Strict):
    """How the gateway serves; what goes beyond a bound is refused with a clear answer."""

    seconds: Annotated[float, Field(gt=0, le=600)] = 5.0
    """How long a version may take to answer; then the previous one is asked."""
    load_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """How long a version may take to be loaded."""
    body_bytes: Annotated[int, Field(ge=1)] = 8 * MIB
    """The most bytes of one request as it comes."""
    decoded_bytes: Annotated[int, Field(ge=1)] = 32 * MIB
    """The most bytes of one request once it is decompressed."""
    waiting_bytes: Annotated[int, Field(ge=1)] = 64 * MIB
    """The most bytes of all requests that are not answered yet."""
    waiting: Annotated[int, Field(ge=1)] = 1_000
    """The most requests that wait for one model."""
    rows: Annotated[int, Field(ge=1)] = 100_000
    """The most rows of one request."""
    connections: Annotated[int, Field(ge=1)] = 1_000
    """The most connections at a time."""
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 2.0
    """How long it goes on taking requests, and closes each connection with its answer, once it is asked to stop."""
    log: bool = True
    """Whether each prediction is logged."""
