"""Profiles as a Parquet file: one row per slice and column, readable by any Parquet reader."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.model import Model, Type, WatchkeeperError
from watchkeeper.profiles.category import CategoryProfile
from watchkeeper.profiles.column import ColumnProfile, NumericProfile
from watchkeeper.profiles.correlation import PairProfile, pairs
from watchkeeper.profiles.edges import CategoryEdges, ColumnEdges, Edges, NumericEdges
from watchkeeper.profiles.fourier import WAVES, FourierProfile
from watchkeeper.profiles.profile import EdgesDiffer, Profiles
from watchkeeper.profiles.quality import QualityProfile, quality_from_arrow
from watchkeeper.profiles.sample import STORED, Sample, listed, unlisted
from watchkeeper.profiles.slice import Slice
from watchkeeper.profiles.text import TextProfile
from watchkeeper.profiles.text_format import FORMATS

_KEY = b"watchkeeper"
_VERSION = 5
_COUNTS = ("null", "invalid", "nan", "positive_infinity", "negative_infinity", "zero", "negative", "unseen")
_LENGTHS = ("shortest", "longest", "characters")
_SCHEMA = pa.schema(
    [
        ("window_start", pa.timestamp("us", tz="UTC")),
        ("window_end", pa.timestamp("us", tz="UTC")),
        ("label", pa.string()),
        ("segment", pa.string()),
        ("version", pa.string()),
        ("column", pa.string()),
        ("rows", pa.int64()),
        *((name, pa.int64()) for name in _COUNTS),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("total", pa.list_(pa.float64())),
        ("squares", pa.list_(pa.float64())),
        ("counts", pa.list_(pa.int64())),
        ("values", pa.list_(pa.string())),
        ("sketch", pa.binary()),
        *((name, pa.int64()) for name in _LENGTHS),
        ("formats", pa.list_(pa.int64())),
        ("waves", pa.list_(pa.int64())),
        *STORED.items(),
    ]
)


class NotAProfile(WatchkeeperError):
    """A file that was given as a profile file is none."""


@dataclass(frozen=True, repr=False)
class ProfileFile:
    """What a profile file holds."""

    profiles: Profiles
    model: Model
    source: str
    """Where the windows came from: `files`, `time`, `blocks` or `one`."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files that were profiled -> their names."""

    def __repr__(self) -> str:
        """In short, and without a value of the data."""
        return f"<ProfileFile {self.model.name}: {self.profiles!r}>"


def is_profile(path: Path) -> bool:
    """Whether a file was written by `write`."""
    try:
        return _KEY in (pq.read_schema(path).metadata or {})
    except (pa.ArrowInvalid, OSError):
        return False


def to_table(file: ProfileFile, *, bare: bool = False) -> pa.Table:
    """One row per slice and column; a row without a column holds pairs, waves, and the hashes of the sample.

    `bare`: without edges and model, which are those of the baseline.
    """
    profiles = file.profiles
    slices = len(profiles.slices)
    parts = [_rows(profiles, name, column) for name, column in profiles.columns.items()]
    plain = ColumnProfile("", np.zeros(slices, dtype=np.int64), np.zeros(slices, dtype=np.int64))
    parts.append(
        _rows(profiles, None, plain, None if profiles.pairs is None else [sums.ravel() for sums in profiles.pairs.sums])
    )
    kept = {
        "version": _VERSION,
        "edges_id": profiles.edges.id,
        "edges": profiles.edges.to_dict(),
        "model": file.model.model_dump(mode="json", exclude_defaults=True),
        "source": file.source,
        "digests": dict(file.digests),
        "formats": FORMATS,
        "texts": list(profiles.texts),
        "sample": None if profiles.sample is None else profiles.sample.types,
        "waves": profiles.fourier is not None,
        "slices": [[at.start, at.end, at.label, at.segment, at.version] for at in profiles.slices],
    }
    if bare:
        del kept["edges"], kept["model"]
    metadata = {_KEY: json.dumps(kept).encode()}
    if profiles.quality is not None:
        metadata[_KEY + b".quality"] = _ipc(profiles.quality.to_arrow())
    return pa.concat_tables(parts).replace_schema_metadata(metadata)


def write(file: ProfileFile, path: Path) -> None:
    """Write a profile file; nothing half-written is left behind."""
    from watchkeeper.delivery import replacing

    with replacing(path) as temporary, temporary.open("wb") as handle:
        pq.write_table(to_table(file), handle, compression="zstd", store_schema=True)


