"""Digests, and what a delivery's manifest says of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec

from watchkeeper.delivery.limit import MIB
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.source import Place, Unreadable, locate
from watchkeeper.delivery.wording import listed, plain, value
from watchkeeper.model.error import WatchkeeperError


class BadManifest(WatchkeeperError):
    """A manifest can't be used; the text says what it must look like."""


class Entry(msgspec.Struct, frozen=True):
    """What a manifest says of one file."""

    sha256: str
    hmac_sha256: str | None = None
    bytes: Annotated[int, msgspec.Meta(ge=0)] | None = None
    rows: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Manifest(msgspec.Struct, frozen=True):
    """A delivery manifest (CONTRACT section 7)."""

    files: dict[str, Entry]
    algorithm: str = ""


def digest_of(source: str | Path | Place) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    return digests(source if isinstance(source, Place) else locate(source), None)[0]


def digests(place: Place, key: bytes | None) -> tuple[str, str | None]:
    """The SHA-256 of a file's bytes and, with a key, their HMAC-SHA-256; in hexadecimal."""
    plain_hash, keyed = hashlib.sha256(), None if key is None else hmac.new(key, digestmod=hashlib.sha256)
    with place.open() as file:
        while piece := file.read(MIB):
            plain_hash.update(piece)
            if keyed is not None:
                keyed.update(piece)
    return plain_hash.hexdigest(), None if keyed is None else keyed.hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises `BadManifest`."""

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]
        if twice:
            what = f"{listed([plain(key) for key in twice], 3)} {'stands' if len(twice) == 1 else 'stand'} in it twice"
            raise BadManifest(f"{path}: {what}, so it can't be told which holds. Ask its writer for one entry a file.")
        return dict(pairs)

    try:
        written = path.read_bytes()
        manifest = msgspec.json.decode(written, type=Manifest)
        json.loads(written, object_pairs_hook=distinct)
        return manifest
    except OSError as wrong:
        raise BadManifest(f"{path}: the manifest can't be read ({wrong.strerror}). Check the path.") from wrong
    except (msgspec.DecodeError, ValueError, RecursionError) as wrong:
        raise BadManifest(
            f"{path}: this is no delivery manifest ({plain(str(wrong), 120)}). "
            'It must look like {"files": {"PATH": {"sha256": "…"}}}.'
        ) from wrong


def read_key(key: bytes | Path | None) -> bytes | None:
    """The bytes of an HMAC key. Raises `Unreadable`."""
    if key is None:
        return None
    held, what = key, "the HMAC key is empty"
    if not isinstance(held, bytes):
        what = f"{key!s}: the key file is empty"
        try:
            held = held.read_bytes()
        except OSError as wrong:
            raise Unreadable(f"{key!s}: the key file can't be read ({wrong.strerror}). Check the path.") from wrong
    if not held:
        raise Unreadable(f"{what}, so anybody could have signed. Give the key that the sender signs with.")
    return held


def entry_for(place: Place, manifest: Manifest, path: Path) -> Entry:
    """What the manifest says of a file. Raises `Rejection` if it is not listed, `BadManifest` if two entries differ.

    PATH is relative to the manifest, or else a base name that only one entry has.
    """
    file = Path(place.path).resolve()
    same = {name: entry for name, entry in manifest.files.items() if (path.parent / name).resolve() == file}
    if len(set(same.values())) > 1:
        names = listed([plain(name) for name in same], 3)
        raise BadManifest(f"{path}: {names} are one file, and differ. Ask its writer for one entry a file.")
    if same:
        return next(iter(same.values()))
    named = [entry for listed_path, entry in manifest.files.items() if Path(listed_path).name == file.name]
    if len(named) == 1:
        return named[0]
    why = (
        f"{len(named)} entries are called so"
        if named
        else f"it lists {listed([plain(name) for name in manifest.files], 3) or 'no file'}"
    )
    raise Rejection(
        "unlisted_file",
        f"{place.name} is not listed in the manifest {path.name}: {why}.",
        "Ask the sender for a manifest that lists it, or whether the file is theirs at all.",
    )


def verify(place: Place, entry: Entry, sha256: str, keyed: str | None) -> None:
    """Hold a file against its entry; `keyed`: its HMAC if there is a key. Raises `Rejection`."""
    size = place.stamp()[0]
    if entry.bytes is not None and size != entry.bytes:
        raise Rejection(
            "manifest_size",
            f"{place.name} has {size:,} bytes, its manifest says {entry.bytes:,}.",
            "Ask the sender to deliver it again: it was cut off or changed on its way.",
        )
    if not hmac.compare_digest(sha256.encode(), entry.sha256.strip().lower().encode()):
        _refuse_no_digest(place, "sha256", "SHA-256", entry.sha256)
        raise Rejection(
            "sha256",
            f"{place.name} is not the file in its manifest: SHA-256 {sha256[:16]}…, not {plain(entry.sha256[:16])}….",
            "Ask the sender over another channel whether they changed it; it was damaged or tampered with.",
        )
    if keyed is None:
        return
    if entry.hmac_sha256 is None:
        raise Rejection(
            "hmac",
            f"{place.name}: the manifest holds no HMAC for it, and a key was given.",
            "Ask the sender to sign every file, or check without the key.",
        )
    if not hmac.compare_digest(keyed.encode(), entry.hmac_sha256.strip().lower().encode()):
        _refuse_no_digest(place, "hmac", "HMAC-SHA-256", entry.hmac_sha256)
        raise Rejection(
            "hmac",
            f"{place.name}: its HMAC is not the manifest's, so whoever wrote it did not have the key.",
            "Ask the sender over another channel; do not load it. If the key was changed, give the new one.",
        )


def _refuse_no_digest(place: Place, check: str, what: str, written: str) -> None:
    """Raise `Rejection` where the manifest's digest could be no file's."""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", written.strip()):
        return
    raise Rejection(
        check,
        f"{place.name}: the {what} in its manifest, {value(written)}, is not 64 hexadecimal digits.",
        "Ask the sender for the manifest as it was written: the digest was cut off, or is of another kind.",
    )
