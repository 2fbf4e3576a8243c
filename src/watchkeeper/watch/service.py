"""Service: whether a model answers as fast, as often and as well as it did in the windows before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from watchkeeper.budget import Budget, Finding, Priority, Severity
from watchkeeper.checks.sentence import between, figure, percent
from watchkeeper.lake import Lake
from watchkeeper.model import KEEP, Model, override_of
from watchkeeper.profiles import Slice, TimeWindows
from watchkeeper.profiles.window import days
from watchkeeper.report.as_json import finding_as_dict
from watchkeeper.state import Store, alarm, window
from watchkeeper.stats import evidence, prediction
from watchkeeper.stats.law import ShareLaw, Variation
from watchkeeper.watch import figure as service_figure
from watchkeeper.watch.figure import METRICS, Figures
from watchkeeper.watch.home import Home
from watchkeeper.watch.windowed import Span

CHECK = "service"
BEFORE, LEAST = 28, 10
"""A window is held against at most so many before it, and at least so many, that have the figure."""
LOOK_BACK = 2 * BEFORE
"""Where an alarm lasts, quiet windows are looked for so far back; after that what lasts is usual."""
_SMALL = 0.01
"""Added to a share of processors before its logarithm, which may be 0."""


@dataclass(frozen=True)
class Usual:
    """What the windows before say of one figure."""

    value: float
    low: float
    """The lowest value within some evidence, and within the floor; likewise the highest."""
    high: float


@dataclass(frozen=True)
class Followed:
    """What the service's figures said of some windows."""

    findings: dict[Span, list[Finding]]
    onsets: int = 0


def follow(
    store: Store, model: Model, lake: Lake, windows: TimeWindows, due: Sequence[window.Due], now: int
) -> Followed:
    """Measure, judge and keep the figures of windows that are due, and note alarms."""
    ordered = sorted(due, key=lambda one: one.span)
    first, last = ordered[0].span, ordered[-1].span
    mine = {one.span for one in ordered}
    length = first[1] - first[0]
    earlier = service_figure.kept(lake, first[0] - LOOK_BACK * length, last[0])
    past = {one.span: one for one in earlier if one.span not in mine}
    budget = Budget.of(model, days(windows))
    found: dict[Span, list[Finding]] = {}
    keeping: list[tuple[Figures, int]] = []
    onsets = 0
    for one, new in zip(ordered, service_figure.measured(lake, [one.span for one in ordered]), strict=True):
        before = [past[span] for span in sorted(past) if first_of(new, LOOK_BACK) <= span[0] < new.span[0]]
        is_silent = (
            not new.rows["throughput"] and not new.values and any(each.values.get("throughput") for each in before)
        )
        at = service_figure.quiet(new) if is_silent else new
        if not at.values:
            continue
        told = judged(at, before, budget)
        found[at.span] = told
        loud = frozenset(one.metric for one in told if one.severity is Severity.ALARM)
        past[at.span] = replace(at, loud=loud)
        keeping.append((past[at.span], one.seen))
        onsets += _alarms(store, model, at, told, now)
    service_figure.keep(lake, keeping, now)
    return Followed(found, onsets)


def figures(home: Home, model: Model, start: int, end: int) -> list[Figures]:
    """The figures of a model's windows that start in this span, in order of time."""
    return service_figure.kept(home.lake(model), start, end)


def first_of(at: Figures, windows: int) -> int:
    """The start of the span that is looked at before a window."""
    return at.span[0] - windows * (at.span[1] - at.span[0])


