"""One group of slices, everything or a segment or a version: what its baseline's windows say of new ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget import variation
from watchkeeper.budget.budget import Budget
from watchkeeper.budget.key import Key, key_of, teacher
from watchkeeper.budget.limit import FEW
from watchkeeper.budget.recent import Alarmed, Recent, columns_of, in_alarm
from watchkeeper.budget.season import Season, season_of
from watchkeeper.budget.sequential import lasting
from watchkeeper.checks import Check, Measurement, Series
from watchkeeper.checks.run import measured, weighed
from watchkeeper.profiles import Baseline, Profiles, Slice
from watchkeeper.profiles.chosen import alike, alike_apart, apart
from watchkeeper.stats.law import SeriesLaw, Variation

Floats = NDArray[np.float64]

SPOILED = 10
"""At most one in so many baseline windows of a column is left out as an outlier."""
HELPS, SEASONAL = 0.8, 1.2
"""A season is reckoned with where the variation among windows alike is less than `HELPS` of that among all, and that is
more than `SEASONAL` times what chance makes."""


class Group:
    """A group's measurements, and its part of the baseline."""

    def __init__(
        self, now: Profiles, baseline: Baseline, checks: Sequence[Check], budget: Budget, plain: Sequence[Measurement]
    ) -> None:
        self._now, self._baseline, self._checks, self._budget = now, baseline, checks, budget
        self._windows, self._season = baseline.profiles, season_of(now, baseline, budget)
        self._left_out: dict[Key, Measurement] = {}
        found, own = {key_of(m): m for m in plain}, self._own(baseline, None)
        self.spoiled = self._outliers(own)
        if self.spoiled:
            found, own = self._cleaned(found, own)
        by_phase = {} if self._season is None else self._seasonal(self._season, own)
        self._phased = set(by_phase)
        found_out = self._season is not None and not self._season.declared
        self.seasonal = {name for _, _, columns in by_phase for name in columns} if found_out else set()
        among_all = self._on_holidays(found, own)
        found |= {key: m for key, (m, _) in by_phase.items()}
        own |= {key: mine for key, (_, mine) in by_phase.items()}
        usual = _usual(own)
        self.measurements = [self._varying(key, m, own, usual) for key, m in found.items()]
        if self._season is not None and among_all:
            holiday = self._season.holiday
            self.measurements = [
                _either(m, among_all[key_of(m)], holiday) if key_of(m) in among_all else m for m in self.measurements
            ]

    def _cleaned(
        self, found: dict[Key, Measurement], own: dict[Key, Measurement]
    ) -> tuple[dict[Key, Measurement], dict[Key, Measurement]]:
        """Both with the spoiled windows left out of their columns' baseline."""
        self._baseline = replace(self._baseline, spoiled=self.spoiled)
        reference = _only(self._baseline, self.spoiled)
        again = {key_of(m): m for m in measured(columns_of(self._now, self.spoiled), reference, self._checks)}
        return found | again, own | self._own(reference, None)

    def _on_holidays(self, found: dict[Key, Measurement], own: dict[Key, Measurement]) -> dict[Key, Measurement]:
        """What is compared by phase, compared with all windows instead, where there are holidays."""
        if self._season is None or not self._season.holiday.any():
            return {}
        usual = _usual(own)
        return {key: weighed(found[key], _learned(key, own[key], own, usual)[0]) for key in self._phased if key in own}

    def _varying(self, key: Key, m: Measurement, own: dict[Key, Measurement], usual: dict[str, float]) -> Measurement:
        """The measurement by its natural variation; what the baseline's windows show is kept beside it."""
        if isinstance(m.law, SeriesLaw):
            return weighed(m, Variation(np.ones(1), np.full(1, len(m.law.past)), np.zeros(1)))
        mine = own.get(key)
        if mine is None or m.law is None:
            return m
        natural, without = _learned(key, mine, own, usual)
        self._left_out[key] = weighed(mine, without)
        return weighed(m, natural)

    @property
    def maxima(self) -> dict[Slice, float]:
        """The largest evidence of each baseline window against the others."""
        windows = self._windows.slices
        evidence = [self._without_spoiled(key, m.evidence) for key, m in self._left_out.items()]
        series = [m.law.left_out for m in self.measurements if isinstance(m.law, SeriesLaw)]
        evidence += [nats for nats in series if len(nats) == len(windows)]
        if not evidence:
            return {}
        largest = np.max(np.nan_to_num(np.array(evidence), nan=0.0), axis=0)
        return {at.whole: most for at, most in zip(windows, largest.tolist(), strict=True)}

    @property
    def spoiled_slices(self) -> dict[str, tuple[Slice, ...]]:
        """The windows that were left out."""
        return {name: tuple(self._windows.slices[i] for i in at) for name, at in self.spoiled.items()}

    def _own(self, baseline: Baseline, phase: NDArray[np.int64] | None) -> dict[Key, Measurement]:
        """The baseline's windows, each against others."""
        windows = len(baseline.profiles.slices)
        chosen = apart(windows) if phase is None else alike_apart(phase)
        made = measured(baseline.profiles, replace(baseline, chosen=chosen), self._checks)
        return {key_of(m): m for m in made if m.law is not None}

    def _outliers(self, own: dict[Key, Measurement]) -> dict[str, tuple[int, ...]]:
        """Windows of a column that would alarm among the others, the worst first, at most one in ten."""
        most = len(self._windows.slices) // SPOILED
        if not most:
            return {}
        usual = _usual(own)
        judged = sum(1 for m in own.values() if m.evidence is not None)
        limit = math.log(max(1, judged) / self._budget.alarm)
        loudest: dict[str, Floats] = {}
        for key, m in own.items():
            if len(m.columns) != 1:
                continue
            _, without = _learned(key, m, own, usual)
            nats = np.nan_to_num(np.asarray(weighed(m, without).evidence))
            name = m.columns[0]
            loudest[name] = np.maximum(loudest.get(name, np.zeros(len(nats))), nats)
        worst = {name: np.argsort(-nats)[:most] for name, nats in loudest.items()}
        found = {name: tuple(sorted(i for i in at.tolist() if loudest[name][i] > limit)) for name, at in worst.items()}
        return {name: at for name, at in found.items() if at}

    def _seasonal(self, season: Season, own: dict[Key, Measurement]) -> dict[Key, tuple[Measurement, Measurement]]:
        """Measurements that vary less among windows alike: now, and in the baseline's windows."""
        mine = self._own(self._baseline, season.past)
        helped = set()
        for key, m in mine.items():
            every = variation.mean_spread(own[key]) if key in own else 1.0
            if season.declared or (every > SEASONAL and variation.mean_spread(m) < HELPS * every):
                helped.add(key)
        if not helped:
            return {}
        now = measured(self._now, replace(self._baseline, chosen=alike(season.past, season.now)), self._checks)
        return {key_of(m): (m, mine[key_of(m)]) for m in now if key_of(m) in helped}

    def in_time(self, alarmed: Alarmed) -> list[Measurement]:
        """The measurements, with what windows say that follow the baseline's in time.

        Each is held against those just before it. And what windows show that are in no alarm is added up.
        """
        past = _ended(self._windows, self._now)
        if past is None:
            return self.measurements
        recent = Recent(past, self._now, self._baseline.whole, self._checks, self._budget.season, self._phased)
        found = recent.beside(self.measurements, alarmed)
        told = in_alarm(found, alarmed)
        quiet = [
            replace(m, evidence=_without(m.evidence, [i for name in m.columns for i in told.get(name, ())]))
            for m in found
        ]
        summed = _together(quiet, [self._past(m) for m in found], len(self._windows.slices))
        return [
            replace(m, lasting=s.lasting, series=self._series(m, past.slices))
            for m, s in zip(found, summed, strict=True)
        ]

    def _series(self, m: Measurement, ended: tuple[Slice, ...]) -> Series | None:
        """The measurement's windows after those of the baseline that `ended` before them."""
        windows = len(self._windows.slices)
        if isinstance(m.law, SeriesLaw):
            before, now = m.law.past, m.law.y
        elif (mine := self._left_out.get(key_of(m))) is not None:
            before, now = self._without_spoiled(key_of(m), mine.value), m.value
        else:
            return None
        return Series(ended + m.slices, np.append(before[: len(ended)], now)) if len(before) == windows else None

    def _past(self, m: Measurement) -> Floats:
        """The evidence of the baseline's windows, each against others."""
        if isinstance(m.law, SeriesLaw) and len(m.law.past) == len(self._windows.slices):
            return m.law.left_out
        mine = self._left_out.get(key_of(m))
        return self._without_spoiled(key_of(m), None if mine is None else mine.evidence)

    def _without_spoiled(self, key: Key, evidence: Floats | None) -> Floats:
        if evidence is None:
            return np.full(len(self._windows.slices), np.nan)
        return np.asarray(_without(evidence, [i for name in key[2] for i in self.spoiled.get(name, ())]))


