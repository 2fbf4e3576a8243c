"""Versioned: events of some versions held against baselines of their own, and all against the common one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from watchkeeper.budget import NEARLY_ALL, Finding, Severity, untaken
from watchkeeper.checks import BUILT_IN, TRAFFIC, available
from watchkeeper.engines import Kernels, Spark
from watchkeeper.lake import Lake
from watchkeeper.model import Model, Role
from watchkeeper.profiles import Profiles, TimeWindows
from watchkeeper.profiles.slice import iso
from watchkeeper.state import Store, deployment
from watchkeeper.state import baseline as baselines
from watchkeeper.state import version as versions
from watchkeeper.state.window import Due
from watchkeeper.watch.add import baseline_of
from watchkeeper.watch.home import Home
from watchkeeper.watch.judged import judge_files
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.newcomer import without_newcomers
from watchkeeper.watch.reference import refer
from watchkeeper.watch.windowed import KEPT, Revision, Span, Watched


@dataclass(frozen=True)
class Watches:
    """A model's events, all held against the common baseline, and those of some versions against their own too."""

    store: Store
    common: Watched
    own: Mapping[str, Watched]
    """By version, those that have a baseline of their own."""
    live: str | None
    """The version that is live, where one was registered and released."""
    unused: frozenset[str]
    """Features that it does not take."""

    def look(self, due: Sequence[Due], now: int) -> tuple[Profiles, list[Finding]]:
        """Profile windows, keep that, and judge them: the profiles of all events, and what is to be told."""
        profiles, told = self._seen(self.common, due, now)
        shares: dict[Span, int] = {}
        for watched in self.own.values():
            served, found = self._seen(watched, due, now)
            told += found
            for span, rows in _rows(served).items():
                shares[span] = shares.get(span, 0) + rows
        every = _rows(profiles)
        settled = {span for span, rows in shares.items() if rows and rows >= NEARLY_ALL * every.get(span, 0)}
        return profiles, [finding for finding in told if not _is_settled(finding, settled)]

    def _seen(self, watched: Watched, due: Sequence[Due], now: int) -> tuple[Profiles, list[Finding]]:
        profiles = watched.profiled([one.span for one in due])
        kept = [watched.packed(one.span, one.seen, profiles) for one in due]
        watched.lake.put_profiles(kept, watched.edges, now, watched.version)
        found = self._judged(watched, profiles, {one.span: (one.seen, now) for one in due})
        loud = [finding for finding in found if finding.severity is not Severity.INFO]
        loud = without_newcomers(self.store, watched.model, [one.span for one in due], loud)
        return profiles, loud if self.live is None else untaken(loud, self.unused, self.live)

    def _judged(self, watched: Watched, profiles: Profiles, revisions: Mapping[Span, Revision]) -> list[Finding]:
        """Judge windows, which were just kept as these `revisions`, beside those before, and as ones that are over.

        The model's budget is shared out: a model with several baselines raises no more false alarms than one with one.
        """
        first, last = min(revisions), max(revisions)
        every = watched.kept(first[0] - KEPT * (first[1] - first[0]), last[1], profiles, revisions)
        after = last[1], int(watched.windows.end_of(np.array([last[1]], dtype=np.int64))[0])
        over = every.onto([*every.slices, *watched.blank(after)])  # a window that others follow is over: so is its end
        checks = None
        if watched.version is None:
            over = _undivided(over, self.own)
        else:  # how traffic is shared out among versions is no fault
            checks = [check for check in available(BUILT_IN) if check.name not in TRAFFIC]
        reference = refer([watched.baseline], watched.model)
        segments, parts = watched.model.segments, 1 + len(self.own)
        found = judge_files([over], reference, watched.windows, None, segments, checks, None, parts).findings
        return [replace(finding, version=watched.version or finding.version) for finding in found]


def watches_of(
    home: Home, model: Model, lake: Lake, windows: TimeWindows, labelled: Labelled, spark: Spark | None
) -> Watches:
    """All that a model is held against now. Raises `NoBaseline`."""
    kernels = Kernels()
    common = Watched(model, lake, baseline_of(home, model, lake), windows, kernels, labelled, spark)
    own = {
        version: replace(
            common,
            baseline=baseline_of(home, model, lake, version),
            labelled=Labelled(model, windows),  # all labels are counted once: with the events of all versions
            version=version,
        )
        for version in baselines.versions(home.store, model.name)
    }
    return Watches(home.store, common, own, *_live(home, model))


def _live(home: Home, model: Model) -> tuple[str | None, frozenset[str]]:
    """The version that is live, and the features that it does not take."""
    rows = deployment.log(home.store, model.name)
    live = versions.get(home.store, model.name, rows[-1].version) if rows else None
    if live is None:
        return None, frozenset()
    features = {name for name, column in model.columns.items() if column.role is Role.FEATURE}
    return live.version, frozenset(features - set(live.detail["inputs"]))


def _undivided(profiles: Profiles, versions: Collection[str]) -> Profiles:
    """The same, with some versions no longer told apart: they are held against their own baselines."""
    return profiles.regrouped(lambda at: replace(at, version=None) if at.version in versions else at)


def _rows(profiles: Profiles) -> dict[Span, int]:
    whole = profiles.by_window
    return {(at.start or 0, at.end or 0): rows for at, rows in zip(whole.slices, whole.rows.tolist(), strict=True)}


def _is_settled(finding: Finding, spans: Collection[Span]) -> bool:
    """Whether versions with baselines of their own make up the window, so that these know better than the common one.

    How many events came, and how early they ended, is known of all versions together alone.
    """
    labels = {f"{iso(start)}/{iso(end)}" for start, end in spans}
    return finding.version is None and finding.check not in TRAFFIC and finding.window in labels
