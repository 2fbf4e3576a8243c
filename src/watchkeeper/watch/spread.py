"""Spread: windows profiled on a cluster, each part of the lake's files by one core, and the profiles added up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from watchkeeper.delivery import Block
from watchkeeper.engines import Kernels, Spark, scan
from watchkeeper.lake import Lake
from watchkeeper.lake.block import block_of, of_version
from watchkeeper.lake.shard import Shard, Source, shards, source_of
from watchkeeper.profiles import Edges, ProfileFile, Profiles, TimeWindows, merge
from watchkeeper.profiles.codec import packed, unpacked
from watchkeeper.watch.labelled import Labelled


@dataclass(frozen=True)
class Count:
    """What each core does: counts the events of its files. It is pickled, and called on another machine."""

    source: Source
    edges: Edges
    windows: TimeWindows
    version: str | None

    def __call__(self, part: Sequence[Shard]) -> tuple[bytes, Labelled]:
        """The packed profiles of some files, and how many of their events have labels."""
        model, kernels, labelled = self.source.model, Kernels(), Labelled(self.source.model, self.windows)
        kernels.expect(sum(shard.events.rows for shard in part) * len(model.columns))
        blocks = self._blocks(part, labelled)
        found = scan(self.edges, model, blocks, self.windows, model.segments, kernels=kernels, workers=1)
        return packed(ProfileFile(found, model, "time"), bare=True), labelled

    def _blocks(self, part: Sequence[Shard], labelled: Labelled) -> Iterator[Block]:
        first = 1
        for events, labels in self.source.joined(part):
            labelled.add(events, labels)
            mine = of_version(events, self.version)
            yield block_of(mine, labels, self.source.model, first)
            first += mine.num_rows


def spread(
    spark: Spark,
    lake: Lake,
    baseline: ProfileFile,
    labelled: Labelled,
    windows: TimeWindows,
    spans: Iterable[tuple[int, int]],
    version: str | None = None,
) -> Profiles:
    """The profiles of some spans' events and labels, the same to the last integer as `engines.scan` gives here.

    What is counted of labels is added to `labelled`. `version`: whose events alone are profiled.
    Raises `NoSpark`, `SparkFailed`.
    """
    model, found = lake.model, shards(lake, spans)
    edges = baseline.profiles.edges.declared(model)
    own = replace(baseline, profiles=replace(baseline.profiles, edges=edges))
    sizes = [shard.events.rows for shard in found]
    parts = [scan(edges, model, (), windows, model.segments, kernels=Kernels())]
    for profiles, counted in spark.map(Count(source_of(lake), edges, windows, version), found, sizes):
        parts.append(unpacked(profiles, "what Spark counted", own).profiles)
        labelled.merge(counted)
    return merge(parts)
