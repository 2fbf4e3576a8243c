"""What the engines cost: the same windows of the same lake, profiled in this process and on a Spark of this machine.

    python benchmarks/engines.py [--rows 1000000] [--features 16]

Makes a lake of ten days with labels for every second event, then profiles all of it with each engine in a process of
its own, on one core and on two: once, then twice more, of which the better counts. Prints a Markdown table, and fails
unless all engines count alike.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from watchkeeper.delivery import Block
from watchkeeper.engines import Kernels, Spark, scan
from watchkeeper.lake import Lake, block_of, open_lake
from watchkeeper.lake.schema import LABELS
from watchkeeper.model import Model
from watchkeeper.profiles import ProfileFile, Profiles, TimeWindows
from watchkeeper.profiles.codec import read, to_table, write
from watchkeeper.watch import profile
from watchkeeper.watch.labelled import Labelled
from watchkeeper.watch.spread import spread

DAYS, DAY, FIRST = 10, 86_400_000_000, 1_735_689_600_000_000
INSTANT = pa.timestamp("us", tz="UTC")
WINDOWS = TimeWindows("day")
AGAIN = 2
ENGINES = (("local", 1), ("local", 2), ("spark", 1), ("spark", 2))


def model_of(features: int) -> Model:
    """A model of numbers, whole numbers and texts, with a segment, a version, labels and a score."""
    types = ("number", "number", "integer", "string")
    columns: dict[str, dict[str, str]] = {f"f{i}": {"type": types[i % 4]} for i in range(features)}
    columns |= {"at": {"type": "timestamp", "role": "timestamp"}, "id": {"type": "string", "role": "id"}}
    columns |= {"country": {"type": "string", "role": "segment"}}
    columns |= {"guess": {"type": "integer", "role": "prediction"}, "score": {"type": "number", "role": "score"}}
    columns |= {"truth": {"type": "integer", "role": "label"}}
    told = {"name": "bench", "task": "binary", "window": "day", "segments": ["country"], "columns": columns}
    return Model.model_validate(told)


def cells(model: Model, rows: int, draw: np.random.Generator) -> dict[str, pa.Array]:
    """Values of all columns."""
    made: dict[str, pa.Array] = {}
    for name, column in model.columns.items():
        if name.startswith("f"):
            kind = str(column.type)
            whole = draw.integers(0, 200, rows)
            made[name] = {
                "number": lambda: pa.array(draw.normal(size=rows)),
                "integer": lambda whole=whole: pa.array(whole),
                "string": lambda whole=whole: pa.array(np.char.add("v", (whole % 40).astype(str))),
            }[kind]()
    made["country"] = pa.array(np.array(["DE", "FR", "IT"])[draw.integers(0, 3, rows)])
    made["score"] = pa.array(draw.random(rows))
    made["guess"] = pa.array((made["score"].to_numpy() > 0.5).astype(np.int64))
    made["truth"] = pa.array((made["score"].to_numpy() > draw.random(rows)).astype(np.int64))
    made["at"] = pa.array(FIRST + np.sort(draw.integers(0, DAY, rows))).cast(INSTANT)
    return made


def fill(home: Path, rows: int, features: int) -> None:
    """A lake and a baseline in a folder."""
    model, draw = model_of(features), np.random.default_rng(0)
    lake = open_lake(home, model)
    before = cells(model, 50_000, draw)
    baseline = profile(pa.table(before | {"id": pa.array([f"b{i}" for i in range(50_000)])}), model=model, by="day")
    write(baseline, home / "baseline.parquet")
    each = rows // DAYS
    for day in range(DAYS):
        made = cells(model, each, draw)
        times = pa.array(np.asarray(made["at"].cast(pa.int64())) + day * DAY).cast(INSTANT)
        ids = pa.array([f"{day}-{i}" for i in range(each)])
        schema = lake.columns.schema
        held = {"id": ids, "time": times, "received": times, "prediction": made["guess"], "score": made["score"]}
        held["day"] = times.cast(pa.date32())
        for group, names in (("features", lake.columns.features), ("context", lake.columns.context)):
            kind = schema.field(group).type
            own = {stored: made[name] for name, stored in names.items()}
            parts = [own[kind.field(i).name].cast(kind.field(i).type) for i in range(kind.num_fields)]
            held[group] = pa.StructArray.from_arrays(parts, fields=[kind.field(i) for i in range(kind.num_fields)])
        table = pa.table([held.get(f.name, pa.nulls(each, f.type)) for f in schema], schema=schema)
        lake.append_events(table, {})
        some = np.arange(0, each, 2)
        texts = made["truth"].cast(pa.string())
        labels = {"id": ids, "label": texts, "time": times, "received": times, "day": held["day"]}
        listed = [labels[f.name].take(some) if f.name in labels else pa.nulls(len(some), f.type) for f in LABELS]
        lake.append_labels(pa.table(listed, schema=LABELS), {})


def profiled_here(lake: Lake, baseline: ProfileFile, cores: int) -> Callable[[], Profiles]:
    """All of the lake, profiled in this process."""
    model = lake.model

    def blocks() -> Iterator[Block]:
        labelled, outcomes = Labelled(model, WINDOWS), lake.outcomes()
        for batch in lake.events(FIRST, FIRST + DAYS * DAY):
            labels = outcomes.labels_for(batch["id"])
            labelled.add(batch, labels)
            yield block_of(batch, labels, model)

    edges = baseline.profiles.edges
    return lambda: scan(edges, model, blocks(), WINDOWS, model.segments, kernels=Kernels(), workers=cores)


def profiled_there(lake: Lake, baseline: ProfileFile, spark: Spark) -> Callable[[], Profiles]:
    """All of the lake, profiled on Spark."""
    spans = [(FIRST, FIRST + DAYS * DAY)]
    return lambda: spread(spark, lake, baseline, Labelled(lake.model, WINDOWS), WINDOWS, spans)


def spent() -> float:
    """CPU seconds of this process and of all that it started."""
    parents: dict[int, list[int]] = {}
    took: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents.setdefault(int(fields[1]), []).append(int(folder.name))
        took[int(folder.name)] = sum(int(part) for part in fields[11:15])
    mine, total = [os.getpid()], 0
    while mine:
        one = mine.pop()
        total += took.get(one, 0)
        mine += parents.get(one, [])
    return total / os.sysconf("SC_CLK_TCK")


def digest(profiles: Profiles, model: Model) -> str:
    """A digest of all that is counted, without the sums of floats, which may differ by an ulp."""
    table = to_table(ProfileFile(profiles, model, "time")).drop_columns(["total", "squares"])
    return hashlib.sha256(repr(table.to_pydict()).encode()).hexdigest()


def measure(home: Path, features: int, engine: str, cores: int) -> None:
    """Profile all of the lake, and print what it took as JSON."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    pa.set_cpu_count(cores)
    lake, baseline = open_lake(home, model_of(features)), read(home / "baseline.parquet")
    spark = Spark(f"local[{cores}]")
    begin = time.perf_counter()
    if engine == "spark":
        spark.map(b"".join, [b""], [1])
    told = {"start": time.perf_counter() - begin}
    work = profiled_there(lake, baseline, spark) if engine == "spark" else profiled_here(lake, baseline, cores)
    took = []
    for _ in range(1 + AGAIN):
        begin, before = time.perf_counter(), spent()
        found = work()
        took.append((time.perf_counter() - begin, spent() - before))
    told |= {"first": took[0][0], "again": min(took[1:])[0], "cpu": min(cpu for _, cpu in took[1:])}
    spark.close()
    print(json.dumps({**told, "rows": found.total, "digest": digest(found, lake.model)}))


