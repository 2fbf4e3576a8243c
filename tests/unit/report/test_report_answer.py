"""The answer in sentences: what changed, since when, how bad, gathered by cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

import checked
from watchkeeper.budget import Finding, Severity
from watchkeeper.report import Verdict
from watchkeeper.report.answer import Level, answer


def finding(column, metric="shape", severity=Severity.ALARM, **more):
    columns = column if isinstance(column, tuple) else (column,)
    told = {
        "kind": "change",
        "check": metric,
        "message": f"`{''.join(columns[:1])}` changed.",
        "remedy": "Look at it.",
    } | more
    return Finding(metric=metric, columns=columns, severity=severity, **told)


def with_findings(*findings, **changes):
    return replace(checked.unchanged(), findings=list(findings), **changes)


def test_a_silent_and_a_stuck_sensor_are_told_with_their_weeks():
    told = answer(checked.broken_sensors())
    silent, stuck = told.groups[:2]
    assert silent.sentence.startswith("`hum` is missing in 100 % of 82 rows;")
    assert silent.when == "In 2 of 26 windows, in 7–20 March 2011; the worst is 14–20 March 2011."
    assert stuck.columns == ("windspeed",)
    assert "since 30 May 2011" in stuck.when
    assert stuck.also == "share of the most frequent value"
    assert told.level is Level.ALARM
    assert told.headline.startswith("`hum`")
    assert told.since.startswith("Worst is `hum`, in 7–20 March 2011")
    assert told.fine == "3 columns are as before: `weathersit`, `temp` and `ts`."


def test_nothing_wrong_is_said_in_one_word_and_one_line():
    told = answer(checked.unchanged())
    assert (told.level, told.verdict, told.headline) == (Level.FINE, "accept", "Nothing is wrong.")
    assert told.fine == "All 6 columns are as before."
    assert told.groups == ()


def test_a_hundred_columns_with_the_same_finding_are_one_sentence():
    told = answer(with_findings(*(finding(f"V{i}") for i in range(128))))
    assert len(told.groups) == 1
    assert told.groups[0].sentence == (
        "The distribution changed in 128 columns: `V0`, `V1`, `V2` and 125 more. Worst: `V0` changed."
    )


def test_two_columns_are_told_one_by_one():
    told = answer(with_findings(finding("a"), finding("b")))
    assert [group.sentence for group in told.groups] == ["`a` changed.", "`b` changed."]
    assert told.headline == "`a` and `b` changed."


def test_columns_that_changed_in_other_windows_are_another_cause():
    result = checked.broken_sensors()
    weeks = [at.window for at in result.profiles.slices]

    def told(**windows):
        findings = [finding(column, window=weeks[i]) for column, at in windows.items() for i in at]
        return [set(group.columns) for group in answer(replace(result, findings=findings)).groups]

    assert told(a=[2], b=[2, 3], c=[3], x=[9], y=[9], z=[9, 10]) == [set("abc"), set("xyz")]
    assert told(a=[2], b=[3], c=[2, 3]) == [set("abc")]  # by way of a third
    assert told(a=[2], b=[2], c=[2], x=[9]) == [set("abc"), set("x")]
    assert told(a=[1], b=[2], c=[3], x=[4]) == [set("abcx")]  # one by one they would be a list


def test_the_metrics_of_one_column_are_one_finding():
    told = answer(with_findings(finding("a"), finding("a", "null_share"), finding("a", "spike", Severity.WARNING)))
    assert len(told.groups) == 1
    assert told.groups[0].also == "share of missing values and share of the most frequent value"


def test_pairs_that_no_longer_correlate_follow_the_column_that_changed():
    pairs = [finding(("a", other), "correlation", Severity.WARNING) for other in "bcd"]
    together = answer(with_findings(*pairs)).groups
    assert together[0].sentence.startswith(
        "The correlation changed in 3 pairs of columns. `a` is in all of them. Worst:"
    )
    led = answer(with_findings(finding("a", "spike"), *pairs)).groups
    assert [group.sentence for group in led] == ["`a` changed."]
    assert led[0].also == "rank correlation"


def test_the_worst_comes_first_and_a_note_never_counts():
    told = answer(
        with_findings(
            finding("hum", severity=Severity.WARNING), finding("temp"), finding("cnt", severity=Severity.INFO)
        )
    )
    assert [group.columns for group in told.groups] == [("temp",), ("hum",)]
    assert told.how_bad == "1 alarm and 1 warning in 2 of 6 columns."
    assert [note.columns for note in told.told] == [("cnt",)]


def test_episodes_are_told_from_when_to_when():
    result = checked.broken_sensors()
    weeks = [at.window for at in result.profiles.slices]
    told = answer(replace(result, findings=[finding("temp", window=weeks[i]) for i in (1, 2, 3, 9, 23, 24, 25)]))
    assert told.since == "In 10–30 January 2011, in 7–13 March 2011 and since 13 June 2011."
    assert told.groups[0].when.startswith("In 7 of 26 windows, in 10–30 January 2011, ")
    often = answer(replace(result, findings=[finding("temp", window=weeks[i]) for i in (1, 3, 5, 7)]))
    assert often.since == "First 10 January 2011, last 21 February 2011."
    still = answer(replace(result, findings=[finding("temp", window=weeks[i]) for i in (1, 3, 5, 7, 24, 25)]))
    assert still.since == "First 10 January 2011, and since 20 June 2011 without a break."


def test_the_first_sign_is_named_where_it_came_before_the_worst():
    result = checked.broken_sensors()
    weeks = [at.window for at in result.profiles.slices]
    late, early = finding("hum", "spike", window=weeks[9]), finding("temp", window=weeks[2], severity=Severity.WARNING)
    told = answer(replace(result, findings=[late, early]))
    assert told.since == "Worst is `hum`, in 7–13 March 2011; the first sign is `temp`, 17 January 2011."


def test_a_rejected_file_is_told_by_its_reason_without_its_name():
    told = answer(checked.rejected())
    assert told.headline == "The file can't be used: the cells are divided by a tab, not by a comma as declared."
    assert told.verdict == "reject file"
    assert told.baseline == "Nothing was compared with train.parquet."


def test_bad_rows_and_changes_stand_in_the_headline_together():
    told = answer(checked.one_file())
    assert told.headline.startswith("2 rows of 168 are bad; ")
    assert "`windspeed`" in told.headline


def test_with_windows_an_accepted_file_says_that_it_holds_alarms():
    assert answer(with_findings(finding("a"), verdict=Verdict.ACCEPT)).verdict == "accept, with 1 alarm"


def test_what_a_short_baseline_limits_is_told_with_the_baseline():
    limits = finding(
        (), "history", Severity.INFO, check="history", message="The baseline has 4 windows: limits are provisional."
    )
    told = answer(with_findings(limits))
    assert told.baseline.endswith("limits are provisional.")
    assert told.told == ()


@pytest.mark.parametrize("metric", ["shape", "range_high", "rise", "mean"])
def test_no_value_of_a_personal_column_is_told(metric):
    columns = {**checked.MODEL.columns, "hum": checked.MODEL.columns["hum"].model_copy(update={"pii": True})}
    secret = finding("hum", metric, message='`hum` went up to "4111-1111", its median is 77.')
    told = answer(with_findings(secret, model=checked.MODEL.model_copy(update={"columns": columns})))
    assert "4111" not in repr(told.groups[0].sentence)
    assert "77" not in told.groups[0].sentence
    assert "`hum`" in told.groups[0].sentence


def test_the_columns_in_the_headline_are_those_that_findings_name_and_all_others_are_fine():
    pair = finding(("temp", "hum"), "correlation", Severity.WARNING)
    made = finding(("cnt", "windspeed"), "mae", check="quality")
    told = answer(with_findings(finding("temp"), pair, made))
    assert told.how_bad == "2 alarms in 2 of 6 columns."
    assert told.fine == "4 columns are as before: `weathersit`, `windspeed`, `cnt` and `ts`."
    new = finding(("a", "b"), "schema", kind="violation", check="schema")
    assert answer(with_findings(new)).how_bad == "1 alarm in 2 of 8 columns."


def test_columns_that_only_fall_apart_did_not_change_by_themselves():
    pair = finding(("temp", "hum"), "correlation")
    assert answer(with_findings(pair)).headline == "`temp` and `hum` relate to each other differently than before."
    assert answer(with_findings(pair, finding("cnt"))).headline.endswith(" changed.")


def test_a_segment_of_a_personal_column_is_a_number_and_not_its_value():
    columns = {**checked.MODEL.columns, "hum": checked.MODEL.columns["hum"].model_copy(update={"pii": True})}
    secret = [finding("temp", segment=f"hum={value}") for value in (77, 78)]
    told = answer(with_findings(*secret, model=checked.MODEL.model_copy(update={"columns": columns})))
    assert told.groups[0].sentence in {f"`temp` changed. This is for hum=(masked {i})." for i in (1, 2)}
    assert secret[0].segment == "hum=77"


def test_a_finding_of_one_segment_says_which():
    told = answer(with_findings(finding("a", segment="country=DE")))
    assert told.groups[0].sentence == "`a` changed. This is for country=DE."


def test_columns_that_are_hardly_watched_are_not_said_to_be_as_before_without_a_word():
    table, before = checked.halves("2011-01-03", "2011-07-04")
    table, before = (
        one.append_column("note", checked.pa.array([f"note {side} {i}" for i in range(len(one))]))
        for side, one in enumerate((table, before))
    )
    columns = {**checked.MODEL.columns, "note": checked.Column(type=checked.Type.STRING, drift=False)}
    model = checked.MODEL.model_copy(update={"columns": columns})
    told = answer(checked.check(table, before, model=model, by=None, baseline_by="week"))
    assert told.fine.endswith("Of `note` only missing and bad values are looked at.")


def test_each_metric_of_a_column_is_told_with_its_own_dates():
    table, before = checked.halves("2011-01-03", "2011-07-04")
    week = checked.pc.strftime(table["ts"], "%G-%V").to_pylist()
    odd = {"2011-19": lambda _: None, "2011-25": lambda temp: 40 * temp}
    temp = [odd.get(at, lambda temp: temp)(value) for at, value in zip(week, table["temp"].to_pylist(), strict=True)]
    told = answer(checked.check(checked.with_column(table, "temp", temp), before, by="week", baseline_by="week"))
    cause = next(group for group in told.groups if "temp" in group.columns)
    assert "its mean is 487, was 12.2" in cause.sentence
    assert cause.when == "Only in 20–26 June 2011."
    assert "share of missing values (in 9–15 May 2011)" in cause.also