def judged(at: Figures, before: Sequence[Figures], budget: Budget) -> list[Finding]:
    """Findings of one window, held against those before it, oldest first, worst first.

    A figure is loud beyond the evidence ln(J/alpha), J figures of the window being judged and alpha the chance that
    the model's budget leaves it, and beyond its floor.
    """
    histories = {metric: _history(metric, before) for metric in METRICS}
    overrides = {metric: override_of(budget.overrides, CHECK, metric) for metric in METRICS}
    able = [m for m in METRICS if m in at.values and len(histories[m]) >= LEAST and not overrides[m].ignores(())]
    to_warn, to_alarm = (math.log(max(1, len(able)) / chance) for chance in (budget.warning, budget.alarm))
    found = []
    for metric in able:
        past, override = histories[metric], overrides[metric]
        nats = _nats(metric, at, past)
        if not nats > to_warn:
            continue
        usual = _usual(metric, at, past, to_warn, override.floor)
        loudest = Severity(override.severity or Severity.ALARM)
        severity = min(Severity.ALARM if nats > to_alarm else Severity.WARNING, loudest, key=list(Severity).index)
        if severity is not Severity.INFO and not usual.low <= at.values[metric] <= usual.high:
            found.append(_finding(metric, at, usual, nats, severity))
    return sorted(found, key=lambda one: (one.severity is not Severity.ALARM, -(one.evidence or 0.0)))


def _history(metric: str, before: Sequence[Figures]) -> list[Figures]:
    """The windows that a figure is held against: the last ones that did not alarm, or simply the last ones."""
    known = [one for one in before if metric in one.values]
    fine = [one for one in known if metric not in one.loud]
    return (fine if len(fine) >= LEAST else known)[-BEFORE:]


def _usual(metric: str, at: Figures, past: Sequence[Figures], nats: float, floor: float | None) -> Usual:
    """The values that are no news at this evidence: what chance and the windows before leave open, and the floor."""
    if metric == "throughput":
        counts = _rows(metric, past)
        low, high = (float(end) / at.seconds for end in np.ravel(prediction.rows_band(counts, nats)))
        usual = (math.exp(float(np.log(counts + 10).mean())) - 10) / at.seconds
        away = usual * (0.5 if floor is None else floor)
        return Usual(usual, max(0.0, min(low, usual - away)), max(high, usual + away))
    if metric == "error_share":
        law, natural = _share_law(at, past)
        low, high = (float(end[0]) for end in law.band(np.array([nats]), natural))
        usual = float(law.K[0] / law.N[0])
        return Usual(usual, 0.0, max(high, usual + (0.01 if floor is None else floor)))
    logs = prediction.Moments.of(_logs(metric, past))
    top = float(prediction.predictive_band(logs, _chance(metric, at), nats, "up")[1][0])
    usual, high = math.exp(float(logs.mean[0])), math.exp(min(top, 700.0))
    if metric == "cpu":
        usual, high = usual - _SMALL, high - _SMALL
        return Usual(usual, 0.0, max(high, usual + (0.25 if floor is None else floor)))
    default = 0.25 if metric == "memory" else 0.5
    return Usual(usual, 0.0, max(high, usual * (1 + (default if floor is None else floor))))


def _nats(metric: str, at: Figures, past: Sequence[Figures]) -> float:
    """The evidence against "nothing changed"."""
    if metric == "throughput":
        return float(prediction.rows(np.array([at.rows[metric]]), _rows(metric, past))[0])
    if metric == "error_share":
        law, natural = _share_law(at, past)
        return float(law.nats(natural)[0])
    now = np.array([math.log(_positive(metric, at.values[metric]))])
    return float(prediction.predictive_t(now, _logs(metric, past), _chance(metric, at), "up")[0])


def _share_law(at: Figures, past: Sequence[Figures]) -> tuple[ShareLaw, Variation]:
    """Failed requests against those of all windows before, and how much these differ by more than chance."""
    n = _rows("error_share", past)
    k = np.round(n * np.array([one.values["error_share"] for one in past]))
    each = ShareLaw(k, n, k.sum() - k, n.sum() - n).spread
    phi = max(1.0, float(np.nanmean(each)))
    now = np.array([float(at.rows["error_share"])])
    law = ShareLaw(np.round(now * at.values["error_share"]), now, k.sum(keepdims=True), n.sum(keepdims=True), "up")
    return law, Variation(np.array([phi]), np.array([float(len(past))]), np.zeros(1))


