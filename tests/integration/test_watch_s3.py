"""Status, datasets and erasure where the lake is an object store."""

from __future__ import annotations

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from object_store import Store
from watched_home import NAME, a_home, a_label, an_event, catch_up, log, log_hours, micro, the_features, the_time
from watchkeeper.profiles.codec import unpacked
from watchkeeper.sdk import Kind
from watchkeeper.state import baseline as baselines
from watchkeeper.watch.dataset import dataset
from watchkeeper.watch.erase import erase
from watchkeeper.watch.ingest import ingest
from watchkeeper.watch.status import statuses


@pytest.fixture(scope="module")
def store():
    running = Store()
    running.tell("start")
    client = boto3.client(
        "s3", endpoint_url=running.endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    client.create_bucket(Bucket="lake")
    yield running, client
    running.close()


def test_what_is_told_written_and_erased_is_in_the_object_store(store, tmp_path):
    running, client = store
    with a_home(tmp_path, primary_key=["key"], config={"lake": "s3://lake/here", "storage": running.options}) as home:
        model = home.model(NAME)
        lake = home.lake(model)
        recorded = baselines.current(home.store, NAME)
        key = unpacked(lake.place.read(recorded.path), "baseline").profiles.sample.rows["key"][0].as_py()
        log_hours(home, 0, 2)
        log(home, Kind.EVENT, [an_event(0, 1.5, id=key)], 2)
        log(home, Kind.LABEL, [a_label(1, 1)], 2)
        catch_up(home, 2)
        twice = {**the_features(1), "country": "IT", "ts": the_time(1.2), "guess": 0, "p": 0.2, "release": "v1"}
        rows = [{**twice, "key": key}, {**twice, "key": key, "guess": 1}, {**twice, "key": "other"}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "more.parquet")
        ingest(home, model, str(tmp_path / "more.parquet"), now=micro(2))

        (one,) = statuses(home, now=micro(2))
        assert (one.flow.total, one.flow.received) == (82, micro(2))
        assert one.disk["lake"] > 0
        assert dataset(home, model, tmp_path / "d.parquet", as_of=micro(3)).labelled == 1

        done = erase(home, model, [key], now=micro(3), who="ann")
        assert (done.events, done.set_aside, done.sampled) == (1, 2, 1)
        after = unpacked(lake.place.read(recorded.path), "baseline").profiles.sample
        assert key not in after.rows["key"].to_pylist()
        assert dataset(home, model, tmp_path / "d.parquet", as_of=micro(3)).rows == 81
        held = [one["Key"] for one in client.list_objects_v2(Bucket="lake").get("Contents", [])]
        bodies = [client.get_object(Bucket="lake", Key=name)["Body"].read() for name in held if "quarantine" in name]
        assert not [body for body in bodies if key.encode() in body]
