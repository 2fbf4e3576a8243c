"""Results for the tests of reports: real rows through the real checks and the judge, without a file being read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchkeeper.budget import Budget, Finding, History, Severity, judge, thresholds
from watchkeeper.checks import BUILT_IN, run
from watchkeeper.delivery import BadRow
from watchkeeper.model import Column, Model, Role, Type
from watchkeeper.profiles import Baseline, OneWindow, Slice, event_times, fit, parse, profile
from watchkeeper.profiles.segment import split
from watchkeeper.profiles.window import days, filled
from watchkeeper.report import Result, Verdict

BIKES = Path(__file__).parent / "data" / "bike_sharing.parquet"
MODEL = Model(
    name="bikes",
    columns={
        "ts": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        "weathersit": Column(type=Type.INTEGER, categorical=True),
        "temp": Column(type=Type.INTEGER),
        "hum": Column(type=Type.NUMBER),
        "windspeed": Column(type=Type.INTEGER),
        "cnt": Column(type=Type.INTEGER),
    },
)


def bikes(start, end):
    """Hourly rentals and weather from `start` up to `end` (ISO dates), in the types that delivery gives."""
    table = pq.read_table(BIKES)
    types = {Type.INTEGER: pa.int64(), Type.NUMBER: pa.float64(), Type.TIMESTAMP: pa.timestamp("us", tz="UTC")}
    table = pa.table({name: table[name].cast(types[column.type]) for name, column in MODEL.columns.items()})
    ends = [pa.scalar(datetime.fromisoformat(day).replace(tzinfo=UTC), types[Type.TIMESTAMP]) for day in (start, end)]
    return table.filter(pc.and_(pc.greater_equal(table["ts"], ends[0]), pc.less(table["ts"], ends[1])))


def with_column(table, name, values):
    """The table with other values in one column."""
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def check(current, baseline, *, model=MODEL, by="day", baseline_by=None, segment=None, findings=(), name="new.csv"):
    """What `watch.check` does after reading."""
    edges = fit(model, [baseline])

    def cut(table, how):
        windows = parse(how) if how else OneWindow(Slice(label=name))
        at, slices = windows.cut(*event_times(table, model.only(Role.TIMESTAMP)), np.arange(1, len(table) + 1))
        if segment is not None:
            at, slices = split(table, at, slices, segment, None)
        made = profile(edges, table, at, slices)
        return filled(made, windows) if how else made

    before, now = Baseline(cut(baseline, baseline_by or by), "time"), cut(current, by)
    measurements = run(now, before, BUILT_IN)
    windows = len({at.whole for at in before.profiles.slices})
    history = History(windows, {one.name: one for one in BUILT_IN})
    budget = Budget.of(model, days(parse(by)) if by else 1.0)
    limits = thresholds(measurements, history, budget)
    found = sorted(
        [*findings, *judge(measurements, history, budget)],
        key=lambda one: (-list(Severity).index(one.severity), one.kind != "violation", -(one.evidence or 0.0)),
    )
    loud = any(one.severity is not Severity.INFO for one in found)
    return Result(
        verdict=Verdict.ACCEPT_WITH_WARNING if loud and not by else Verdict.ACCEPT,
        rows_read=len(current),
        rows_good=len(current),
        rows_quarantined=0,
        quarantined=[],
        quarantined_truncated=False,
        baseline_windows=windows,
        baseline_source="time",
        findings=found,
        current_name=name,
        baseline_name="train.parquet",
        model=model,
        measurements=measurements,
        profiles=now,
        baseline=before,
        thresholds={at.window_label: warning for at, (warning, _) in limits.items()},
        seconds=1.2,
    )


def halves(start, end):
    """Every second hour of a span, and the hours between, with the weather shuffled so that no week has a season."""
    table = bikes(start, end)
    mixed = table.take(pa.array(np.random.default_rng(0).permutation(len(table))))
    mixed = mixed.set_column(0, "ts", table["ts"])
    even = np.arange(len(table)) % 2 == 0
    return mixed.filter(pa.array(even)), mixed.filter(pa.array(~even))


def broken_sensors():
    """Half a year week by week: humidity is missing from 7 to 20 March, and the wind stands still from 30 May on."""
    table, before = halves("2011-01-03", "2011-07-04")
    day = table["ts"].to_numpy().astype("datetime64[D]").astype(str)
    silent = pa.array((day >= "2011-03-07") & (day < "2011-03-21"))
    stuck = pa.array(day >= "2011-05-30")
    table = with_column(table, "hum", pc.if_else(silent, None, table["hum"]))
    table = with_column(table, "windspeed", pc.if_else(stuck, pa.scalar(15, pa.int64()), table["windspeed"]))
    return check(table, before, by="week")


def one_file():
    """A file of one week: a third of the wind is missing, and two rows are bad."""
    table, before = halves("2011-01-03", "2011-07-04")
    table = table.slice(0, 168)
    windless = np.arange(len(table)) % 3 == 0
    table = with_column(table, "windspeed", pc.if_else(pa.array(windless), None, table["windspeed"]))
    bad = [
        BadRow(12, ("temp",), "`temp` is above 50"),
        BadRow(77, ("ts", "cnt"), "`ts` is no date: “\x1b[31m31-02-2012 <script>alert(1)</script>”"),
    ]
    violation = Finding(
        kind="violation",
        check="constraint",
        metric="constraint",
        columns=("temp",),
        severity=Severity.WARNING,
        message="new.csv: `temp` is above 50 in 1 of 168 rows, such as row 12 (“99”).",
        remedy="Ask the sender to correct these rows.",
        value=1 / 168,
        rows=168,
    )
    result = check(table, before, by=None, baseline_by="week", findings=[violation])
    return replace(
        result, verdict=Verdict.QUARANTINE_ROWS, rows_good=len(table) - 2, rows_quarantined=2, quarantined=bad
    )


def unchanged():
    """A file of one week in which nothing is wrong."""
    table, before = halves("2011-01-03", "2011-07-04")
    return check(table.slice(0, 168), before, by=None, baseline_by="week")


def rejected():
    """A file that could not be read."""
    violation = Finding(
        kind="violation",
        check="delimiter",
        metric="delimiter",
        columns=(),
        severity=Severity.ALARM,
        message="new.csv: the cells are divided by a tab, not by a comma as declared.",
        remedy="Ask the sender for the declared delimiter.",
    )
    return Result(
        verdict=Verdict.REJECT_FILE,
        rows_read=0,
        rows_good=0,
        rows_quarantined=0,
        quarantined=[],
        quarantined_truncated=False,
        baseline_windows=0,
        baseline_source="one",
        findings=[violation],
        current_name="new.csv",
        baseline_name="train.parquet",
        model=MODEL,
    )


def wide(columns, windows, *, shifted=0.25, rows=60, names="feature_{:03d}"):
    """Made-up data: `columns` columns over `windows` days, a share of which shifts by one sd at some day."""
    generator = np.random.default_rng(0)
    names = [names.format(i) for i in range(columns)]
    model = Model(
        name="wide",
        columns={"ts": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP)} | {n: Column(type=Type.NUMBER) for n in names},
    )

    def table(first, count, shift):
        at = np.datetime64(first, "us") + np.repeat(np.arange(count), rows) * np.timedelta64(1, "D")
        made = {"ts": pa.array(at, type=pa.timestamp("us", tz="UTC"))}
        for i, name in enumerate(names):
            values = generator.normal(i, 1, count * rows)
            if shift and i < shifted * columns:
                values[generator.integers(0, count) * rows :] += 1.5
            made[name] = values
        return pa.table(made)

    return check(table("2026-02-01", windows, True), table("2026-01-01", 20, False), model=model)