def packed(file: ProfileFile, *, bare: bool = False) -> bytes:
    """A profile file as bytes; `unpacked` is the inverse. `bare`: without edges and model, which are the baseline's."""
    sink = io.BytesIO()
    pq.write_table(to_table(file, bare=bare), sink, compression="zstd", store_schema=True)
    return sink.getvalue()


def unpacked(data: bytes, name: str, baseline: ProfileFile | None = None) -> ProfileFile:
    """The profile file that `packed` made; `name` is for errors, `baseline` for what was packed bare.

    Raises `NotAProfile`, `EdgesDiffer`.
    """
    return from_table(pq.read_table(io.BytesIO(data)), name, baseline=baseline)


def read(path: Path, *, counts: bool = True) -> ProfileFile:
    """Read a profile file; without `counts` its edges and model alone, with no slices. Raises `NotAProfile`."""
    if not path.is_file():
        raise NotAProfile(f"{path}: there is no such file. Make one with `watchkeeper profile … -o {path.name}`.")
    try:
        with pq.ParquetFile(path) as file:
            table = file.read() if counts else file.schema_arrow.empty_table()
    except pa.ArrowInvalid as wrong:
        raise NotAProfile(
            f"{path}: this is no readable Parquet file ({wrong}). Make one with `watchkeeper profile … -o {path.name}`."
        ) from wrong
    return from_table(table, str(path), counts=counts)


def from_table(table: pa.Table, name: str, *, counts: bool = True, baseline: ProfileFile | None = None) -> ProfileFile:
    """The inverse of `to_table`; `name` is for errors, `counts` as in `read`, `baseline` for a table without edges.

    Raises `NotAProfile`, `EdgesDiffer`.
    """
    metadata = table.schema.metadata or {}
    if _KEY not in metadata:
        raise NotAProfile(
            f"{name}: this Parquet file holds no profiles. Make one with `watchkeeper profile … -o FILE`."
        )
    kept = json.loads(metadata[_KEY])
    if kept["version"] != _VERSION:
        raise NotAProfile(
            f"{name}: written in format {kept['version']}, this release reads {_VERSION}. Profile the data again."
        )
    edges, model = _edges(kept, name, baseline)
    slices = tuple(Slice(*key) for key in kept["slices"]) if counts else ()
    by_column = _by_column(table, len(slices), list(edges.columns))
    rows = by_column[None].column("rows").to_numpy()
    pair_rows = by_column[None].column("counts").to_pylist()
    kept_pairs = pairs(edges.ranked, edges.targets)
    names = tuple((edges.ranked[i], edges.ranked[j]) for i, j in kept_pairs)
    quality = metadata.get(_KEY + b".quality") if counts else None
    profiles = Profiles(
        edges=edges,
        slices=slices,
        rows=rows,
        columns={column: _profile(column, edges.columns[column], by_column[column]) for column in edges.columns},
        pairs=PairProfile(names, np.array(pair_rows, dtype=np.int64).reshape(len(slices), 6, len(names)))
        if names and counts
        else None,
        quality=_quality(edges, quality),
        texts={name: _text(by_column[name]) for name in kept["texts"]},
        sample=_sample(by_column, kept["sample"]),
        fourier=_fourier(by_column[None]) if kept["waves"] else None,
    )
    return ProfileFile(profiles, model, kept["source"], kept["digests"])


def _edges(kept: Mapping[str, Any], name: str, baseline: ProfileFile | None) -> tuple[Edges, Model]:
    """The edges and the model of a table, or of the baseline that it was counted on."""
    if "edges" in kept:
        return Edges.from_dict(kept["edges"]), Model.model_validate(kept["model"])
    if baseline is None or baseline.profiles.edges.id != kept["edges_id"]:
        raise EdgesDiffer(
            f"{name}: these profiles were counted on the edges {kept['edges_id']}, which are not at hand."
        )
    return baseline.profiles.edges, baseline.model


