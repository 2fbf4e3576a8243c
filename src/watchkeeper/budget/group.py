"""One group of slices, everything or a segment or a version: what its baseline's windows say of new ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget import variation
from watchkeeper.budget.budget import Budget
from watchkeeper.budget.limit import FEW
from watchkeeper.budget.season import Season, phases_of, season_of
from watchkeeper.budget.sequential import lasting
from watchkeeper.checks import Check, Measurement, Series
from watchkeeper.checks.run import measured, weighed
from watchkeeper.model import Role
from watchkeeper.profiles import Baseline, Profiles, Slice, merge
from watchkeeper.profiles.chosen import alike, alike_apart, apart, before, before_alike
from watchkeeper.stats.law import SeriesLaw, Variation

Floats = NDArray[np.float64]
Key = tuple[str, str, tuple[str, ...]]
Alarmed = Callable[[Measurement], NDArray[np.bool_]]
"""Which slices of a measurement are in alarm."""

RECENT = 28
"""The windows before one that it must differ from too."""
RECENT_ALIKE = 8
"""Where a season shows, the windows of the same phase instead."""
HOLD = 14
"""So many windows in a row may be in alarm before later ones are compared with them."""
ROUNDS = 20
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
        self._recent_shapes: dict[bool, dict[Key, Measurement]] = {}
        self._left_out: dict[Key, Measurement] = {}
        found, own = {_key(m): m for m in plain}, self._own(baseline, None)
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
                _either(m, among_all[_key(m)], holiday) if _key(m) in among_all else m for m in self.measurements
            ]

    def _cleaned(
        self, found: dict[Key, Measurement], own: dict[Key, Measurement]
    ) -> tuple[dict[Key, Measurement], dict[Key, Measurement]]:
        """Both with the spoiled windows left out of their columns' baseline."""
        self._baseline = replace(self._baseline, spoiled=self.spoiled)
        reference = _only(self._baseline, self.spoiled)
        again = {_key(m): m for m in measured(_columns(self._now, self.spoiled), reference, self._checks)}
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
        return {_key(m): m for m in made if m.law is not None}

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
        return {_key(m): (m, mine[_key(m)]) for m in now if _key(m) in helped}

    def in_time(self, alarmed: Alarmed) -> list[Measurement]:
        """The measurements, with what windows say that follow the baseline's in time.

        Each is held against those just before it. And what windows show that are in no alarm is added up.
        """
        past = _ended(self._windows, self._now)
        if past is None:
            return self.measurements
        found = self._beside_recent(past, alarmed)
        told = self._in_alarm(found, alarmed)
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
        elif (mine := self._left_out.get(_key(m))) is not None:
            before, now = self._without_spoiled(_key(m), mine.value), m.value
        else:
            return None
        return Series(ended + m.slices, np.append(before[: len(ended)], now)) if len(before) == windows else None

    def _past(self, m: Measurement) -> Floats:
        """The evidence of the baseline's windows, each against others."""
        if isinstance(m.law, SeriesLaw) and len(m.law.past) == len(self._windows.slices):
            return m.law.left_out
        mine = self._left_out.get(_key(m))
        return self._without_spoiled(_key(m), None if mine is None else mine.evidence)

    def _beside_recent(self, past: Profiles, alarmed: Alarmed) -> list[Measurement]:
        """The measurements, with what the windows just before say of each; `past`: the baseline's.

        Of these the last are enough: those that new windows are held against, and those that they were held against.

        Windows in alarm are left out of what later ones are compared with, for `HOLD` windows in a row: by then what
        they show is how things are. That changes which later windows are in alarm, so it is done again until it stays.
        """
        past = self._latest(past)
        both, W = merge([past, self._now]), len(past.slices)
        found = self._with_recent(self.measurements, both, W, {})
        out: dict[str, tuple[int, ...]] = {}
        for _ in range(ROUNDS):
            firsts = {name: _first_of_each_run(at, HOLD) for name, at in self._in_alarm(found, alarmed).items()}
            before_this, out = out, {name: tuple(W + i for i in at) for name, at in firsts.items()}
            changed = {name for name in {*out, *before_this} if out.get(name) != before_this.get(name)}
            if not changed:
                break
            found = self._with_recent(found, _columns(both, sorted(changed)), W, out)
        return found

    def _latest(self, past: Profiles) -> Profiles:
        """The last windows, and the last of each phase: twice as many as one is held against."""
        kept = np.arange(len(past.slices)) >= len(past.slices) - 2 * RECENT
        phases = phases_of(past.slices, self._budget.season) if self._phased else None
        for phase in () if phases is None else np.unique(phases):
            kept[np.flatnonzero(phases == phase)[-2 * RECENT_ALIKE :]] = True
        wanted = {past.slices[i] for i in np.flatnonzero(kept).tolist()}
        return past.regrouped(lambda at: at if at in wanted else None)

    def _with_recent(
        self, measurements: Sequence[Measurement], both: Profiles, W: int, out: dict[str, tuple[int, ...]]
    ) -> list[Measurement]:
        """The measurements; those of the columns of `both` are held against the windows just before, but for `out`.

        `both`: the `W` windows of the baseline, and the new ones.
        """
        found: dict[Key, Measurement] = {}
        phases = None if self._season is None or not self._phased else phases_of(both.slices, self._budget.season)
        for phase in [None] if phases is None else [None, phases]:
            most = RECENT if phase is None else RECENT_ALIKE
            chosen = before(len(both.slices), most) if phase is None else before_alike(phase, most)
            left_out = {name: at for name, at in out.items() if name in both.columns}
            reference = Baseline(both, "time", chosen, left_out, self._baseline.whole)
            made = {_key(m): m for m in measured(both, reference, self._checks) if m.law is not None}
            shapes = self._recent_shapes.setdefault(phase is not None, {})
            shapes |= {key: m for key, m in made.items() if m.metric == "shape"}
            usual = variation.usual([*shapes.values()], [_kept(m, out) for m in shapes.values()], most, phase)
            for key, m in made.items():
                if (key in self._phased) != (phase is not None):
                    continue
                kept = _kept(m, out)
                like = made.get(_teacher(key), m)
                natural = variation.trailing(like, usual if like.metric == "shape" else None, most, kept, phase)
                few = chosen.total(kept.astype(np.int64)) < FEW
                found[key] = _last(weighed(replace(m, few=few | np.asarray(m.few)), natural), len(self._now.slices))
        for m in measurements:
            if isinstance(m.law, SeriesLaw) and m.recent is None and len(m.law.past) >= FEW:
                chosen = before(len(m.law.past) + len(m.value), RECENT)
                found[_key(m)] = replace(m, evidence=m.law.recent(chosen.total), band=None, law=None)
        return [replace(m, recent=found[_key(m)]) if _key(m) in found else m for m in measurements]

    def _in_alarm(self, measurements: Sequence[Measurement], alarmed: Alarmed) -> dict[str, list[int]]:
        """By column, the slices that are in alarm."""
        by_column: dict[str, NDArray[np.bool_]] = {}
        for m in measurements:
            if len(m.columns) == 1 and m.recent is not None:
                name = m.columns[0]
                by_column[name] = by_column.get(name, np.zeros(len(m.slices), dtype=bool)) | alarmed(m)
        return {name: np.flatnonzero(at).tolist() for name, at in by_column.items() if at.any()}

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


