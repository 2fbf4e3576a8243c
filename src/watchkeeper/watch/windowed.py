"""Windows of a model in the lake: profiled from its events and labels, kept, and read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from watchkeeper.delivery import Block
from watchkeeper.engines import Kernels, Spark, scan
from watchkeeper.lake import Kept, Lake
from watchkeeper.lake.block import block_of, of_version
from watchkeeper.lake.cell import micro
from watchkeeper.model import Model, WatchkeeperError, replacing
from watchkeeper.profiles import ProfileFile, Profiles, Slice, TimeWindows, merge
from watchkeeper.profiles.codec import packed, unpacked
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.spread import spread

Span = tuple[int, int]
Revision = tuple[int, int]
"""Which one it is, and when it was made."""

KEPT = 24 * 14
"""Windows before one that it is judged beside: two weeks of hours, enough for `budget.recent.RECENT_ALIKE` of each."""


@dataclass(frozen=True)
class Watched:
    """A model's tables, and what its windows are held against."""

    model: Model
    lake: Lake
    baseline: ProfileFile
    windows: TimeWindows
    kernels: Kernels
    labelled: Labelled
    spark: Spark | None = None
    """Where windows are profiled; None: here."""
    version: str | None = None
    """The version whose events alone are looked at; None: all."""

    @property
    def edges(self) -> str:
        """The id of the edges that windows are counted on."""
        return self.baseline.profiles.edges.id

    def profiled(self, spans: Sequence[Span]) -> Profiles:
        """Profiles of windows as their events and labels are now; one without events is there, with no rows."""
        runs = joined(spans)
        if self.spark is None:
            found = merge([self._scanned(run) for run in runs])
        else:
            found = spread(self.spark, self.lake, self.baseline, self.labelled, self.windows, runs, self.version)
        known = {(at.start, at.end) for at in found.slices}
        empty = [at for span in spans if span not in known for at in self.blank(span)]
        return found.onto(sorted([*found.slices, *empty], key=lambda at: at.key))

    def blank(self, span: Span) -> list[Slice]:
        """The slices of a window without events, divided as the baseline is: else it would seem that nothing is."""
        segments = sorted({at.segment for at in self.baseline.profiles.slices}, key=lambda segment: segment or "")
        return [Slice(*span, None, segment) for segment in segments]

    def packed(self, span: Span, revision: int, profiles: Profiles) -> Kept:
        """A window's profile, as the lake keeps it."""
        mine = profiles.regrouped(lambda at: at if (at.start, at.end) == span else None)
        return Kept(*span, revision, packed(ProfileFile(mine, self.model, "time"), bare=True))

    def kept(
        self,
        start: int,
        end: int,
        new: Profiles | None = None,
        revisions: Mapping[Span, Revision] = MappingProxyType({}),
    ) -> Profiles:
        """The profiles kept of the windows that start in this span, as far as they stand on these edges.

        Those of the last call lie in the cache as one file, and those that are `new`, and were kept as these
        `revisions`, are at hand: only others are looked for in the lake.
        """
        wanted = self.lake.revisions(start, end, self.edges, self.version)
        cached, known = self._cached()
        parts, missing = [], dict(wanted)
        for profiles, held in ((new, revisions), (cached, known)):
            spans = [span for span, revision in missing.items() if held.get(span) == revision]
            if profiles is not None and spans:
                parts.append(_of(profiles, spans))
            missing = {span: revision for span, revision in missing.items() if span not in set(spans)}
        if missing:
            parts += [
                unpacked(row["profile"], "a window's profile", self.baseline).profiles
                for row in self.lake.profiles(min(missing)[0], max(missing)[0] + 1)
                if row["version"] == self.version
                and tuple(micro([row["window_start"], row["window_end"]]).tolist()) in missing
            ]
        found = merge(parts) if parts else _of(self.baseline.profiles, ())
        if wanted != known:
            self._cache(found, wanted)
        return found

    @property
    def _file(self) -> Path:
        own = "" if self.version is None else f"-{hashlib.sha256(self.version.encode()).hexdigest()[:16]}"
        return self.lake.cache / f"windows-{self.edges}{own}.parquet"

    def _cached(self) -> tuple[Profiles | None, dict[Span, Revision]]:
        """The windows in the cache, and their revisions."""
        try:
            data, told = self._file.read_bytes(), self._file.with_suffix(".json").read_bytes()
            known = {(start, end): (revision, made) for start, end, revision, made in json.loads(told)["windows"]}
            if json.loads(told)["digest"] != hashlib.sha256(data).hexdigest():
                return None, {}
            return unpacked(data, str(self._file), self.baseline).profiles, known
        except (OSError, ValueError, KeyError, WatchkeeperError):  # it can be made anew from the lake at any time
            return None, {}

    def _cache(self, profiles: Profiles, revisions: Mapping[Span, Revision]) -> None:
        data = packed(ProfileFile(profiles, self.model, "time"), bare=True)
        windows = [[*span, *revision] for span, revision in revisions.items()]
        told = json.dumps({"digest": hashlib.sha256(data).hexdigest(), "windows": windows})
        self.lake.cache.mkdir(parents=True, exist_ok=True)
        for path, text in ((self._file, data), (self._file.with_suffix(".json"), told.encode())):
            with replacing(path) as temporary:
                temporary.write_bytes(text)

    def _scanned(self, run: Span) -> Profiles:
        return scan(
            self.baseline.profiles.edges,
            self.model,
            self._blocks(*run),
            self.windows,
            self.model.segments,
            kernels=self.kernels,
        )

    def _blocks(self, start: int, end: int) -> Iterator[Block]:
        outcomes, first = self.lake.outcomes(), 1
        for every in self.lake.events(start, end):
            batch = of_version(every, self.version)
            labels = outcomes.labels_for(batch["id"])
            self.labelled.add(batch, labels)
            yield block_of(batch, labels, self.model, first)
            first += batch.num_rows


def _of(profiles: Profiles, spans: Collection[Span]) -> Profiles:
    """Some windows alone."""
    wanted = set(spans)
    return profiles.regrouped(lambda at: at if (at.start, at.end) in wanted else None)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans of which those that follow each other are one, oldest first."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined
