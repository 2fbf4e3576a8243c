"""A home with one model and a baseline, and events that are logged to it as a service would."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.sdk import Event, Kind, SegmentWriter, encode, inbox_of, pack
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened

START = datetime(2024, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)
YAML = """
name: churn
task: binary
window: {window}
columns:
  id: {{type: string, role: id, drift: false}}
  at: {{type: timestamp, role: timestamp}}
  age: {{type: number}}
  guess: {{type: integer, role: prediction}}
"""


def micro(at):
    return int(at.timestamp()) * 1_000_000 + at.microsecond


@contextmanager
def home(folder, *, window="day", days=30, rows=200, config="", yaml=YAML):
    """An open home in which the model `churn` was held for so many days before `START`."""
    random = np.random.default_rng(1)
    count = days * rows
    times = [START - timedelta(days=days) + timedelta(seconds=86_400 / rows * i) for i in range(count)]
    table = pa.table(
        {
            "id": [f"b{i}" for i in range(count)],
            "at": pa.array(times, pa.timestamp("us", "UTC")),
            "age": random.normal(40, 9, count),
            "guess": random.integers(0, 2, count),
        }
    )
    pq.write_table(table, folder / "train.parquet")
    (folder / "m.yaml").write_text(yaml.format(window=window))
    at = folder / "home"
    at.mkdir()
    (at / "config.yaml").write_text(config)
    with opened(at) as found:
        add(found, folder / "m.yaml", [str(folder / "train.parquet")], now=micro(START), who="test")
        yield found


def events(day, *, rows=200, age=40.0, length=DAY, start=START, **fields):
    """A window's events; what `fields` hold is called with the number of the row where it can be."""
    random = np.random.default_rng(1000 + day)
    ages = random.normal(age, 9, rows).tolist()
    return [
        Event(
            id=f"{day}-{i}",
            time=start + day * length + length / rows * i,
            features={"age": ages[i]},
            prediction=i % 2,
            **{name: value(i) if callable(value) else value for name, value in fields.items()},
        )
        for i in range(rows)
    ]


def log(found, records, kind=Kind.EVENT):
    """Bring records to the inbox of the model."""
    writer = SegmentWriter(inbox_of(found.folder, "churn"))
    writer.append(pack(kind, micro(START), encode(records)))
    writer.sync()
    writer.close()
