"""The Spark engine on a real Spark: the same integers as here, from the lake's own files."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from object_store import object_store
from watchkeeper.engines import Kernels, Spark, SparkFailed
from watchkeeper.lake import events_table, labels_table, open_lake
from watchkeeper.lake.shard import shards
from watchkeeper.model import Model
from watchkeeper.profiles import ProfileFile, TimeWindows
from watchkeeper.profiles.codec import to_table
from watchkeeper.sdk import Event, Label
from watchkeeper.watch import profile
from watchkeeper.watch.add import add, baseline_of
from watchkeeper.watch.home import opened
from watchkeeper.watch.ingest import ingest
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.run import run
from watchkeeper.watch.windowed import Watched

pytest.importorskip("pyspark", reason="pyspark (extra `spark`) is not installed")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("java is not installed", allow_module_level=True)

BIKES = Path(__file__).parents[1] / "data" / "bike_sharing.parquet"
HOUR, DAY = 3_600_000_000, 86_400_000_000
FIRST, LAST = datetime(2011, 3, 1, tzinfo=UTC), datetime(2011, 3, 22, tzinfo=UTC)
MODEL = Model.model_validate(
    {
        "name": "bikes",
        "task": "binary",
        "window": "day",
        "segments": ["wind", "workingday"],
        "columns": {
            "ts": {"type": "timestamp", "role": "timestamp"},
            "key": {"type": "string", "role": "id", "drift": False},
            "release": {"type": "string", "role": "version"},
            "wind": {"type": "string", "role": "segment"},
            "workingday": {"type": "boolean"},
            "weather": {"type": "string"},
            "temp": {"type": "number"},
            "hum": {"type": "number"},
            "windspeed": {"type": "integer"},
            "busy": {"type": "integer", "role": "label"},
            "guess": {"type": "integer", "role": "prediction"},
            "p": {"type": "number", "role": "score"},
        },
    }
)
WEATHER = {1: "clear", 2: "mist", 3: "light rain", 4: "storm"}


def micro(moment):
    return int(moment.timestamp()) * 1_000_000


def rentals():
    """Each hour of the real data as a row of the model: was it a busy hour, and what would the hour of the day say?"""
    made = []
    for i, row in enumerate(pq.read_table(BIKES).slice(0, 2500).to_pylist()):
        time = row["ts"].replace(tzinfo=UTC)
        p = (0.1, 0.8)[8 <= time.hour < 20] + time.hour / 240
        made.append(
            {
                "ts": time,
                "key": f"b{i}",
                "release": "v2" if i % 3 else "v1",
                "wind": f"wind {row['windspeed'] // 10}",
                "workingday": time.weekday() < 5,
                "weather": WEATHER[int(row["weathersit"])],
                "temp": float(row["temp"]),
                "hum": float(row["hum"]) if i % 11 else None,
                "windspeed": int(row["windspeed"]),
                "busy": int(row["cnt"] > 100),
                "guess": int(p > 0.5),
                "p": p,
            }
        )
    return made


def an_event(i, row):
    features = {name: row[name] for name in ("workingday", "weather", "temp", "hum", "windspeed")}
    if i % 37 == 5:
        features |= {"hum": "wet", "windspeed": 7.5}  # values of other types
    return Event(
        id=row["key"],
        time=row["ts"],
        version=row["release"],
        features=features,
        context={"wind": row["wind"]},
        prediction=row["guess"],
        score=row["p"],
    )


@pytest.fixture(scope="module")
def baseline():
    rows = [row for row in rentals() if row["ts"] < FIRST]
    return profile(pa.Table.from_pylist(rows), model=MODEL, by="day")


def filled(lake, first):
    """Some days in several files each; labels before their events, after them, corrected, and of nothing known."""
    rows = [(i, row) for i, row in enumerate(rentals()) if first <= row["ts"] < LAST]
    now = micro(LAST)

    def label(row, later, value=None):
        return Label(id=row["key"], label=row["busy"] if value is None else value, time=row["ts"] + later)

    three = timedelta(days=3)
    early = [label(row, three) for i, row in rows if i % 5 == 0]
    lake.append_labels(labels_table([*early, Label(id="stranger", label=1, time=FIRST)], now), {})
    for part in range(4):
        events = [an_event(i, row) for i, row in rows if i % 4 == part]
        lake.append_events(events_table(events, now, MODEL, lake.columns), {})
        if part == 1:
            lake.compact()
    late = [label(row, three, "perhaps" if i % 21 == 0 else None) for i, row in rows if i % 5 in (1, 2)]
    corrected = [label(row, 2 * three, 1 - row["busy"]) for i, row in rows if i % 15 == 0]
    for labels in (late, corrected):
        lake.append_labels(labels_table(labels, now), {})
    return lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return filled(open_lake(tmp_path_factory.mktemp("home"), MODEL), FIRST)


@pytest.fixture(scope="module")
def spark():
    cluster = Spark(os.environ.get("WATCHKEEPER_SPARK", "local[2]"))
    yield cluster
    cluster.close()


def watched(lake, baseline, *, unit="day", spark=None):
    windows = TimeWindows(unit)
    return Watched(MODEL, lake, baseline, windows, Kernels(), Labelled(MODEL, windows), spark)


def assert_equal(one, other):
    """All counts, samples and sketches alike, and sums of floats to an ulp."""
    assert one.slices == other.slices
    here, there = (to_table(ProfileFile(profiles, MODEL, "time")) for profiles in (one, other))
    for name in here.column_names:
        if name in ("total", "squares"):
            assert_close(here[name].to_pylist(), there[name].to_pylist())
        else:
            assert repr(here[name].to_pylist()) == repr(there[name].to_pylist()), name  # NaN is like NaN
    here, there = (profiles.quality.to_arrow() for profiles in (one, other))
    assert here.num_rows > 0
    for field in here.schema:
        if "double" in str(field.type):
            assert_close(here[field.name].to_pylist(), there[field.name].to_pylist())
        else:
            assert here[field.name].equals(there[field.name]), field.name


def assert_close(one, other):
    """Sums as doubles, or as pairs of doubles."""
    sums = [np.array([sum(s) if isinstance(s, list) else s for s in of if s is not None]) for of in (one, other)]
    np.testing.assert_allclose(*sums, rtol=3e-16)


@pytest.mark.parametrize(("unit", "length", "days"), [("day", DAY, 21), ("hour", HOUR, 6)])
def test_spark_gives_the_same_integers_as_this_process(lake, baseline, spark, unit, length, days):
    starts = [at for at in range(micro(LAST) - days * DAY, micro(LAST), length) if at // length % 7]  # with gaps
    spans = [(start, start + length) for start in starts]
    this, cluster = (watched(lake, baseline, unit=unit, spark=engine) for engine in (None, spark))
    here, there = this.profiled(spans), cluster.profiled(spans)
    whole = [i for i, at in enumerate(here.slices) if at.segment is None]
    assert here.columns["hum"].invalid[whole].sum() > 1
    assert here.columns["busy"].invalid[whole].sum() > 0
    assert {at.segment for at in here.slices} >= {None, "wind=wind 1", "workingday=true"}
    assert {at.version for at in here.slices} >= {"v1", "v2"}
    labelled = here.rows[whole].sum() - here.columns["busy"].null[whole].sum()
    assert 0.5 < labelled / here.rows[whole].sum() < 0.7
    assert_equal(here, there)
    counted = [[one.labelled.taken(span, 1) for span in spans] for one in (this, cluster)]
    assert counted[0] == counted[1]
    assert any(delays for one in counted[0] for delays in one.delays.values())
    here, there = (replace(one, version="v2").profiled(spans[:3]) for one in (this, cluster))
    assert {at.version for at, rows in zip(here.slices, here.rows, strict=True) if rows} == {"v2"}
    assert_equal(here, there)


def test_a_lake_in_an_object_store_is_read_by_the_cluster_itself(tmp_path, baseline, spark):
    with object_store("lake") as server:
        lake = filled(open_lake(tmp_path, MODEL, "s3://lake/prefix", server.options), LAST - timedelta(days=2))
        span = micro(LAST) - 2 * DAY, micro(LAST) - DAY
        here = watched(lake, baseline).profiled([span])
        there = watched(lake, baseline, spark=spark).profiled([span])
    assert there.total > 20
    assert_equal(here, there)


def test_windows_without_any_event_need_no_cluster(tmp_path, baseline):
    never = Spark("no such cluster")
    empty = open_lake(tmp_path, MODEL)
    found = watched(empty, baseline, spark=never).profiled([(0, DAY)])
    assert (found.windows, found.total) == (1, 0)


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_sparks_own_reader_opens_the_files_that_a_table_names(lake, spark):
    from pyspark.sql import SparkSession

    session = SparkSession(spark._started())
    session.conf.set("spark.sql.shuffle.partitions", "2")
    tables = {name: lake.tables[name].fresh() for name in ("events", "labels")}
    for name, table in tables.items():
        read = session.read.option("basePath", lake.tables[name].place.uri).option("mergeSchema", "true")
        read.parquet(*table.file_uris()).createOrReplaceTempView(name)
    query = "select count(*), sum(e.features.temp), min(e.day), max(e.time) from events e"
    rows = [row for batch in lake.events(columns=["features", "day", "time"]) for row in batch.to_pylist()]
    ((count, total, first, last),) = session.sql(query).collect()
    assert (count, str(first)) == (len(rows), str(min(row["day"] for row in rows)))
    assert total == pytest.approx(sum(row["features"]["temp"] for row in rows))
    assert last.astimezone(UTC) == max(row["time"] for row in rows)
    joined = session.sql(
        "select count(distinct id) from events join labels using (id) where invalid['hum'] is not null"
    )
    assert joined.collect()[0][0] > 5


def test_what_fails_there_is_told_in_a_sentence_and_the_next_call_goes_on(tmp_path, baseline, spark):
    lake = filled(open_lake(tmp_path, MODEL), LAST - timedelta(days=1))
    span = micro(LAST) - DAY, micro(LAST)
    cluster = watched(lake, baseline, spark=spark)
    gone = shards(lake, [span])[0].events.path
    (tmp_path / "lake" / "bikes" / "events" / gone).rename(tmp_path / "kept")
    with pytest.raises(SparkFailed, match=r"Spark could not .*: .*was taken away while it was read"):
        cluster.profiled([span])
    (tmp_path / "kept").rename(tmp_path / "lake" / "bikes" / "events" / gone)
    assert cluster.profiled([span]).total == 23  # one hour of that day is not in the data


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a week of events that no run has seen."""
    folder, rows = tmp_path_factory.mktemp("added"), rentals()
    for name, part in (("train", rows[:1000]), ("new", rows[1000:1150])):
        pq.write_table(pa.Table.from_pylist(part), folder / f"{name}.parquet")
    (folder / "watchkeeper.yaml").write_text(MODEL.model_dump_json(exclude_defaults=True))  # JSON is YAML
    with opened(folder / "home", make=True) as made:
        add(made, folder / "watchkeeper.yaml", [str(folder / "train.parquet")], now=1, who="me")
        ingest(made, made.model("bikes"), str(folder / "new.parquet"), now=2)
    return folder / "home"


