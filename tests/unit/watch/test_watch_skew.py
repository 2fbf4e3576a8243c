"""Served features against what the transform makes of the raw values."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import watchkeeper as wk
from watched_home import NAME, START, a_home, an_event, catch_up, log, micro, the_time
from watchkeeper.profiles.codec import unpacked
from watchkeeper.sdk import Kind
from watchkeeper.watch.add import baseline_of
from watchkeeper.watch.skew import NothingToCompare, TransformFailed

COLUMNS = {"since": {"type": "timestamp"}, "member": {"type": "boolean"}}


def served_of(raw):
    """The features as they should be."""
    return {
        "age": raw["year"] - raw["born"],
        "income": raw["cents"] / 100 if raw["cents"] is not None else None,
        "plan": raw["plan"].strip().lower(),
        "since": raw["since"],
        "member": raw["since"] > "2020",
    }


def raw_of(i):
    cents = None if i % 10 == 9 else 123_456 + 7 * i
    return {
        "year": 2024,
        "born": 1960 + i % 40,
        "cents": cents,
        "plan": f" {'ABC'[i % 3]}",
        "since": f"20{10 + i % 14}-05-01",
    }


def with_bug(raw):
    """A transform that has moved on: it rounds incomes down, and forgets to strip plan B."""
    right = served_of(raw)
    plan = raw["plan"].lower() if "B" in raw["plan"] else right["plan"]
    return {**right, "income": None if right["income"] is None else math.floor(right["income"]), "plan": plan}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with a_home(tmp_path_factory.mktemp("skew"), columns=COLUMNS, more={"since": START, "member": True}) as home:
        single = [{**served_of(raw_of(i)), "income": _single(served_of(raw_of(i))["income"])} for i in range(60)]
        events = [an_event(i, i / 30, features=single[i], raw=raw_of(i)) for i in range(60)]
        log(home, Kind.EVENT, [*events, an_event(99, 2.5)], 3)
        catch_up(home, 3)
        yield home


def _single(value):
    return None if value is None else float(np.float32(value))


def skew(home, transform, **more):
    return wk.skew(NAME, transform, home=home.folder, **more)


def test_a_transform_that_is_the_served_one_finds_nothing(home):
    found = skew(home, served_of)
    assert not found.differs
    assert (found.rows, found.without_raw) == (60, 1)
    assert [one.column for one in found.columns] == ["age", "income", "plan", "since", "member"]
    assert found.messages == ["Left out, because no raw values were logged with them: 1 event."]


def test_a_bug_in_a_transform_is_found_with_its_share_and_examples(home):
    found = skew(home, with_bug)
    shares = {one.column: (one.differing, one.rows) for one in found.columns}
    rounded = sum(raw_of(i)["cents"] is not None and raw_of(i)["cents"] % 100 > 0 for i in range(60))
    assert shares == {"income": (rounded, 60), "plan": (20, 60), "age": (0, 60), "since": (0, 60), "member": (0, 60)}
    worst = found.columns[0]
    assert worst.low < worst.share < worst.high
    assert 0.9 < worst.largest < 1
    assert len(worst.examples) == 5
    assert worst.message.startswith(
        "`income` differs in 90 % of 60 events from what the transform makes of the raw values: "
    )
    assert "`plan` differs in 33.3 % of 60 events" in found.messages[1]
    assert "key-1 was served 'b', and the transform gives ' b'." in found.messages[1]


def test_single_precision_is_no_difference_unless_it_is_asked_for(home):
    assert not skew(home, served_of).differs
    assert skew(home, served_of, tolerance=0.0).columns[0].column == "income"


def test_a_feature_that_is_missing_on_one_side_differs(home):
    found = skew(home, lambda raw: {"income": 0.0 if raw["cents"] is None else raw["cents"] / 100})
    assert (found.columns[0].differing, found.columns[0].examples[0].served) == (6, "nothing")
    assert found.not_computed == ("age", "plan", "since", "member")
    assert "does not return `age`, `plan`, `since` and `member`" in found.messages[1]


def test_only_events_of_the_span_are_compared(home):
    found = skew(home, served_of, start="2024-01-01T01:00", end=the_time(1.5))
    assert (found.rows, found.without_raw) == (15, 0)


def test_numbers_of_numpy_and_names_nobody_declared_are_understood(home):
    found = skew(home, lambda raw: {"age": np.int32(raw["year"] - raw["born"]), "shoe": 1})
    assert (found.differs, found.not_served) == (False, ("shoe",))


def test_a_transform_that_fails_says_on_which_event(home):
    with pytest.raises(TransformFailed, match=r"event 'key-\d+' \(KeyError: 'nothing'\)"):
        skew(home, lambda raw: {"age": raw["nothing"]})
    with pytest.raises(TransformFailed, match="returned a value of type int"):
        skew(home, lambda _: 3)


def test_a_span_without_raw_values_is_told(home):
    with pytest.raises(NothingToCompare, match="none of 1 events of this span was logged with its raw values"):
        skew(home, served_of, start="2024-01-01T02:00")


def test_json_and_terminal_tell_the_same(home, capsys):
    found = skew(home, with_bug)
    made = json.loads(found.to_json())
    assert made["columns"][0]["share"] == found.columns[0].share
    found.show()
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 of 5 features differ" in shown
    assert made["columns"][0]["message"] in shown


def test_values_of_personal_columns_stand_in_no_example(tmp_path):
    columns = {"plan": {"type": "string", "pii": True}, "key": {"type": "string", "role": "id", "pii": True}}
    with a_home(tmp_path, columns=columns) as home:
        log(home, Kind.EVENT, [an_event(0, 0, features={"plan": "SECRET77"}, raw={"plan": "SECRET78"})], 1)
        catch_up(home, 1)
        found = skew(home, lambda raw: raw)
        assert found.columns[0].message.endswith(": (masked) was served (masked), and the transform gives (masked).")
        assert not [word for word in ("SECRET", "key-0") if word in found.to_json()]


def test_a_feature_that_services_leave_out_is_a_missing_value_and_so_a_finding(tmp_path):
    """Sparsity: an absent feature counts as null, so `null_share` sees it."""
    with a_home(tmp_path) as home:
        every = [an_event(i, i / 40) for i in range(120)]
        for event in every[80:]:
            del event.features["income"]
        log(home, Kind.EVENT, every, 3)
        ran = catch_up(home, 3)
        lake = home.lake(home.model(NAME))
        (kept,) = lake.profiles(micro(2), micro(3))
        assert unpacked(kept["profile"], "window", baseline_of(home, home.model(NAME), lake)).profiles.columns[
            "income"
        ].null.tolist() == [40]
        told = [f for f in ran.findings if f.metric == "null_share" and f.columns == ("income",)]
        assert [(f.severity, f.window) for f in told] == [("alarm", "2024-01-01T02:00:00/2024-01-01T03:00:00")]