def _either(m: Measurement, other: Measurement, where: NDArray[np.bool_]) -> Measurement:
    """A measurement that in some slices is compared as the other one, of the same values, is."""

    def mixed(mine: Floats | None, others: Floats | None) -> Floats | None:
        return None if mine is None or others is None else np.where(where, others, mine)

    def band(nats: Floats) -> tuple[Floats, Floats]:
        ends, others = (
            (np.full(len(where), -np.inf), np.full(len(where), np.inf)) if of.band is None else of.band(nats)
            for of in (m, other)
        )
        return np.where(where, others[0], ends[0]), np.where(where, others[1], ends[1])

    return replace(
        m,
        value=np.where(where, other.value, m.value),
        effect=mixed(m.effect, other.effect),
        evidence=mixed(m.evidence, other.evidence),
        reference=mixed(m.reference, other.reference),
        band=band,
    )


def _without(evidence: Floats | None, at: Sequence[int]) -> Floats | None:
    """Evidence without that of some slices."""
    if evidence is None or not at:
        return evidence
    kept = evidence.copy()
    kept[list(at)] = np.nan
    return kept


def _together(measurements: Sequence[Measurement], past: Sequence[Floats], windows: int) -> list[Measurement]:
    """Measurements with what the windows up to each one say together; `past`: evidence of the baseline's windows."""
    rows = [i for i, m in enumerate(measurements) if m.evidence is not None and len(past[i]) == windows]
    if not rows:
        return list(measurements)
    found = lasting(np.array([np.append(past[i], np.asarray(measurements[i].evidence)) for i in rows]), windows)
    place = {i: j for j, i in enumerate(rows)}
    return [replace(m, lasting=found[place[i], windows:]) if i in place else m for i, m in enumerate(measurements)]