def _rows(metric: str, past: Sequence[Figures]) -> evidence.Floats:
    return np.array([float(one.rows[metric]) for one in past])


def _logs(metric: str, past: Sequence[Figures]) -> evidence.Floats:
    return np.log([_positive(metric, one.values[metric]) for one in past])


def _positive(metric: str, value: float) -> float:
    return value + _SMALL if metric == "cpu" else max(value, 1e-9)


def _chance(metric: str, at: Figures) -> float:
    """The variance of a logarithm that chance alone brings; of memory and processors what is no news in any case."""
    return at.chance.get(metric, 1e-4)


def _alarms(store: Store, model: Model, at: Figures, told: Iterable[Finding], now: int) -> int:
    """Note what a window said about the service's alarms; how many began to fire."""
    loud = {one.metric: finding_as_dict(one, model) for one in told if one.severity is Severity.ALARM}
    known = {one.key.metric for one in alarm.current(store, model.name) if one.key.check == CHECK}
    by_keep: dict[int, list[alarm.Judged]] = {}
    for metric in sorted(known | set(loud)):
        said = True if metric in loud else False if metric in at.values else None
        keep = override_of(model.checks, CHECK, metric).keep_firing_for
        of = alarm.Judged(alarm.Key(CHECK, metric, ()), said, loud.get(metric, {}))
        by_keep.setdefault(KEEP if keep is None else keep, []).append(of)
    begun = 0
    for keep, said_of in by_keep.items():
        length = at.span[1] - at.span[0]
        changes = alarm.put(store, model.name, at.span, said_of, now, keep_firing_for=keep * length)
        begun += sum(change.onset is not None for change in changes)
    return begun


_REMEDY = {
    "latency": "Look at what the service waits for: its release, its machine, what it calls.",
    "throughput": "Ask whoever calls the model; see whether requests fail before they reach it.",
    "error_share": "Look at the errors of these events: `watchkeeper export MODEL events` has them in `error`.",
    "memory": "Look for what is kept between requests, and at the newest release.",
    "cpu": "Look at the newest release, and at how large requests have become.",
}


def _finding(metric: str, at: Figures, usual: Usual, nats: float, severity: Severity) -> Finding:
    value = at.values[metric]
    is_share = metric == "error_share"
    effect = value - usual.value if metric in ("error_share", "cpu") else value / max(usual.value, 1e-9) - 1
    high = usual.high if math.isfinite(usual.high) else None
    low = usual.low if metric == "throughput" else None
    return Finding(
        kind="change",
        check=CHECK,
        metric=metric,
        columns=(),
        severity=severity,
        message=f"{_says(metric, at)}; {_range(metric, low, high, is_share)} is usual.",
        remedy=_REMEDY[metric.split("_p", maxsplit=1)[0]],
        value=value,
        expected=(low, high),
        effect=effect,
        evidence=nats if math.isfinite(nats) else None,
        rows=at.rows[metric],
        window=Slice(*at.span).window,
        priority=Priority.of(severity),
    )


def _says(metric: str, at: Figures) -> str:
    value, rows = at.values[metric], at.rows[metric]
    match metric:
        case "throughput":
            return f"{figure(value)} predictions a second ({rows:,} in all)"
        case "error_share":
            return f"{percent(value)} of {rows:,} predictions failed"
        case "memory":
            return f"The service's largest process had {figure(value / 1e6)} MB of memory"
        case "cpu":
            return f"A process of the service used {figure(value)} processors on average"
    slow = {"latency_p50": "Half", "latency_p95": "The slowest 5 %", "latency_p99": "The slowest 1 %"}[metric]
    return f"{slow} of {rows:,} predictions took {figure(value)} ms or longer"


def _range(metric: str, low: float | None, high: float | None, is_share: bool) -> str:
    scale = 1e6 if metric == "memory" else 1.0
    return between(low, None if high is None else high / scale, shares=is_share)