def test_a_run_keeps_the_same_profiles_and_findings_with_either_engine(home, tmp_path, spark):
    kept = {}
    for name, engine in (("here", None), ("there", spark)):
        shutil.copytree(home, tmp_path / name)
        with opened(tmp_path / name) as copied:
            (ran,) = run(copied, now=micro(LAST), spark=engine)
            lake = copied.lake(MODEL)
            profiles = watched(lake, baseline_of(copied, MODEL, lake)).kept(0, micro(LAST))
            kept[name] = ran.windows, profiles, lake.findings()["finding"].to_pylist()
    assert kept["here"][0] == kept["there"][0] > 5
    assert_equal(kept["here"][1], kept["there"][1])
    assert kept["here"][2] == kept["there"][2] != []


def test_the_command_goes_where_spark_is_configured_and_says_what_is_wrong_there(home, tmp_path):
    shutil.copytree(home, tmp_path / "home")
    words = [sys.executable, "-m", "watchkeeper", "run", "--engine", "spark", "--home", str(tmp_path / "home")]
    elsewhere = os.environ | {"PYSPARK_SUBMIT_ARGS": "--master nowhere pyspark-shell"}
    told = subprocess.run(words, env=elsewhere, capture_output=True, text=True, timeout=300)
    assert told.returncode == 2
    assert "error: Spark could not be started: " in told.stderr
    assert "Master must" in told.stderr
    assert "Traceback" not in told.stderr
