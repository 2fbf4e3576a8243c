"""What pages and what waits for the digest, by what the model goes by and by what labels say of harm."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import watchkeeper as wk
from watchkeeper.budget import Priority, Severity
from watchkeeper.model import Column, Model, Role, Task, Type, WatchkeeperError

DAY = 86_400_000_000
ROWS = 10_000


def days(first, count, seed, missing=0.0, harm=False):
    """Days of a model that goes by `x` alone; on the last, `noise` (and `x` too, where `harm`) loses values."""
    rng = np.random.default_rng(seed)
    size = count * ROWS
    x, noise = rng.normal(size=size), rng.normal(size=size)
    last = np.arange(size) >= size - ROWS
    gone = last & (rng.random(size) < missing)
    score = 1 / (1 + np.exp(-2 * np.where(gone & harm, 0.0, x)))
    return pa.table(
        {
            "t": pa.array(
                ((np.repeat(np.arange(first, first + count), ROWS) + rng.random(size)) * DAY).astype(np.int64)
            ).cast(pa.timestamp("us", "UTC")),
            "x": pa.array(x, mask=gone & harm),
            "noise": pa.array(noise, mask=gone),
            "score": score,
            "label": rng.random(size) < 1 / (1 + np.exp(-2 * x)),
        }
    )


def model(labelled=True, **importance):
    columns = {
        "t": Column(type=Type.TIMESTAMP, role=Role.TIMESTAMP),
        "x": Column(type=Type.NUMBER),
        "noise": Column(type=Type.NUMBER),
        "score": Column(type=Type.NUMBER, role=Role.SCORE),
        "label": Column(type=Type.BOOLEAN, role=Role.LABEL if labelled else Role.IGNORED),
    }
    made = Model(name="m", task=Task.BINARY, columns=columns, positive=True)
    return made.weighed(importance) if importance else made


def priorities(current, known):
    """The priorities of the alarms of the last day, by column."""
    result = wk.check(current, days(0, 20, 1), model=known, by="day")
    return {f.columns: f.priority for f in result.findings if f.severity is Severity.ALARM and f.metric == "null_share"}


def test_where_nothing_is_known_of_harm_an_alarm_pages():
    assert priorities(days(20, 3, 2, 0.3), model(labelled=False)) == {("noise",): Priority.PAGE}


def test_a_column_that_the_model_hardly_goes_by_waits_for_the_digest():
    current = days(20, 3, 2, 0.3)
    assert priorities(current, model(False, x=0.99, noise=0.01)) == {("noise",): Priority.DIGEST}
    assert priorities(current, model(False, x=0.5, noise=0.5)) == {("noise",): Priority.PAGE}
    assert priorities(current, model(False, x=1.0)) == {("noise",): Priority.PAGE}  # nothing is said of `noise`


def test_where_labels_show_no_harm_drift_waits_and_where_they_show_it_it_pages():
    assert priorities(days(20, 3, 2, 0.3), model()) == {("noise",): Priority.DIGEST}
    harmed = priorities(days(20, 3, 2, 0.6, harm=True), model())
    assert harmed == {("noise",): Priority.PAGE, ("x",): Priority.PAGE}


def test_severity_and_evidence_do_not_depend_on_importance():
    current = days(20, 3, 2, 0.3)
    plain, weighed = (
        wk.check(current, days(0, 20, 1), model=known, by="day").findings
        for known in (model(False), model(False, x=0.999, noise=0.001))
    )
    assert [(f.columns, f.severity, f.evidence) for f in plain] == [
        (f.columns, f.severity, f.evidence) for f in weighed
    ]


def test_warnings_go_into_the_digest_and_facts_nowhere():
    result = wk.check(days(20, 1, 2, 0.3), days(0, 2, 1), model=model(False), by="day")
    for finding in result.findings:
        assert finding.priority is Priority.of(finding.severity)
    assert {f.priority for f in result.findings if f.severity is Severity.INFO} == {None}


def test_an_estimator_tells_its_own_importances():
    forest = pytest.importorskip("sklearn.ensemble").RandomForestClassifier(n_estimators=20, random_state=0)
    rows = days(0, 1, 1).to_pandas()
    known = model(False).weighed(forest.fit(rows[["x", "noise"]], rows["label"]))
    assert known.importance == pytest.approx(dict(zip(["x", "noise"], forest.feature_importances_, strict=True)))
    assert known.importance["x"] > known.importance["noise"] > 0


def test_importances_that_can_not_be_told_by_column_are_refused():
    with pytest.raises(WatchkeeperError, match="there is no column 'y'"):
        model(False).weighed({"y": 1.0})
    with pytest.raises(WatchkeeperError, match="object has no feature_importances_ by name"):
        model(False).weighed(object())
