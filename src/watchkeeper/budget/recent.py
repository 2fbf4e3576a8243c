"""Recent: what the windows just before say of each new one, which it must differ from too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget import variation
from watchkeeper.budget.key import Key, key_of, teacher
from watchkeeper.budget.limit import FEW
from watchkeeper.budget.season import phases_of
from watchkeeper.checks import Check, Measurement
from watchkeeper.checks.run import measured, weighed
from watchkeeper.model import Role
from watchkeeper.profiles import Baseline, Profiles, merge
from watchkeeper.profiles.chosen import before, before_alike
from watchkeeper.stats.law import SeriesLaw

Floats = NDArray[np.float64]
Alarmed = Callable[[Measurement], NDArray[np.bool_]]
"""Which slices of a measurement are in alarm."""


RECENT = 28
"""The windows before one that it must differ from too."""
RECENT_ALIKE = 8
"""Where a season shows, the windows of the same phase instead."""
HOLD = 14
"""So many windows in a row may be in alarm before later ones are compared with them."""
ROUNDS = 20


class Recent:
    """New windows beside those just before them, of which the first are the baseline's last."""

    def __init__(
        self,
        past: Profiles,
        now: Profiles,
        whole: Profiles,
        checks: Sequence[Check],
        season: str | None,
        phased: Collection[Key],
    ) -> None:
        """Beside those of the baseline that ended before the new ones, `past`.

        `whole`: all of the baseline as one slice; `phased`: what is held against windows of the same phase alone, of
        which `season` says what it is.
        """
        self._whole, self._checks, self._season, self._phased = whole, checks, season, phased
        past = self._latest(past)
        self._both, self._past, self._now = merge([past, now]), len(past.slices), len(now.slices)
        self._shapes: dict[bool, dict[Key, Measurement]] = {}

    def beside(self, measurements: Sequence[Measurement], alarmed: Alarmed) -> list[Measurement]:
        """The measurements, with what the windows just before say of each.

        Windows in alarm are left out of what later ones are compared with, for `HOLD` windows in a row: by then what
        they show is how things are. That changes which later windows are in alarm, so it is done again until it stays.
        """
        found = self._held(measurements, self._both, {})
        out: dict[str, tuple[int, ...]] = {}
        for _ in range(ROUNDS):
            firsts = {name: _first_of_each_run(at, HOLD) for name, at in in_alarm(found, alarmed).items()}
            before_this, out = out, {name: tuple(self._past + i for i in at) for name, at in firsts.items()}
            changed = {name for name in {*out, *before_this} if out.get(name) != before_this.get(name)}
            if not changed:
                break
            found = self._held(found, columns_of(self._both, sorted(changed)), out)
        return found

    def _latest(self, past: Profiles) -> Profiles:
        """The last windows, and the last of each phase: what new ones are held against, and what these were."""
        kept = np.arange(len(past.slices)) >= len(past.slices) - 2 * RECENT
        phases = phases_of(past.slices, self._season) if self._phased else None
        for phase in () if phases is None else np.unique(phases):
            kept[np.flatnonzero(phases == phase)[-2 * RECENT_ALIKE :]] = True
        wanted = {past.slices[i] for i in np.flatnonzero(kept).tolist()}
        return past.regrouped(lambda at: at if at in wanted else None)

    def _held(
        self, measurements: Sequence[Measurement], both: Profiles, out: dict[str, tuple[int, ...]]
    ) -> list[Measurement]:
        """The measurements; those of the columns of `both` are held against the windows just before, but for `out`."""
        found: dict[Key, Measurement] = {}
        phases = phases_of(both.slices, self._season) if self._phased else None
        for phase in [None] if phases is None else [None, phases]:
            most = RECENT if phase is None else RECENT_ALIKE
            chosen = before(len(both.slices), most) if phase is None else before_alike(phase, most)
            left_out = {name: at for name, at in out.items() if name in both.columns}
            reference = Baseline(both, "time", chosen, left_out, self._whole)
            made = {key_of(m): m for m in measured(both, reference, self._checks) if m.law is not None}
            shapes = self._shapes.setdefault(phase is not None, {})
            shapes |= {key: m for key, m in made.items() if m.metric == "shape"}
            usual = variation.usual([*shapes.values()], [_kept(m, out) for m in shapes.values()], most, phase)
            for key, m in made.items():
                if (key in self._phased) != (phase is not None):
                    continue
                kept = _kept(m, out)
                like = made.get(teacher(key), m)
                natural = variation.trailing(like, usual if like.metric == "shape" else None, most, kept, phase)
                few = chosen.total(kept.astype(np.int64)) < FEW
                found[key] = _last(weighed(replace(m, few=few | np.asarray(m.few)), natural), self._now)
        for m in measurements:
            if isinstance(m.law, SeriesLaw) and m.recent is None and len(m.law.past) >= FEW:
                chosen = before(len(m.law.past) + len(m.value), RECENT)
                found[key_of(m)] = replace(m, evidence=m.law.recent(chosen.total), band=None, law=None)
        return [replace(m, recent=found[key_of(m)]) if key_of(m) in found else m for m in measurements]


def in_alarm(measurements: Sequence[Measurement], alarmed: Alarmed) -> dict[str, list[int]]:
    """By column, the slices that are in alarm."""
    by_column: dict[str, NDArray[np.bool_]] = {}
    for m in measurements:
        if len(m.columns) == 1 and m.recent is not None:
            name = m.columns[0]
            by_column[name] = by_column.get(name, np.zeros(len(m.slices), dtype=bool)) | alarmed(m)
    return {name: np.flatnonzero(at).tolist() for name, at in by_column.items() if at.any()}


def columns_of(profiles: Profiles, names: Iterable[str]) -> Profiles:
    """Some columns alone, with the event time, whose age others' is counted from."""
    times = (name for name, role in profiles.edges.roles.items() if role is Role.TIMESTAMP)
    columns = {name: profiles.columns[name] for name in dict.fromkeys([*names, *times]) if name in profiles.columns}
    return replace(profiles, columns=columns, pairs=None, quality=None, texts={}, sample=None, fourier=None)


def _first_of_each_run(places: Sequence[int], most: int) -> list[int]:
    """Of each run of consecutive places the first `most`."""
    kept: list[int] = []
    run = 0
    for i, place in enumerate(places):
        run = run + 1 if i and place == places[i - 1] + 1 else 1
        if run <= most:
            kept.append(place)
    return kept


def _kept(m: Measurement, out: dict[str, tuple[int, ...]]) -> NDArray[np.bool_]:
    """Which windows count: not those in which one of its columns is left out."""
    kept = np.ones(len(m.slices), dtype=bool)
    kept[[i for name in m.columns for i in out.get(name, ())]] = False
    return kept


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
