"""Registering and releasing by several processes, some of which are killed."""

import itertools
import subprocess
import sys
import time

import pytest

from registry_home import NOW, a_file, a_home, passed
from watchkeeper.release import artifact, registry
from watchkeeper.state import deployment

REGISTER = """
import sys
from watchkeeper.release import registry
from watchkeeper.watch.home import opened
with opened(sys.argv[1]) as home:
    print("ready", flush=True)
    for line in sys.stdin:
        registry.register(home, "hotel", sys.argv[2], now=1, who="ann")
        print("done", flush=True)
"""
RELEASE = """
import sys
from watchkeeper.release import registry
from watchkeeper.watch.home import opened
who = sys.argv[2]
with opened(sys.argv[1]) as home:
    print("ready", flush=True)
    sys.stdin.readline()
    for i in range(10):
        live = registry.live(home, "hotel").version
        other = next(v for v in ("v1", "v2", "v3") if v != live and (v != "v3" or i % 2))
        try:
            done = registry.release(home, "hotel", other, force=f"{who} {i}", now=i, who=who)
            print("won", done.id, done.version, flush=True)
        except registry.Overtaken as lost:
            assert " put v" in str(lost) and not str(lost).startswith(f"{who} "), lost
            print("lost", flush=True)
        except registry.AlreadyLive:
            print("there", flush=True)
"""


def process(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout.readline() == "ready\n"
    return started


@pytest.fixture(params=["sqlite", "postgresql"])
def folder(request, tmp_path):
    """The folder of a home whose state is on each of the databases."""
    state = {} if request.param == "sqlite" else {"state": request.getfixturevalue("postgresql").new()}
    with a_home(tmp_path / "home", **state):
        return tmp_path / "home"


def reopened(folder):
    from watchkeeper.watch.home import opened

    return opened(folder)


def test_a_registration_that_is_killed_at_any_moment_leaves_a_whole_version_or_none(folder, tmp_path):
    """Killed at moments spread over what one registration takes; what is registered can always be served."""
    path = a_file(tmp_path)
    path.write_bytes(a_large_model(tmp_path).read_bytes())
    sound = process(REGISTER, folder, path)
    began = time.monotonic()
    sound.stdin.write("go\n")
    sound.stdin.flush()
    assert sound.stdout.readline() == "done\n"
    takes = time.monotonic() - began
    for part in range(4):
        killed = process(REGISTER, folder, path)
        killed.stdin.write("go\n" * 3)
        killed.stdin.flush()
        time.sleep(takes * part / 3)
        killed.kill()
        killed.communicate()
        with reopened(folder) as home:
            for version in registry.versions(home, "hotel"):
                assert registry.servable(home, version).path.stat().st_size == path.stat().st_size
    sound.stdin.write("go\n")
    sound.stdin.flush()
    assert sound.stdout.readline() == "done\n", "and registering goes on working"
    sound.communicate()
    with reopened(folder) as home:
        names = [one.version for one in registry.versions(home, "hotel")]
        assert names == [f"v{i + 1}" for i in range(len(names))]
        kept = [p for p in (folder / "artifacts").rglob("*") if p.is_file()]
        assert [p.name for p in kept if not p.name.startswith(artifact.UNFINISHED)] == [artifact.digest(path)]


def a_large_model(folder):
    """A few megabytes, so that copying takes a while."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(a_file(folder, 2.0))
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4_000_000, dtype=np.float32), "ballast"))
    node = helper.make_node("Identity", ["ballast"], ["unused"])
    model.graph.node.append(node)
    onnx.save(model, folder / "large.onnx")
    return folder / "large.onnx"


def test_of_several_people_at_once_exactly_one_wins_each_time_and_nobody_releases_unseen(folder, tmp_path):
    with reopened(folder) as home:
        for _ in range(3):
            passed(home, registry.register(home, "hotel", a_file(tmp_path), now=NOW, who="ann").version)
        first = registry.release(home, "hotel", "v1", now=NOW, who="ann")
    people = {who: process(RELEASE, folder, who) for who in ("ann", "bob")}
    for one in people.values():
        one.stdin.write("go\n")
        one.stdin.flush()
    said = {who: one.communicate()[0].splitlines() for who, one in people.items()}
    assert all(one.returncode == 0 for one in people.values()), said
    won = sorted((int(line.split()[1]), who) for who, lines in said.items() for line in lines if line.startswith("won"))
    with reopened(folder) as home:
        rows = deployment.log(home.store, "hotel")
    assert [(row.id, row.who) for row in rows if row.id != first.id] == won
    assert all(a.version != b.version for a, b in itertools.pairwise(rows)), "nobody releases what is live"
    assert all(len(lines) == 10 for lines in said.values())


def test_what_one_process_releases_another_sees_at_once(folder, tmp_path):
    with reopened(folder) as home, reopened(folder) as gateway:
        kept = registry.register(home, "hotel", a_file(tmp_path), now=NOW, who="ann")
        passed(home, kept.version)
        assert registry.live(gateway, "hotel") is None
        done = registry.release(home, "hotel", "v1", now=NOW, who="ann")
        assert deployment.newest(gateway.store) == {"hotel": done.id}
        assert registry.live(gateway, "hotel").version == "v1"
