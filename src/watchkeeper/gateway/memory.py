"""Memory: the figures by which harm is judged, kept on disk so that a restart of the gateway does not forget them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from watchkeeper.gateway.served import Served
from watchkeeper.model import replacing
from watchkeeper.release.figures import EDGES, Figures, since

FILE = "figures.json"


class Kept(Struct):
    """What is known of one model's live version. It counts for the same row of the deployment log alone."""

    deployment: int
    live: Figures
    """What the live version did since it went live."""
    reference: Figures | None
    """What the one before had done until then; None where harm is not looked for."""


class Memory:
    """The file of one home. Losing it costs nothing but time: harm is then found by what comes after."""

    def __init__(self, home: Path) -> None:
        self._path = home / "cache" / "gateway" / FILE
        self._kept = self._read()
        self._written = b""

    def restore(self, served: Served) -> None:
        """Give the live version, which was just loaded, what it and the one before had done."""
        kept = self._kept.get(served.model.name)
        if kept is None or kept.deployment != served.deployment or served.live is None:
            return
        served.live.figures, served.before, served.reference = kept.live.copy(), Figures(), kept.reference

    def content(self, models: Mapping[str, Served]) -> bytes:
        """What is known now. Only the thread that counts may ask, as all of it must be of one moment."""
        return msgspec.json.encode({name: _kept(served) for name, served in models.items() if served.live})

    def write(self, content: bytes) -> None:
        """Keep it, if it is not what was kept before. Raises `CannotWrite`."""
        if content == self._written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as file:
            file.write_bytes(content)
        self._written = content

    def _read(self) -> dict[str, Kept]:
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Kept])
        except (FileNotFoundError, msgspec.MsgspecError):  # a broken one is as good as none
            return {}
        return {name: kept for name, kept in found.items() if _fits(kept.live) and _fits(kept.reference)}


def _kept(served: Served) -> Kept:
    assert served.live is not None
    return Kept(served.deployment, since(served.live.figures, served.before), served.reference)


def _fits(figures: Figures | None) -> bool:
    """Whether the times were cut at the same edges as now."""
    return figures is None or len(figures.buckets) == len(EDGES) + 1
