"""A version with a baseline of its own is held against that one; all events together stay with the common one."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from hotel import BEFORE, DAY, ROWS, YAML, event, home, log, micro, rows
from watchkeeper.profiles import parse
from watchkeeper.release import registry
from watchkeeper.state import alarm, audit
from watchkeeper.state import baseline as baselines
from watchkeeper.watch.add import rebase
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.run import run
from watchkeeper.watch.versioned import watches_of

UNDIVIDED = YAML.replace("  release: {type: string, role: version}\n", "")


def of(version, days, price=0.0):
    """The same days as another version saw them."""
    return [r | {"release": version, "booking": f"{version}-{r['booking']}", "price": r["price"] + price} for r in days]


def taken(made, folder, version, days, name="own.parquet"):
    pq.write_table(pa.Table.from_pylist(days), folder / name)
    return rebase(
        made,
        made.model("hotel"),
        [str(folder / name)],
        reason="it differs",
        now=micro(BEFORE + 4),
        who="test",
        version=version,
    )


def ran(made, day):
    (one,) = run(made, now=micro(day))
    return one


def told(one):
    return {(f.version, f.metric, f.columns, f.window[:10]) for f in one.findings}


def watches(made):
    model = made.model("hotel")
    windows = parse(model.window)
    return watches_of(made, model, made.lake(model), windows, Labelled(model, windows), None)


@pytest.mark.parametrize("yaml", [YAML, UNDIVIDED], ids=["with a version column", "without one"])
def test_a_version_is_held_against_its_own_baseline_and_the_others_and_the_whole_are_not(tmp_path, yaml):
    with home(tmp_path, yaml) as made:
        dear = of("v2", rows(BEFORE, 4, 3), 200.0)
        log(made.folder, [event(row) for row in rows(BEFORE, 4, 2)] + [event(row) for row in dear])
        before = ran(made, BEFORE + 4)
        assert any(f.columns == ("price",) and f.version is None for f in before.findings)
        done = taken(made, tmp_path, "v2", of("v2", rows(0, BEFORE, 5), 200.0))
        assert done.again == 4
        assert ("price",) in {f.columns for f in done.silenced}
        (entry,) = [one for one in audit.entries(made.store) if one.what == "baseline silences"]
        assert entry.detail["version"] == "v2"
        after = ran(made, BEFORE + 4)
        assert after.windows == 4
        assert [f for f in after.findings if f.version is not None] == []
        assert any(f.columns == ("price",) for f in after.findings)  # the mixture is new to the common baseline

        days = rows(BEFORE + 4, 1, 6)
        cheap = of("v2", rows(BEFORE + 4, 1, 7))
        log(made.folder, [event(row) for row in days + cheap])
        last = ran(made, BEFORE + 5)
        assert ("v2", "shape", ("price",), "2026-03-20") in told(last)
        assert [f for f in last.findings if f.version is None and f.columns == ("price",)] == []
        firing = {(one.key.version, one.key.columns) for one in alarm.current(made.store, "hotel")}
        assert ("v2", ("price",)) in firing


def test_profiles_of_a_version_count_its_events_alone_and_stand_on_its_edges(tmp_path):
    with home(tmp_path) as made:
        few = of("v2", rows(BEFORE, 3, 3, per_day=25), 200.0)
        log(made.folder, [event(row) for row in rows(BEFORE, 3, 2)] + [event(row) for row in few])
        taken(made, tmp_path, "v2", of("v2", rows(0, BEFORE, 5), 200.0))
        ran(made, BEFORE + 3)
        common, own = watches(made).common, watches(made).own["v2"]
        assert own.edges != common.edges
        for _ in range(2):  # from the lake, and from the cache
            assert common.kept(micro(BEFORE), micro(BEFORE + 3)).by_window.rows.tolist() == [ROWS + 25] * 3
            assert own.kept(micro(BEFORE), micro(BEFORE + 3)).by_window.rows.tolist() == [25] * 3
        log(made.folder, [event(row | {"booking": "late"}) for row in few[:1]])
        ran(made, BEFORE + 3)
        assert common.kept(micro(BEFORE), micro(BEFORE + 3)).by_window.rows.tolist() == [ROWS + 26] + [ROWS + 25] * 2
        assert own.kept(micro(BEFORE), micro(BEFORE + 3)).by_window.rows.tolist() == [26, 25, 25]
        assert len(list(common.lake.profiles())) == 6


def test_where_a_version_with_its_own_baseline_is_all_there_is_the_common_one_is_silent_but_for_how_much_came(tmp_path):
    with home(tmp_path) as made:
        taken(made, tmp_path, "v2", of("v2", rows(0, BEFORE, 5), 200.0))
        days = of("v2", rows(BEFORE, 5, 3), 200.0)
        for row in days[ROWS : 2 * ROWS : 2]:
            row["nights"] = None
        log(made.folder, [event(row) for row in days[: 3 * ROWS] + days[4 * ROWS :]])
        one = ran(made, BEFORE + 5)
        assert ("v2", "null_share", ("nights",), "2026-03-17") in told(one)
        assert (None, "rows", (), "2026-03-19") in told(one)
        assert {f.metric for f in one.findings if f.version is None} <= {"rows", "freshness"}
        assert {f.columns for f in one.findings if f.version == "v2"} == {("nights",)}


def test_two_versions_may_have_the_same_data_as_baseline_and_the_newest_of_each_holds(tmp_path):
    with home(tmp_path) as made:
        days = rows(0, BEFORE, 5)
        first = taken(made, tmp_path, "v2", days)
        assert taken(made, tmp_path, "v3", days).baseline != first.baseline
        newer = taken(made, tmp_path, "v3", rows(0, BEFORE, 6))
        assert baselines.versions(made.store, "hotel") == ["v2", "v3"]
        assert baselines.current(made.store, "hotel", "v3").name == newer.baseline
        log(made.folder, [event(row) for row in of("v2", rows(BEFORE, 2, 2, 30)) + of("v3", rows(BEFORE, 2, 3, 30))])
        assert ran(made, BEFORE + 2).findings == ()
        own = watches(made).own
        assert own["v2"].kept(micro(BEFORE), micro(BEFORE + 2)).rows.sum() == ROWS
        assert own["v3"].kept(micro(BEFORE), micro(BEFORE + 2)).rows.sum() == ROWS


def test_profiles_that_an_older_release_kept_without_a_version_are_those_of_all(tmp_path):
    with home(tmp_path) as made:
        log(made.folder, [event(row) for row in rows(BEFORE, 2, 2)])
        ran(made, BEFORE + 2)
        place = made.lake(made.model("hotel")).tables["profiles"].place.uri
        older = DeltaTable(place).to_pyarrow_table().drop_columns(["version"])
        write_deltalake(place, older, mode="overwrite", schema_mode="overwrite", partition_by=["day"])
        assert watches(made).common.kept(micro(BEFORE), micro(BEFORE + 2)).rows.tolist() == [ROWS, ROWS]
        log(made.folder, [event(row) for row in rows(BEFORE + 2, 1, 4)])
        assert ran(made, BEFORE + 3).windows == 1
        assert watches(made).common.kept(micro(BEFORE), micro(BEFORE) + 3 * DAY).rows.tolist() == [ROWS] * 3


def test_a_fault_in_all_rows_is_one_alarm_though_the_version_that_served_them_is_watched_too(tmp_path):
    with home(tmp_path) as made:
        after = of("v2", rows(BEFORE + 2, 2, 3))
        for row in after[ROWS::2]:
            row["price"] = None
        log(made.folder, [event(row) for row in rows(BEFORE, 2, 2) + after])
        one = ran(made, BEFORE + 4)
        assert [(f.metric, f.version) for f in one.findings if f.columns == ("price",)] == [("null_share", None)]
        onsets = [o for o in alarm.history(made.store, "hotel") if o.key.metric == "null_share"]
        assert [o.key.version for o in onsets] == [None]


def test_an_alarm_on_a_column_that_the_live_version_does_not_take_waits_for_the_digest(tmp_path):
    code = tmp_path / "pipeline.py"
    code.write_text("def predict(rows): ...")
    seen = {}
    for takes in (["nights"], ["price"], None):
        folder = tmp_path / str(takes)
        folder.mkdir()
        with home(folder) as made:
            if takes is not None:
                new = registry.register(made, "hotel", function=f"{code}:predict", inputs=takes, now=1, who="ann")
                registry.release(made, "hotel", new.version, force="a test", now=1, who="ann")
            dear = [row | {"price": row["price"] + 500.0} for row in rows(BEFORE, 4, 2)]
            log(made.folder, [event(row) for row in dear])
            found = [f for f in ran(made, BEFORE + 4).findings if f.columns == ("price",) and f.severity == "alarm"]
        assert found
        seen[str(takes)] = {(f.metric, f.severity, f.priority) for f in found}
        assert all(f.message.endswith("The live version, v1, does not take price.") for f in found) == (
            takes == ["nights"]
        )
    assert {priority for _, _, priority in seen["['nights']"]} == {"digest"}
    assert {priority for _, _, priority in seen["['price']"]} == {"page"}
    assert seen["['price']"] == seen["None"]
    severities = [{(metric, severity) for metric, severity, _ in one} for one in seen.values()]
    assert severities[0] == severities[1]  # how severe a finding is, is another matter
