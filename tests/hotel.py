"""A small model in a home of its own: a baseline, events of known days, and what a run makes of them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watchkeeper.sdk import Event, Kind, Label, SegmentWriter, encode, inbox_of, pack
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 86_400_000_000
BEFORE, ROWS = 14, 60
YAML = """\
name: hotel
task: binary
window: day
positive: true
columns:
  booking: {type: string, role: id}
  at: {type: timestamp, role: timestamp}
  release: {type: string, role: version}
  nights: {type: integer}
  price: {type: number}
  country: {type: string}
  cancels: {type: boolean, role: prediction}
  score: {type: number, role: score}
  cancelled: {type: boolean, role: label}
"""


def micro(day: float) -> int:
    """A moment so many days after the first of the baseline."""
    return int((START + timedelta(days=day)).timestamp()) * 1_000_000


def rows(first: int, days: int, seed: int, per_day: int = ROWS) -> list[dict]:
    """What happens on some days: nothing out of the ordinary."""
    rng = np.random.default_rng(seed)
    made = []
    for day in range(first, first + days):
        for i, part in enumerate(np.sort(rng.random(per_day))):
            score = float(rng.random())
            made.append(
                {
                    "booking": f"b{day}-{i}",
                    "at": START + timedelta(days=day + float(part) * 0.999),
                    "release": "v1",
                    "nights": int(rng.integers(1, 15)),
                    "price": float(rng.normal(100, 20)),
                    "country": str(rng.choice(["DE", "FR", "IT"])),
                    "cancels": score > 0.5,
                    "score": score,
                    "cancelled": bool(rng.random() < score),
                }
            )
    return made


def event(row: dict) -> Event:
    """A row as it is logged when it is predicted."""
    features = {name: row[name] for name in ("nights", "price", "country")}
    return Event(
        id=row["booking"],
        time=row["at"],
        version=row["release"],
        features=features,
        prediction=row["cancels"],
        score=row["score"],
    )


def label(row: dict, after_days: float = 0.5) -> Label:
    """Its outcome."""
    return Label(id=row["booking"], label=row["cancelled"], time=row["at"] + timedelta(days=after_days))


def log(folder: Path, records: list, kind: Kind = Kind.EVENT, at: int = 0) -> None:
    """Write records to the inbox, as a service does."""
    writer = SegmentWriter(inbox_of(folder, "hotel"))
    for i in range(0, len(records), 50):
        writer.append(pack(kind, at or micro(BEFORE), encode(records[i : i + 50])))
    writer.sync()
    writer.close()


def baseline(path: Path) -> Path:
    """The reference data as a file."""
    pq.write_table(pa.Table.from_pylist(rows(0, BEFORE, 1)), path)
    return path


@contextmanager
def home(folder: Path, yaml: str = YAML):
    """A home that knows the model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "m.yaml").write_text(yaml)
    with opened(folder / "home", make=True) as made:
        add(made, folder / "m.yaml", [str(baseline(folder / "base.parquet"))], now=micro(BEFORE), who="test")
        yield made