def _first_of_each_run(places: Sequence[int], most: int) -> list[int]:
    """Of each run of consecutive places the first `most`."""
    kept: list[int] = []
    run = 0
    for i, place in enumerate(places):
        run = run + 1 if i and place == places[i - 1] + 1 else 1
        if run <= most:
            kept.append(place)
    return kept


def _together(measurements: Sequence[Measurement], past: Sequence[Floats], windows: int) -> list[Measurement]:
    """Measurements with what the windows up to each one say together; `past`: evidence of the baseline's windows."""
    rows = [i for i, m in enumerate(measurements) if m.evidence is not None and len(past[i]) == windows]
    if not rows:
        return list(measurements)
    found = lasting(np.array([np.append(past[i], np.asarray(measurements[i].evidence)) for i in rows]), windows)
    place = {i: j for j, i in enumerate(rows)}
    return [replace(m, lasting=found[place[i], windows:]) if i in place else m for i, m in enumerate(measurements)]


def _key(m: Measurement) -> Key:
    return m.check, m.metric, m.columns


def _teacher(key: Key) -> Key:
    """Whose variation a measurement has: a value that rises is a part of its column's shape."""
    return ("shape", "shape", key[2]) if key[1] == "rise" else key


def _learned(
    key: Key, mine: Measurement, own: dict[Key, Measurement], usual: dict[str, float]
) -> tuple[Variation, Variation]:
    """The natural variation of a measurement, for new windows and for the baseline's."""
    teacher = own.get(_teacher(key), mine)
    return variation.learned(teacher, usual.get(teacher.metric))


def _usual(measurements: dict[Key, Measurement]) -> dict[str, float]:
    """The median spread of `shape` over all columns, which its columns borrow from."""
    shapes = [variation.mean_spread(m) for m in measurements.values() if m.metric == "shape"]
    return {"shape": max(1.0, float(np.median(shapes)))} if shapes else {}


def _kept(m: Measurement, out: dict[str, tuple[int, ...]]) -> NDArray[np.bool_]:
    """Which windows count: not those in which one of its columns is left out."""
    kept = np.ones(len(m.slices), dtype=bool)
    kept[[i for name in m.columns for i in out.get(name, ())]] = False
    return kept


def _columns(profiles: Profiles, names: Iterable[str]) -> Profiles:
    """Some columns alone, with the event time, whose age others' is counted from."""
    times = (name for name, role in profiles.edges.roles.items() if role is Role.TIMESTAMP)
    columns = {name: profiles.columns[name] for name in dict.fromkeys([*names, *times]) if name in profiles.columns}
    return replace(profiles, columns=columns, pairs=None, quality=None, texts={}, sample=None, fourier=None)


def _only(baseline: Baseline, names: Iterable[str]) -> Baseline:
    return replace(baseline, profiles=_columns(baseline.profiles, names))


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


def _last(m: Measurement, slices: int) -> Measurement:
    """The last slices of a measurement, without its functions but the band."""
    evidence, band = m.evidence, m.band

    def of_last(nats: Floats) -> tuple[Floats, Floats]:
        if band is None:
            return np.full(slices, -np.inf), np.full(slices, np.inf)
        low, high = band(np.concatenate([np.full(len(m.value) - slices, np.inf), nats]))
        return low[-slices:], high[-slices:]

    return Measurement(
        metric=m.metric,
        columns=m.columns,
        value=m.value[-slices:],
        rows=m.rows[-slices:],
        evidence=None if evidence is None else evidence[-slices:],
        band=of_last,
        check=m.check,
        slices=m.slices[-slices:],
    )