def _rows(profiles: Profiles, name: str | None, column: ColumnProfile, counts: Any = None) -> pa.Table:
    slices = len(profiles.slices)
    data: dict[str, Any] = {
        "window_start": [at.start for at in profiles.slices],
        "window_end": [at.end for at in profiles.slices],
        "label": [at.label for at in profiles.slices],
        "segment": [at.segment for at in profiles.slices],
        "version": [at.version for at in profiles.slices],
        "column": [name] * slices,
        "rows": profiles.rows,
    }
    for count in _COUNTS:
        data[count] = getattr(column, count, None)
    if isinstance(column, NumericProfile):
        data |= {"minimum": column.minimum, "maximum": column.maximum, "counts": list(column.counts)}
        data |= {"total": list(column.total), "squares": list(column.squares)}
    elif isinstance(column, CategoryProfile):
        names = np.array([*column.edges.values, *column.others], dtype=object)
        borders = np.searchsorted(column.at, np.arange(slices + 1)).tolist()
        data["values"] = [names[column.code[a:b]].tolist() for a, b in pairwise(borders)]
        data["counts"] = [column.count[a:b] for a, b in pairwise(borders)]
        data["sketch"] = [column.sketches.get(place) for place in range(slices)]
    elif counts is not None:
        data["counts"] = list(counts)
    text = profiles.texts.get(name or "")
    if text is not None:
        data |= {length: getattr(text, length) for length in _LENGTHS} | {"formats": list(text.formats)}
    if name is None and profiles.fourier is not None:
        data["waves"] = list(profiles.fourier.sums)
    if profiles.sample is not None:
        data |= listed(profiles.sample, name, slices)
    arrays = [_array(data.get(f.name), f.type, slices) for f in _SCHEMA]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _array(values: Any, kind: pa.DataType, slices: int) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return pa.nulls(slices, kind) if values is None else pa.array(values, kind)


def _by_column(table: pa.Table, slices: int, columns: Sequence[str]) -> dict[str | None, pa.Table]:
    names: list[str | None] = [*columns, None]
    return {name: table.slice(i * slices, slices) for i, name in enumerate(names)}


def _profile(name: str, edges: ColumnEdges, rows: pa.Table) -> ColumnProfile:
    slices = rows.num_rows

    def ints(field: str) -> Any:
        return rows.column(field).combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64)

    if isinstance(edges, NumericEdges):
        floats = {
            end: rows.column(end).combine_chunks().to_numpy(zero_copy_only=False) for end in ("minimum", "maximum")
        }
        flat: dict[str, Any] = {
            f: np.array(rows.column(f).to_pylist(), dtype=np.float64).reshape(slices, 2) for f in ("total", "squares")
        }
        counts = rows.column("counts").combine_chunks().flatten().to_numpy().reshape(slices, edges.bins)
        return NumericProfile(
            name=name, edges=edges, counts=counts, **floats, **flat, **{f: ints(f) for f in _COUNTS[:-1]}
        )
    if isinstance(edges, CategoryEdges):
        values = rows.column("values").to_pylist()
        others = sorted({value for part in values for value in part} - edges.codes.keys())
        number = {**edges.codes, **{value: len(edges.values) + i for i, value in enumerate(others)}}
        sketches = {
            place: sketch for place, sketch in enumerate(rows.column("sketch").to_pylist()) if sketch is not None
        }
        return CategoryProfile(
            name=name,
            null=ints("null"),
            invalid=ints("invalid"),
            edges=edges,
            others=tuple(others),
            at=np.repeat(np.arange(slices), [len(part) for part in values]),
            code=np.array([number[value] for part in values for value in part], dtype=np.int64),
            count=rows.column("counts").combine_chunks().flatten().to_numpy(),
            unseen=ints("unseen"),
            sketches=sketches,
        )
    return ColumnProfile(name, ints("null"), ints("invalid"))


def _text(rows: pa.Table) -> TextProfile:
    lengths = {name: np.array(rows.column(name), dtype=np.int64) for name in _LENGTHS}
    counts = np.array(rows.column("formats").combine_chunks().flatten(), dtype=np.int64)
    return TextProfile(formats=counts.reshape(rows.num_rows, len(FORMATS)), **lengths)


def _sample(parts: Mapping[str | None, pa.Table], types: Mapping[str, str] | None) -> Sample | None:
    return None if types is None else unlisted(parts, {name: Type(kind) for name, kind in types.items()})


def _fourier(rows: pa.Table) -> FourierProfile:
    sums = np.array(rows.column("waves").combine_chunks().flatten(), dtype=np.int64)
    return FourierProfile(sums.reshape(rows.num_rows, 1 + 2 * WAVES))


def _quality(edges: Edges, data: bytes | None) -> QualityProfile | None:
    if edges.quality is None or data is None:
        return None
    return quality_from_arrow(edges.quality, pa.ipc.open_stream(data).read_all())


def _ipc(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue()
