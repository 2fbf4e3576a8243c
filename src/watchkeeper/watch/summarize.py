"""Makes, merges and describes profile files."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from watchkeeper.delivery import deliver, digest_of, is_table, writable
from watchkeeper.engines import scan
from watchkeeper.model import Model, Role
from watchkeeper.profiles import NotAProfile, OneWindow, ProfileFile, Slice, TimeWindows, merge, parse, read, write
from watchkeeper.watch import argument
from watchkeeper.watch import period as periods
from watchkeeper.watch.profiled import BaselineUnreadable, added, called, data_only, expanded, on_disk
from watchkeeper.watch.reference import Told, refer, segments_of, unusable


def profile(
    data: Any,
    *,
    model: Model | str | Path | None = None,
    by: str | None = None,
    segment: str | None = None,
    period: str | None = None,
    baseline: Any = None,
    output: str | Path | None = None,
    told: Told | None = None,
) -> ProfileFile:
    """Profiles of data.

    With `baseline` (data or a profile file) its edges are used, in one pass; without it the data become a baseline:
    edges first, then counts. `by` cuts by hour, day, week, month or `N-rows`; without it each file is one window.
    `period`: only rows of these event times (`2014-01`, `2014-01-15`, `START/END`); of Parquet files whose row groups
    tell their times, the others are not even read.
    `output`: a file to write them to. Takes the same kinds of data as `check`. Raises `WatchkeeperError`.
    """
    by, segment, period = (argument.text(*given) for given in (("by", by), ("segment", segment), ("period", period)))
    asked = None if by is None else parse(by)
    span = None if period is None else periods.parse(period)
    known = argument.model(model)
    given, before = data_only(data), None if baseline is None else expanded(baseline)
    path = _checked(output, [*given, *on_disk(before or ()), *([] if model is known else [model])])
    own = refer(given, known, told, span) if before is None else None
    reference = own or refer(before or (), known, told, counts=False)
    if own is not None:
        sources: Sequence[Any] = own.sources
        blocks = [b for _, b in own.kept] if own.kept is not None else None
    else:
        sources, blocks = given, None
    parts, digests = [], {}
    with ThreadPoolExecutor(1) as beside:
        for i, source in enumerate(sources):
            on_its_own = isinstance(source, str | Path) and Path(source).is_file()
            digest = beside.submit(digest_of, Path(source)) if on_its_own else None
            delivery = deliver(source, reference.model, strict=False, within=span)
            reference.kernels.expect(delivery.cells)
            windows = asked or OneWindow(Slice(label=delivery.name if i == 0 else f"{delivery.name} ({i + 1})"))
            stream = delivery.blocks() if blocks is None else iter(blocks[i])
            parts.append(
                scan(
                    reference.edges,
                    reference.model,
                    stream,
                    windows,
                    segments_of(reference.model, segment),
                    told,
                    kernels=reference.kernels,
                )
            )
            if delivery.rejected:
                raise unusable(delivery)
            if digest is not None:
                digests[digest.result()] = Path(source).name
    origin = "time" if isinstance(asked, TimeWindows) else "blocks" if asked else "files" if len(sources) > 1 else "one"
    if span is not None and not any(part.total for part in parts):
        raise BaselineUnreadable(f"no row has an event time in {period}. {_times_of(reference.model)}")
    return _kept(ProfileFile(merge(parts), reference.model, origin, digests), path)


def merged(paths: Any, *, output: str | Path | None = None) -> ProfileFile:
    """The sum of several profile files, also written to `output`.

    Raises `EdgesDiffer`, `WindowsDiffer`, `CountedTwice`, `NotAProfile`.
    """
    listed = expanded(paths)
    if any(is_table(source) for source in listed):
        raise NotAProfile("a table in memory holds no profiles. Give the paths of profile files.")
    path = _checked(output, on_disk(listed))
    files = [(called(s), s if isinstance(s, ProfileFile) else read(Path(s))) for s in listed]
    return _kept(added(files), path)


def _checked(output: str | Path | None, inputs: Sequence[Any]) -> Path | None:
    """The output's path, if profiles can be written there."""
    path = writable([(output, ())], inputs)[0]
    is_file = path is not None and (path.is_file() or not path.exists())
    if path is not None and is_file and path.suffix.lower() not in (".parquet", ".pq"):
        raise argument.WrongArgument(f"{path}: profiles are written as Parquet. Give the file the ending .parquet.")
    return path


def _times_of(model: Model) -> str:
    time = model.only(Role.TIMESTAMP)
    if time is None:
        return "The model has no column with the role `timestamp`: say which one is."
    return f"Event times are those of the column {time}; look at them with `watchkeeper show`, or ask for other times."


def _kept(file: ProfileFile, path: Path | None) -> ProfileFile:
    if path is not None:
        write(file, path)
    return file
