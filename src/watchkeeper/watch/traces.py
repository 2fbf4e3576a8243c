"""Traces: takes ids out of what is not a table of the lake: segments, rows that were set aside, samples."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchkeeper.lake import Lake
from watchkeeper.lake.move import NOTED, progress_of
from watchkeeper.model import Model, Role, replacing
from watchkeeper.profiles import Sample
from watchkeeper.profiles.codec import packed, unpacked
from watchkeeper.sdk import Corrupt, Frame, Kind, SegmentWriter, encode, frames, inbox_of, pack, read, segments
from watchkeeper.state import Store
from watchkeeper.state import baseline as baselines

WITH_IDS = (Kind.EVENT, Kind.LABEL)
SPOOLED = re.compile(r"[0-9a-f]{12}")


def from_inbox(home: Path, model: Model, lake: Lake, ids: Collection[str]) -> int:
    """Blank moved frames of segments that are still being written, and delete damaged spans; how many of both.

    Nobody reads a moved frame again, so zeros in its place harm no reader and no writer.
    """
    inbox, moved = inbox_of(home, model.name), progress_of(lake.cache / NOTED)
    blanked = 0
    for path in segments(inbox):
        mine = [frame for frame in holding(path, ids) if frame.end <= moved.get(path.name, 0)]
        blank(path, mine)
        blanked += len(mine)
    folder = inbox / "aside"
    damaged = [path for path in folder.glob("*") if mentions(path.read_bytes(), ids)] if folder.exists() else []
    for path in damaged:
        path.unlink()
    return blanked + len(damaged)


def from_spool(home: Path, model: Model, ids: Collection[str]) -> int:
    """Take records out of what waits for a server: the rest of their frames is written anew, then these are blanked."""
    found = 0
    for spool in spools(home, model.name):
        for folder in (spool, spool / "aside"):
            found += _from_segments(folder, ids)
    return found


def spools(home: Path, model: str) -> list[Path]:
    """The folders in the home with what waits for servers or was refused by them; not those of longer names."""
    found = sorted((home / "spool").glob(f"{model}-*"))
    return [spool for spool in found if SPOOLED.fullmatch(spool.name.removeprefix(f"{model}-"))]


def from_cache(lake: Lake) -> None:
    """Delete the profiles that a run has at hand, which hold samples of rows; the next run makes them from the lake."""
    for path in lake.cache.glob("windows-*"):
        path.unlink()


def from_quarantine(model: Model, lake: Lake, ids: Collection[str]) -> int:
    """Take out rows of files that were set aside at ingest and name one of the ids; how many."""
    several = model.only(Role.ID) is None and len(model.primary_key) > 1
    parts = [one.split("|") if several else [one] for one in ids]
    gone = 0
    for info in lake.place.list("quarantine"):
        lines = (lake.place.read(info.path) or b"").splitlines(keepends=True)
        kept = [line for line in lines if not any(_row_names(line, words) for words in parts)]
        if len(kept) < len(lines):
            _rewritten(lake, info.path, b"".join(kept))
        gone += len(lines) - len(kept)
    return gone


def from_baselines(store: Store, model: Model, lake: Lake, ids: Collection[str]) -> int:
    """Take rows out of the samples of all baselines that were ever taken; how many.

    What is counted of them stays: counts tell of nobody.
    """
    gone = 0
    for path in {recorded.path for recorded in baselines.history(store, model.name)}:
        data = lake.place.read(path)
        if data is None:
            continue
        file = unpacked(data, path)
        sample = _without(file.profiles.sample, model.only(Role.ID), ids)
        before = file.profiles.sample
        if before is not None and sample is not None and len(sample.hashes) < len(before.hashes):
            gone += len(before.hashes) - len(sample.hashes)
            _rewritten(lake, path, packed(replace(file, profiles=replace(file.profiles, sample=sample))))
    return gone


def holding(path: Path, ids: Collection[str]) -> list[Frame]:
    """The whole frames of a segment that hold a record of these ids; none if the segment is gone."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = (found for found in frames(data) if not isinstance(found, Corrupt))
    return [frame for frame in whole if frame.kind in WITH_IDS and _holds(frame, ids)]


def blank(path: Path, mine: Sequence[Frame]) -> None:
    """Overwrite frames with zeros, and bring that to the disk."""
    if not mine:
        return
    with path.open("r+b") as file:
        for frame in mine:
            file.seek(frame.start)
            file.write(bytes(frame.end - frame.start))
        file.flush()
        os.fsync(file.fileno())


def mentions(data: bytes, ids: Collection[str]) -> bool:
    """Whether bytes name one of the ids, by itself and not as a part of a longer word."""
    for one in ids:
        text = one.encode()
        if re.search(rb"(?<![0-9A-Za-z_-])" + re.escape(text) + rb"(?![0-9A-Za-z_-])", data):
            return True
        if len(text) > 31 and text in data:  # in a damaged frame its length stands before it and may look like a letter
            return True
    return False


def _from_segments(folder: Path, ids: Collection[str]) -> int:
    held = [(path, mine) for path in segments(folder) if (mine := holding(path, ids))]
    if not held:
        return 0
    writer = SegmentWriter(folder)
    try:
        for path, mine in held:
            note = path.with_suffix(".sent")
            sent = int(note.read_text() or 0) if note.exists() else 0
            for frame in mine:
                rest = [record for record in read(frame.kind, frame.payload) if getattr(record, "id", None) not in ids]
                if rest and frame.end > sent:
                    writer.append(pack(frame.kind, frame.received, encode(rest)))
        writer.sync()
    finally:
        writer.close()
    for path, mine in held:
        blank(path, mine)
    return sum(len(mine) for _, mine in held)


def _holds(frame: Frame, ids: Collection[str]) -> bool:
    try:
        return any(getattr(record, "id", None) in ids for record in read(frame.kind, frame.payload))
    except msgspec.DecodeError:  # written by a release that we don't know
        return mentions(frame.payload, ids)


def _row_names(line: bytes, parts: Sequence[str]) -> bool:
    """Whether a row set aside names all parts of an id; its text is as it came, and so may be quoted."""
    try:
        row = json.loads(line)
        text = f"{row['raw']}\n{row['reason']}"
    except (ValueError, KeyError, TypeError):
        text = line.decode(errors="replace")
    return all(mentions(text.encode(), [part]) for part in parts)


def _rewritten(lake: Lake, path: str, data: bytes) -> None:
    """Put other bytes in a file's place, at once or not at all; without any, delete it."""
    if not data:
        lake.place.delete(path)
    elif lake.place.local is None:  # an object appears whole
        lake.place.write(path, data)
    else:
        with replacing(lake.place.local / path) as temporary:
            temporary.write_bytes(data)


def _without(sample: Sample | None, column: str | None, ids: Collection[str]) -> Sample | None:
    if sample is None or column is None or column not in sample.rows.column_names:
        return sample
    named = pc.is_in(sample.rows[column].cast(pa.string()), value_set=pa.array(list(ids), pa.string()))
    kept = ~np.asarray(named)
    return Sample(sample.at[kept], sample.hashes[kept], sample.rows.filter(pa.array(kept)))