def main() -> None:
    """Fill a lake and measure all engines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--measure", nargs=3, metavar=("FOLDER", "ENGINE", "CORES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        folder, engine, cores = given.measure
        measure(Path(folder), given.features, engine, int(cores))
        return
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), given.rows, given.features)
        found = {}
        for engine, cores in ENGINES:
            words = [
                sys.executable,
                __file__,
                "--features",
                str(given.features),
                "--measure",
                folder,
                engine,
                str(cores),
            ]
            run = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
            found[engine, cores] = json.loads(run.stdout.splitlines()[-1])
    print(f"{given.rows:,} events × {len(model_of(given.features).columns)} columns, {given.rows // 2:,} labels\n")
    print("| engine | cores | start s | first s | again s | CPU s again | CPU, × local on one core |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    one = found["local", 1]
    for (engine, cores), told in found.items():
        numbers = [f"{told[name]:.1f}" for name in ("start", "first", "again", "cpu")]
        print(f"| {engine} | {cores} | {' | '.join(numbers)} | {told['cpu'] / one['cpu']:.1f} |")
    assert {told["rows"] for told in found.values()} == {given.rows // DAYS * DAYS}
    assert len({told["digest"] for told in found.values()}) == 1, "the engines count differently"
    print("\nAll counts, sketches and samples are the same.")


if __name__ == "__main__":
    main()
