"""What events cost in the lake: how fast they are moved, and whether one more window costs the same after a year.

    python benchmarks/lake.py [--days 365] [--events 300] [--features 30]

Fills a lake through the inbox, a day at a time, and in months 1, 6 and 12 hour by hour: each hour is logged, moved, and
the window of a day ago read and joined to its labels. Prints the CPU that one more window costs, and the ratios.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from watchkeeper.lake import event_columns, events_table, move, open_lake, served
from watchkeeper.lake.digest import content_hashes, id_hashes
from watchkeeper.model import Model
from watchkeeper.sdk import Event, Kind, Label, SegmentWriter, encode, inbox_of, pack, read

START = datetime(2025, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000
BEGIN = int(START.timestamp()) * 1_000_000


def model_of(features: int) -> Model:
    """A model of so many features of three types."""
    types = ("number", "integer", "string")
    columns = {f"f{i}": {"type": types[i % 3]} for i in range(features)}
    columns |= {"at": {"type": "timestamp", "role": "timestamp"}, "id": {"type": "string", "role": "id"}}
    columns |= {"guess": {"type": "integer", "role": "prediction"}, "truth": {"type": "integer", "role": "label"}}
    return Model.model_validate({"name": "bench", "columns": columns})


def events_of(hour: int, count: int, features: int, draw: random.Random) -> list[Event]:
    """The events of one hour."""

    def value(i: int) -> object:
        return (draw.random(), draw.randrange(100), draw.choice("abcdef"))[i % 3]

    return [
        Event(
            id=f"{hour}-{i}",
            time=START + timedelta(hours=hour, seconds=i * 3600 / count),
            features={f"f{k}": value(k) for k in range(features)},
            prediction=i % 2,
        )
        for i in range(count)
    ]


def converting(features: int) -> None:
    """Print how fast records become columns, in CPU of one core."""
    model = model_of(features)
    columns = event_columns(model)
    payload = encode(events_of(0, 100_000, features, random.Random(0)))
    begin = time.process_time()
    events = read(Kind.EVENT, payload)
    decoded = time.process_time()
    table = events_table(events, 0, model, columns)
    converted = time.process_time()
    content_hashes(table)
    id_hashes(table["id"])
    hashed = time.process_time()
    parts = ((decoded - begin, "decode"), (converted - decoded, "to columns"), (hashed - converted, "hash"))
    print(f"{features:3} features: " + ", ".join(f"{what} {0.1 / took:6.2f} M events/s" for took, what in parts))


class Service:
    """A service that logs, and a run that moves what it logs and reads it again."""

    def __init__(self, home: Path, arguments: argparse.Namespace) -> None:
        self.events, self.features, self.home = arguments.events, arguments.features, home
        inbox_of(home, "bench").mkdir(parents=True)
        self.lake = open_lake(home, model_of(arguments.features))
        self.writer = SegmentWriter(inbox_of(home, "bench"), roll_bytes=4 << 20)

    def log(self, hour: int) -> None:
        """The events of an hour, and the labels of those of a day ago."""
        events = events_of(hour, self.events, self.features, random.Random(hour))
        self.writer.append(pack(Kind.EVENT, BEGIN, encode(events)))
        moment = START + timedelta(hours=hour)
        labels = [Label(id=f"{hour - 24}-{i}", label=1, time=moment) for i in range(self.events)]
        self.writer.append(pack(Kind.LABEL, BEGIN, encode(labels)))
        self.writer.sync()

    def move(self) -> None:
        """Bring what was logged to the lake."""
        move(self.home, self.lake.model, self.lake).forget()

    def window(self, hour: int) -> int:
        """Read one window with its labels; give the number of events that have one."""
        start = BEGIN + hour * HOUR
        blocks = (block for _, block in served(self.lake, start, start + HOUR))
        return sum(len(block.table) - block.table["truth"].null_count for block in blocks)

    def tidy(self) -> None:
        """What is done once a day."""
        self.lake.compact()
        self.lake.vacuum()


def cost_of_a_window(service: Service, first: int, hours: int = 48) -> dict[str, float]:
    """Milliseconds of CPU that one more window takes, of the hours after `first`."""
    spent: dict[str, list[float]] = defaultdict(list)
    for hour in range(first, first + hours):
        service.log(hour)
        begin = time.process_time()
        service.move()
        moved = time.process_time()
        labelled = service.window(hour - 24)
        spent["move"].append(moved - begin)
        spent["read"].append(time.process_time() - moved)
        assert labelled == service.events
    begin = time.process_time()
    service.tidy()
    return {what: median(took) * 1000 for what, took in spent.items()} | {
        "compact a day": (time.process_time() - begin) * 1000 / (hours / 24)
    }


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--features", type=int, default=30)
    arguments = parser.parse_args()
    converting(3)  # the first call imports what is needed
    for features in (3, 30):
        converting(features)
    measured = {arguments.days * month // 12: month for month in (1, 6, 12)}
    costs: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), arguments)
        day = 0
        while day <= arguments.days:
            if day in measured:
                costs[measured[day]] = cost_of_a_window(service, day * 24)
                day += 2
                continue
            for hour in range(day * 24, day * 24 + 24):
                service.log(hour)
            service.move()
            day += 1
    print(f"hourly windows of {arguments.events} events and as many labels; CPU of one more, median of 48")
    for what in costs[1]:
        first, sixth, last = (costs[month][what] for month in (1, 6, 12))
        print(f"{what:14} {first:7.1f} ms {sixth:7.1f} ms {last:7.1f} ms   month 12 / month 1: {last / first:.2f}")


if __name__ == "__main__":
    main()
