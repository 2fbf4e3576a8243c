"""What a person declares of single checks, of seasons and of holidays: what can hold, and what is said of the rest."""

from __future__ import annotations

from datetime import date
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from watchkeeper.budget.floor import BOUNDS, FLOORS
from watchkeeper.checks import BUILT_IN
from watchkeeper.checks.quality import TITLES
from watchkeeper.model import Model, ModelError, Note, Override, override
from watchkeeper.model.override import JUDGED, MOST, REPORTED, WITHOUT_COLUMN, override_of
from watchkeeper.model.yaml_file import dump, parse

BODY = "name: a\ncolumns:\n  comment: {type: string}\n  age: {type: number}\n"
WISHES = """\
checks:
  shape: {floor: 0.1}
  correlation: {ignore: true}
  null_share: {ignore: [comment], for: 2, severity: warning}
season: week
holidays: [2026-12-25, 2026-12-26]
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ModelError) as told:
        parse(BODY + text)
    return [line.removeprefix("watchkeeper.yaml, line ") for line in str(told.value).splitlines()]


def test_the_names_that_the_model_knows_are_those_of_the_checks_and_metrics_that_there_are():
    assert {*JUDGED, *REPORTED} == {check.name for check in BUILT_IN}
    assert set(JUDGED["quality"]) == set(TITLES)
    judged = {metric for metrics in JUDGED.values() for metric in metrics}
    assert judged == {metric for metric, _ in FLOORS} | {"null_share", "invalid_share"}
    assert {name for name in MOST if MOST[name] == 1.0} == judged - set(BOUNDS)
    assert judged >= WITHOUT_COLUMN


def test_what_is_written_is_what_is_read():
    model = parse(BODY + WISHES)
    assert model.checks["shape"].floor == 0.1
    assert model.checks["correlation"].ignores(("age", "comment"))
    rule = model.checks["null_share"]
    assert (rule.ignore, rule.lasting, rule.severity) == (["comment"], 2, "warning")
    assert rule.ignores(("comment",))
    assert not rule.ignores(("age",))
    assert (model.season, model.holidays) == ("week", [date(2026, 12, 25), date(2026, 12, 26)])


def test_the_file_that_is_written_holds_the_same_lines_and_the_reasons_beside_them():
    model = parse(BODY + WISHES)
    text = dump(model, about={"checks": Note(None, "asked by the team"), "season": Note(0.9, "weekends differ")})
    for line in WISHES.splitlines()[1:4]:
        assert line in text.splitlines()
    assert "checks:  # asked by the team" in text
    assert "season: week  # 0.90: weekends differ" in text
    assert parse(text) == model


def test_a_model_in_a_profile_file_keeps_them():
    model = parse(BODY + WISHES)
    assert Model.model_validate_json(model.model_dump_json(exclude_defaults=True)) == model


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all():
    (told,) = mistakes("checks:\n  nul_share: {ignore: true}\n")
    assert told.startswith(
        "6: checks.nul_share: there is no such check or metric. Did you mean 'null_share'? Known are "
    )
    assert "roc_auc" in told


def test_the_name_of_an_installed_package_s_check_is_known(monkeypatch):
    point = EntryPoint("zero_share", "zeros:CHECK", "watchkeeper.checks")
    monkeypatch.setattr(override, "entry_points", lambda group: EntryPoints([point]).select(group=group))
    assert parse(BODY + "checks: {zero_share: {floor: 3}}").checks["zero_share"].floor == 3
    assert mistakes("checks: {other: {floor: 3}}")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("psi: {floor: 0.2}", "checks.psi: it is shown and never judged, so there is nothing to override"),
        ("shape: {flor: 0.1}", "checks.shape.flor is no field of an override. Did you mean 'floor'?"),
        (
            "shape: {lasting: 2}",
            "checks.shape.lasting is no field of an override. Known are ignore, floor, for, keep_firing_for, severity",
        ),
        ("shape: {for: 0}", "checks.shape.for can't be 0: input should be greater than or equal to 1"),
        ("shape: {for: true}", "checks.shape.for can't be true: write a whole number"),
        ("shape: {for: 1.5}", "checks.shape.for can't be 1.5: write a whole number"),
        ("shape: {floor: true}", "checks.shape.floor can't be true: write a number"),
        ("shape: {floor: -0.1}", "checks.shape.floor can't be -0.1: input should be greater than or equal to 0"),
        ("shape: {floor: .inf}", "checks.shape.floor can't be inf: input should be a finite number"),
        ("shape: {severity: alert}", "checks.shape.severity can't be 'alert'. Did you mean 'alarm'?"),
        ("shape: {ignore: age}", "checks.shape.ignore can't be 'age': write true or false or a list such as [a, b]"),
        (
            "shape: {ignore: [agee]}",
            "checks.shape.ignore[0]: there is no column 'agee' under `columns`. Did you mean 'age'?",
        ),
        ("shape: {floor: 1}", "checks.shape.floor: no change of shape is larger than 1, so nothing would be told"),
        ("rows: {ignore: [age]}", "checks.rows.ignore: it is measured of the table as a whole"),
        ("service: {ignore: [age]}", "checks.service.ignore: it is measured of the table as a whole"),
        ("latency_p99: {for: 2}", "checks.latency_p99.for: services and pipelines are told at once"),
        ("late: {floor: 2}", "checks.late.floor: what is late and what is long is learned from the job's own runs"),
        ("rise: {ignore: true, for: 2}", "checks.rise.for: what is ignored is never told, so `for` can't hold"),
        ("rise:", "checks.rise can't be null: write indented lines"),
    ],
)
def test_a_line_that_can_not_hold_is_named_with_its_place_and_the_fix(lines, told):
    (found,) = mistakes("checks:\n  spike: {for: 2}\n  " + lines)
    assert found.startswith(f"7: {told}")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("season: weekly", "5: season can't be 'weekly'. Did you mean 'week'?"),
        ("holidays: [2026-12-25, 25.12.2026]", "5: holidays[1]: write a day such as 2026-12-25"),
        ("holidays: [0]", "5: holidays[0]: write a day such as 2026-12-25"),
        ("holidays: [2026-13-01]", "5: holidays[0] can't be '2026-13-01': write a day such as 2014-01-31"),
        ("holidays: 2026-12-25", "5: holidays can't be '2026-12-25': write a list"),
    ],
)
def test_seasons_and_holidays_are_read_as_strictly(line, told):
    (found,) = mistakes(line)
    assert found.startswith(told)


def test_all_mistakes_are_told_together():
    told = mistakes(
        "primary_key: [id]\nchecks:\n  shap: {for: 2}\n  rise: {flor: 1}\n  spike: {ignore: [agee]}\nseason: no\n"
    )
    assert [int(line.split(":")[0]) for line in told] == [5, 7, 8, 9, 10]


def test_a_metric_s_own_line_goes_before_its_check_s_line_by_line():
    rules = {
        "range": Override.model_validate({"for": 3, "severity": "warning", "ignore": ["age"]}),
        "range_low": Override.model_validate({"for": 1, "ignore": False}),
    }
    low, high = (override_of(rules, "range", metric) for metric in ("range_low", "range_high"))
    assert (low.lasting, low.severity, low.ignores(("age",))) == (1, "warning", False)
    assert (high.lasting, high.severity, high.ignores(("age",))) == (3, "warning", True)
    assert override_of(rules, "shape", "shape") == Override()
