"""What the tests of watching share: a home with a model, its baseline, and hours of events that are made by number."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml import YAML

from watchkeeper.sdk import Event, Kind, Label, SegmentWriter, encode, inbox_of, pack
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened
from watchkeeper.watch.run import run

START = datetime(2024, 1, 1, tzinfo=UTC)
BEGIN = int(START.timestamp()) * 1_000_000
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
NAME = "churn"
COLUMNS = {
    "age": {"type": "integer"},
    "income": {"type": "number"},
    "plan": {"type": "string"},
    "country": {"type": "string", "role": "segment"},
    "ts": {"type": "timestamp", "role": "timestamp"},
    "key": {"type": "string", "role": "id"},
    "release": {"type": "string", "role": "version"},
    "left": {"type": "integer", "role": "label"},
    "left_at": {"type": "timestamp", "role": "label_time"},
    "guess": {"type": "integer", "role": "prediction"},
    "p": {"type": "number", "role": "score"},
}


def the_time(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def micro(hours: float) -> int:
    return BEGIN + round(hours * HOUR)


def the_features(i: int) -> dict:
    draw = np.random.default_rng(i)
    return {"age": int(draw.integers(18, 80)), "income": float(draw.normal(50, 9)), "plan": "abc"[i % 3]}


def an_event(i: int, hours: float, **changes) -> Event:
    fields = {
        "id": f"key-{i}",
        "time": the_time(hours),
        "features": the_features(i),
        "context": {"country": "DE" if i % 2 else "IT"},
        "version": "v1",
        "prediction": i % 2,
        "score": 0.8 if i % 2 else 0.2,
    }
    return Event(**(fields | changes))


def a_label(i: int, hours: float, label=None) -> Label:
    return Label(id=f"key-{i}", label=i % 2 if label is None else label, time=the_time(hours))


def a_baseline(folder: Path, days: int = 4, each: int = 40, **more) -> Path:
    """Hours of the days before START, with their labels."""
    rows = []
    for hour in range(-24 * days, 0):
        for k in range(each):
            i = 1_000_000 + (hour + 24 * days) * each + k
            time = the_time(hour + k / each)
            rows.append(
                {
                    **the_features(i),
                    "country": "DE" if i % 2 else "IT",
                    "ts": time,
                    "key": f"past-{i}",
                    "release": "v0",
                    "left": i % 2 if i % 10 else 1 - i % 2,
                    "left_at": time + timedelta(hours=1),
                    "guess": i % 2,
                    "p": 0.8 if i % 2 else 0.2,
                    **more,
                }
            )
    path = folder / "train.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@contextmanager
def a_home(folder: Path, *, columns=None, now: float = 0, more=None, config=None, **model):
    """A home in which the model was added. `more`: further columns of the baseline; `config`: the home's."""
    columns = {name: c for name, c in {**COLUMNS, **(columns or {})}.items() if c is not None}
    text = {"name": NAME, "task": "binary", "window": "hour", "columns": columns, **model}
    folder.mkdir(parents=True, exist_ok=True)
    yaml = folder / "watchkeeper.yaml"
    with yaml.open("w") as file:
        YAML().dump(text, file)
    if config:
        (folder / "home").mkdir()
        with (folder / "home" / "config.yaml").open("w") as file:
            YAML().dump(config, file)
    baseline = a_baseline(folder, **(more or {}))
    with opened(folder / "home", make=True) as home:
        add(home, yaml, [str(baseline)], now=micro(now), who="ann")
        baseline.unlink()
        yield home


def log(home, kind: Kind, records, hours: float, writer=None) -> None:
    """Write records to the inbox, received at a time."""
    own = writer or SegmentWriter(inbox_of(home.folder, NAME))
    own.append(pack(kind, micro(hours), encode(records)))
    own.sync()
    if writer is None:
        own.close()


def log_hours(home, first: int, last: int, each: int = 40, **changes) -> None:
    """Events of some hours, spread evenly in them."""
    events = [an_event(h * each + k, h + k / each, **changes) for h in range(first, last) for k in range(each)]
    log(home, Kind.EVENT, events, last)


def catch_up(home, hours: float):
    """A run at a time."""
    (ran,) = run(home, now=micro(hours))
    return ran
