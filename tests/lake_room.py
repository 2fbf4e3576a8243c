"""What the tests of the lake share: a model, its home, and records that are made by number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchkeeper.lake import open_lake
from watchkeeper.model import Model
from watchkeeper.sdk import Event, Kind, Label, SegmentWriter, encode, inbox_of, pack

START = datetime(2024, 1, 1, tzinfo=UTC)
BEGIN = int(START.timestamp()) * 1_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000
COLUMNS = {
    "age": {"type": "integer"},
    "income, net": {"type": "number"},
    "plan": {"type": "string"},
    "member": {"type": "boolean"},
    "joined": {"type": "timestamp", "format": "%d.%m.%Y"},
    "country": {"type": "string", "role": "segment"},
    "weight": {"type": "number", "role": "weight"},
    "ts": {"type": "timestamp", "role": "timestamp"},
    "key": {"type": "string", "role": "id", "drift": False},
    "release": {"type": "string", "role": "version"},
    "churn": {"type": "integer", "role": "label"},
    "guess": {"type": "integer", "role": "prediction"},
    "p": {"type": "number", "role": "score"},
}


def a_model(**changes):
    columns = {**COLUMNS, **changes.pop("columns", {})}
    columns = {name: column for name, column in columns.items() if column is not None}
    return Model.model_validate({"name": "churn", "task": "binary", "columns": columns, **changes})


def an_event(i, **changes):
    fields = {
        "id": f"e{i}",
        "time": START + timedelta(minutes=i),
        "version": "v1",
        "features": {"age": i % 90, "income, net": i / 4, "plan": "abc"[i % 3], "member": i % 2 == 0},
        "context": {"country": "DE" if i % 2 else "IT"},
        "prediction": i % 2,
        "score": (i % 10) / 10,
    }
    return Event(**(fields | changes))


def a_label(i, label=None, **changes):
    fields = {"id": f"e{i}", "label": i % 2 if label is None else label, "time": START + timedelta(days=3)}
    return Label(**(fields | changes))


def a_home(folder: Path, model: Model) -> Path:
    inbox_of(folder, model.name).mkdir(parents=True)
    return folder


def a_lake(folder: Path, model: Model | None = None):
    return open_lake(folder, model or a_model())


def log(home: Path, kind: Kind, records, received=BEGIN + 40 * DAY, *, frames=1, writer=None):
    """Write records to the inbox as so many frames, in a segment of their own."""
    own = writer or SegmentWriter(inbox_of(home, "churn"))
    each = -(-len(records) // frames) or 1
    for at in range(0, len(records), each):
        own.append(pack(kind, received, encode(records[at : at + each])))
    own.sync()
    if writer is None:
        own.close()


def stored(lake, table="events", columns=None):
    return [row for batch in lake.read(table, columns=columns) for row in batch.to_pylist()]


def stored_ids(lake):
    return sorted(row["id"] for row in stored(lake, columns=["id"]))
