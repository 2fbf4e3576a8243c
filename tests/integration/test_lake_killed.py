"""Movers that die at any moment, two at a time: then the lake holds each event once, and every window was told."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from datetime import timedelta

import pytest

from lake_room import START, a_home, a_label, a_lake, a_model, an_event, log, stored
from watchkeeper.lake import move
from watchkeeper.sdk import Kind

ROUNDS = 20


def keep_moving(home, notes, seed, begun, *, falls=False):
    """What a run does again and again: move, note the windows so that they last, forget; tidy up now and then.

    `falls`: it dies by itself once its first file is written and not yet committed.
    """
    mine = random.Random(seed)
    lake = a_lake(home)
    if falls:
        lake.tables["events"].commit = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    begun.set()
    while True:
        moved = move(home, a_model(), lake)
        with notes.open("a") as out:
            out.write(json.dumps(moved.touched.tolist()) + "\n")
            out.flush()
            os.fsync(out.fileno())
        moved.forget()
        if mine.random() < 0.3:
            lake.compact()
            lake.vacuum(timedelta(days=1))


def abandoned(lake):
    """Files of events that no version ever named."""
    table = lake.tables["events"]
    changes = table.changes(-1, table.fresh().version())
    named = {action[word]["path"] for version in changes for action in version for word in action if word == "add"}
    return {file.path for file in table.place.list() if file.path.startswith("day=")} - named


@pytest.fixture
def starter():
    """Processes that start at once, because a process that has only imported everything forks them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["watchkeeper.lake", "pyarrow.dataset", "lake_room", "pytest"])
    return context


def test_whatever_is_killed_and_whenever_each_event_is_stored_once(tmp_path, starter):
    draw = random.Random(6)
    home, events, labels = a_home(tmp_path, a_model()), [], []
    notes = tmp_path / "notes"
    exits = []
    for round_ in range(ROUNDS):
        fresh = [an_event(i) for i in range(len(events), len(events) + draw.randrange(20, 200))]
        again = draw.sample(events, min(len(events), 10))
        events += fresh
        log(home, Kind.EVENT, fresh + again, frames=draw.randrange(1, 6))
        told = [a_label(i, received) for i, received in enumerate(draw.choices([0, 1], k=30), len(labels))]
        labels += told
        log(home, Kind.LABEL, told, frames=2)
        begun = [starter.Event() for _ in range(2)]
        if round_ % 5 == 0:
            up = starter.Event()
            fallen = starter.Process(target=keep_moving, args=(home, notes, 0, up), kwargs={"falls": True})
            fallen.start()
            fallen.join(60)
            exits.append(fallen.exitcode)
        movers = [starter.Process(target=keep_moving, args=(home, notes, draw.random(), one)) for one in begun]
        for mover in movers:
            mover.start()
        for one in begun:
            assert one.wait(60)
        for mover in movers:
            time.sleep(draw.uniform(0.0, 0.15))
            mover.kill()
            mover.join()
            exits.append(mover.exitcode)
    assert set(exits) == {-signal.SIGKILL}  # none ended by an error of its own

    lake = a_lake(home)
    moved = move(home, a_model(), lake)
    told = [minute for line in notes.read_text().splitlines() if line.endswith("]") for minute in json.loads(line)]
    told += moved.touched.tolist()
    assert abandoned(lake)  # of those who died between writing a file and committing it
    moved.forget()
    assert move(home, a_model(), lake).events.new == 0
    assert not list((home / "inbox" / "churn").glob("*.wks"))

    rows = stored(lake)
    assert Counter(row["id"] for row in rows) == Counter(event.id for event in events)
    assert {(row["id"], row["features"]["income, net"]) for row in rows} == {
        (event.id, event.features["income, net"]) for event in events
    }
    by_day, expected = Counter(), Counter()
    for row in rows:
        by_day[row["day"]] += row["features"]["age"]
    for event in events:
        expected[event.time.date()] += event.features["age"]
    assert by_day == expected
    assert sorted(row["id"] for row in stored(lake, "labels")) == sorted(label.id for label in labels)
    assert {row["id"]: row["label"] for row in lake.labels_for([event.id for event in events]).to_pylist()} == {
        label.id: str(label.label) for label in labels if int(label.id[1:]) < len(events)
    }
    minutes = {int((START + timedelta(minutes=i)).timestamp()) * 1_000_000 for i in range(len(events))}
    assert set(told) == minutes
