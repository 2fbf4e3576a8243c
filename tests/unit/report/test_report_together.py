"""Findings about all columns together: told once, and with the column that explains them where there is one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

import checked
from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import Measurement
from watchkeeper.report import to_html
from watchkeeper.report.answer import answer
from watchkeeper.report.figure import figures
from watchkeeper.report.strip import strip
from watchkeeper.report.timeline import Timeline


@cache
def weeks():
    """Half a year week by week in which nothing happens."""
    table, before = checked.halves("2011-01-03", "2011-07-04")
    return replace(checked.check(table, before, by="week"), findings=[])


def windows(result):
    return [at.window_label for at in result.profiles.slices]


def joint(window, columns, metric="mmd", **more):
    told = {"message": f"The rows as a whole are others: `{columns[0]}`.", "remedy": "Look.", "value": 0.3} | more
    return Finding(
        kind="change", check=metric, metric=metric, columns=columns, severity=Severity.ALARM, window=window, **told
    )


def shape(window, column):
    return replace(joint(window, (column,)), check="shape", metric="shape", message=f"`{column}` changed.")


def told(*findings):
    result = weeks()
    return replace(result, findings=[make(windows(result)) for make in findings])


def test_windows_that_blame_different_columns_are_one_cause():
    result = told(
        lambda at: joint(at[3], ("temp", "hum")),
        lambda at: joint(at[4], ("cnt",)),
        lambda at: joint(at[5], ("hum", "windspeed", "cnt")),
    )
    found = answer(result)
    assert len(found.groups) == 1
    assert found.headline == "The joint distribution changed."
    assert found.groups[0].sentence == "The rows as a whole are others: `temp`."
    assert found.groups[0].when.startswith("In 3 of")


def test_a_column_that_changed_by_itself_explains_what_is_seen_of_all_in_its_window():
    result = told(lambda at: shape(at[3], "hum"), lambda at: joint(at[3], ("temp", "hum")))
    found = answer(result)
    assert [group.columns for group in found.groups] == [("hum",)]
    assert found.groups[0].also == ""
    assert "`temp`" in found.fine
    assert [row.name for row in strip(Timeline(result)).loud] == ["hum"]


def test_in_another_window_it_explains_nothing():
    found = answer(told(lambda at: shape(at[3], "hum"), lambda at: joint(at[4], ("temp", "hum"))))
    assert len(found.groups) == 2


def test_a_page_draws_what_stands_under_no_column():
    result = weeks()
    measured = next(m for m in result.measurements if m.metric == "mmd")
    assert measured.columns == ()
    finding = joint(windows(result)[2], ("temp", "hum"), value=float(measured.value[2]), expected=(None, 0.1))
    result = replace(result, findings=[finding])
    timeline = Timeline(result)
    drawn = figures(answer(result).groups[0], timeline, 4)
    assert [figure.title.split(":")[0] for figure in drawn] == ["Maximum mean discrepancy"]
    assert "Maximum mean discrepancy" in to_html(result)


def test_thousands_of_columns_in_one_measurement_take_no_room_on_a_page():
    rng = np.random.default_rng(0)
    result = weeks()
    slices = result.measurements[0].slices
    wide = Measurement(
        metric="series_error", columns=(), value=rng.random(len(slices)), rows=np.full(len(slices), 10),
        evidence=np.zeros(len(slices)), check="series_error", slices=slices, blame=lambda i: ("temp",),
    )  # fmt: skip
    before = len(to_html(result))
    assert len(to_html(replace(result, measurements=[*result.measurements, wide]))) < before + 2_000


def test_a_column_that_says_what_happened_is_told_before_the_louder_sign_of_all_columns_that_it_explains():
    result = told(lambda at: joint(at[3], ("temp", "hum")), lambda at: shape(at[3], "hum"))
    assert [finding.metric for finding in result.findings] == ["mmd", "shape"]
    found = answer(result)
    assert found.headline == "`hum` changed."
    assert found.groups[0].sentence == "`hum` changed."


def test_an_alarm_about_all_columns_stays_before_the_warning_that_explains_it():
    quiet = replace(shape(windows(weeks())[3], "hum"), severity=Severity.WARNING)
    found = answer(told(lambda at: joint(at[3], ("temp", "hum")), lambda at: quiet))
    assert found.groups[0].worst.metric == "mmd"
