"""Makes, merges and describes profile files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from watchkeeper.delivery import deliver, digest_of, expand
from watchkeeper.engines import scan
from watchkeeper.model import Model
from watchkeeper.profiles import OneWindow, ProfileFile, Slice, TimeWindows, merge, parse, read
from watchkeeper.watch.reference import BaselineUnreadable, Told, refer, segments_of


def profile(
    data: Any,
    *,
    model: Model | str | Path | None = None,
    by: str | None = None,
    segment: str | None = None,
    baseline: Any = None,
    told: Told | None = None,
) -> ProfileFile:
    """Profiles of data.

    With `baseline` (data or a profile file) its edges are used, in one pass; without it the data become a baseline:
    edges first, then counts. `by` cuts by hour, day, week, month or `N-rows`; without it each file is one window.
    Takes the same kinds of data as `check`. Raises `WatchkeeperError`.
    """
    own = refer(data, model, told) if baseline is None else None
    reference = own or refer(baseline, model, told)
    if own is not None:
        sources: Sequence[Any] = own.sources
        blocks = [b for _, b in own.kept] if own.kept is not None else None
    else:
        sources, blocks = expand(data), None
    asked = None if by is None else parse(by)
    parts, digests = [], {}
    for i, source in enumerate(sources):
        delivery = deliver(source, reference.model, strict=False)
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
            raise BaselineUnreadable(f"{delivery.violations[0].message} {delivery.violations[0].remedy}")
        if isinstance(source, str | Path) and Path(source).is_file():
            digests[digest_of(Path(source))] = Path(source).name
    origin = "time" if isinstance(asked, TimeWindows) else "blocks" if asked else "files" if len(sources) > 1 else "one"
    return ProfileFile(merge(parts), reference.model, origin, digests)


def merged(paths: Sequence[Path]) -> ProfileFile:
    """The sum of several profile files. Raises `EdgesDiffer`, `NotAProfile`."""
    files = [read(path) for path in paths]
    digests = {digest: name for file in files for digest, name in file.digests.items()}
    return replace(files[0], profiles=merge(file.profiles for file in files), digests=digests)