def _learned(
    key: Key, mine: Measurement, own: dict[Key, Measurement], usual: dict[str, float]
) -> tuple[Variation, Variation]:
    """The natural variation of a measurement, for new windows and for the baseline's."""
    like = own.get(teacher(key), mine)
    return variation.learned(like, usual.get(like.metric))


def _usual(measurements: dict[Key, Measurement]) -> dict[str, float]:
    """The median spread of `shape` over all columns, which its columns borrow from."""
    shapes = [variation.mean_spread(m) for m in measurements.values() if m.metric == "shape"]
    return {"shape": max(1.0, float(np.median(shapes)))} if shapes else {}


def _only(baseline: Baseline, names: Iterable[str]) -> Baseline:
    return replace(baseline, profiles=columns_of(baseline.profiles, names))


def _ended(past: Profiles, now: Profiles) -> Profiles | None:
    """The baseline's windows that ended before the new ones begin; None where they don't follow one another in time.

    The last one may go on in the data under test.
    """
    starts = [at.start for at in now.slices if at.start is not None]
    ends = [at.end for at in past.slices if at.end is not None]
    if len(starts) < len(now.slices) or len(ends) < len(past.slices):
        return None
    first = min(starts)
    if sum(end > first for end in ends) > 1:
        return None
    ended = past.regrouped(lambda at: at if at.end is not None and at.end <= first else None)
    return ended if len(ended.slices) >= FEW else None
