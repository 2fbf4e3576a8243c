"""The logger in real processes: killed, forked, ended without a word, several at once."""

from __future__ import annotations

import http.client
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest

from ingest_server import Server
from watchkeeper.sdk import Kind, claimed, frames, read, segments


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


START = """
import os, sys, time
from watchkeeper.sdk import Logger
log = Logger("hotel", home=sys.argv[1], period=None)
def predict(name):
    with log.predict({"x": 1}, id=name):
        pass
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "inbox" / "hotel").mkdir(parents=True)
    return tmp_path


def start(home, program, **options):
    """A process of its own that runs a program after the logger was made."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", START + program, str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(home, program):
    process = start(home, program)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out


def logged(home, kind):
    """All records of one kind in the inbox."""
    found = (frame for path in segments(home / "inbox" / "hotel") for frame in frames(path.read_bytes()))
    return [record for frame in found if frame.kind == kind for record in read(kind, frame.payload)]


def kept(home):
    """How often each id stands in the inbox."""
    return Counter(event.id for event in logged(home, Kind.EVENT))


def test_an_exit_without_flush_loses_nothing(home):
    run(home, "for n in range(5000): predict(str(n))")
    assert kept(home) == Counter(map(str, range(5000)))


@pytest.mark.parametrize(
    "end", ["raise SystemExit(0)", "import threading; threading.Thread(target=predict, args=('last',)).start()"]
)
def test_other_ways_to_end_lose_nothing_either(home, end):
    run(home, f"predict('first')\n{end}")
    assert "first" in kept(home)
    assert len(kept(home)) == 1 + ("last" in end)


def test_an_uncaught_exception_loses_nothing(home):
    process = start(home, "predict('first')\nwith log.predict({}, id='second'): 1 / 0")
    assert "ZeroDivisionError" in process.communicate(timeout=60)[1]
    assert kept(home) == Counter(["first", "second"])


def test_a_record_logged_while_the_interpreter_ends_is_dropped_without_an_error(home):
    run(home, "import atexit; atexit._clear() ; atexit.register(predict, 'late'); atexit.register(log.close)")


def test_whatever_was_flushed_before_a_kill_is_kept_once(home):
    program = """
n = 0
while True:
    for _ in range(20):
        predict(f"{os.getpid()}-{n}"); n += 1
    assert log.flush(30)
    print(n, flush=True)
"""
    flushed = {}
    for _ in range(8):
        process = start(home, program)
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        lines = process.communicate(timeout=60)[0].split()
        flushed[process.pid] = int(lines[-1]) if lines else 20
    found = kept(home)
    assert max(found.values()) == 1
    for process, number in flushed.items():
        missing = [n for n in range(number) if f"{process}-{n}" not in found]
        assert missing == []
    for path in segments(home / "inbox" / "hotel"):
        with claimed(path) as free:
            assert free


FORK = """
predict("before")
{flush}
children = []
for child in range(3):
    process = os.fork()
    if process == 0:
        for n in range(200):
            predict(f"child {{child}}-{{n}}")
        sys.exit(0)
    children.append(process)
for n in range(200):
    predict(f"parent-{{n}}")
assert [os.waitpid(process, 0)[1] for process in children] == [0, 0, 0]
"""


@pytest.mark.parametrize("flush", ["", "log.flush()", "time.sleep(0.02)"])
def test_forked_workers_write_segments_of_their_own_and_nothing_is_lost_or_doubled(home, flush):
    run(home, "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n" + FORK.format(flush=flush))
    names = ["before", *(f"parent-{n}" for n in range(200)), *(f"child {c}-{n}" for c in range(3) for n in range(200))]
    assert kept(home) == Counter(names)
    assert len(segments(home / "inbox" / "hotel")) == 4


def test_ids_that_were_not_given_differ_between_forked_workers(home):
    out = run(
        home,
        """
import warnings; warnings.simplefilter('ignore', DeprecationWarning)
with log.predict({}) as p: pass
for _ in range(3):
    if os.fork() == 0:
        with log.predict({}) as p: pass
        break
else:
    for _ in range(3): os.wait()
log.flush()
""",
    )
    assert out == ""
    assert len(kept(home)) == 4
    assert max(kept(home).values()) == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_lose_nothing(home, tmp_path, method):
    """Such workers leave out `atexit`, and spawned ones make a logger of their own."""
    script = tmp_path / "workers.py"
    script.write_text(
        f"""
import multiprocessing, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from watchkeeper.sdk import Logger
log = Logger("hotel", home={str(home)!r}, period=None)
def work(name):
    with log.predict({{}}, id=name):
        pass
if __name__ == "__main__":
    work("parent")
    context = multiprocessing.get_context({method!r})
    workers = [context.Process(target=work, args=(f"child {{n}}",)) for n in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
"""
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert kept(home) == Counter(["parent", "child 0", "child 1", "child 2"])


def test_a_spool_is_kept_when_its_process_is_killed_and_can_be_claimed(tmp_path):
    program = f"""
log = Logger("hotel", url="http://127.0.0.1:9", home={str(tmp_path)!r}, period=None)
for n in range(100): predict(str(n))
assert log.flush(30)
print("flushed", flush=True)
time.sleep(60)
"""
    (tmp_path / "inbox" / "hotel").mkdir(parents=True)
    process = start(tmp_path, program)
    assert process.stdout.readline() == "flushed\n"
    process.kill()
    process.communicate()
    (folder,) = (tmp_path / "spool").iterdir()
    (path,) = segments(folder)
    with claimed(path) as free:
        assert free
    assert sum(len(read(frame.kind, frame.payload)) for frame in frames(path.read_bytes())) == 100


FULL = """
import logging; logging.disable()
predict("first")
assert log.flush()
n = 0
while True:
    for _ in range(50): predict(str(n)); n += 1
    if not log.flush(0.3): break
assert log.counts.durable < n
predict("waits")
os.remove(sys.argv[1] + "/ballast")
assert log.flush(30)
assert log.counts.dropped == 0
print(n)
"""


def test_a_disk_that_is_really_full_loses_nothing_and_writing_goes_on_when_there_is_room(tmp_path):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mount needs root")
    try:
        (tmp_path / "inbox" / "hotel").mkdir(parents=True)
        (tmp_path / "ballast").write_bytes(bytes(150_000))
        number = int(run(tmp_path, FULL))
        assert kept(tmp_path) == Counter(["first", "waits", *map(str, range(number))])
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_process_that_never_logs_runs_no_thread(home):
    """So that a server's master may make the logger and fork its workers."""
    assert run(home, "print(len(os.listdir('/proc/self/task')))") == "1\n"


SEND = """
log.close()
log = Logger("hotel", url={url!r}, home={home!r}, period=None, interval=0.005)
"""


def test_workers_that_are_forked_while_their_parent_sends_open_connections_of_their_own(home, server):
    program = """
import warnings; warnings.simplefilter("ignore", DeprecationWarning)
children = []
for child in range(5):
    for n in range(100):
        predict(f"parent {child}-{n}"); time.sleep(0.0002)
    process = os.fork()
    if process == 0:
        for n in range(100):
            predict(f"child {child}-{n}")
        sys.exit(0)
    children.append(process)
assert [os.waitpid(process, 0)[1] for process in children] == [0] * 5
"""
    run(home, SEND.format(url=server.url, home=str(home)) + program)
    names = [f"{who} {child}-{n}" for who in ("parent", "child") for child in range(5) for n in range(100)]
    assert Counter(event.id for event in server.accepted) == Counter(names)
    assert not (home / "spool").exists()


def test_what_was_flushed_to_the_spool_before_kills_is_sent_by_later_processes(home, server):
    """The server is away at first and now and then; what reaches it twice are resends with equal ids."""
    program = """
n = 0
while True:
    for _ in range(20):
        predict(f"{os.getpid()}-{n}"); n += 1
    assert log.flush(30)
    print(n, flush=True)
"""
    server.answers = [503] * 10 + [200, 200, 503, 200] * 50
    setup = SEND.format(url=server.url, home=str(home)) + "import watchkeeper.sdk.sender as s; s.LONGEST_PAUSE = 0.05\n"
    flushed = {}
    for _ in range(6):
        process = start(home, setup + program)
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        lines = process.communicate(timeout=60)[0].split()
        flushed[process.pid] = int(lines[-1]) if lines else 20
    server.answers = []
    run(home, setup + "predict('last'); log.flush()")
    arrived = {event.id for event in server.accepted}
    for process, number in flushed.items():
        assert [n for n in range(number) if f"{process}-{n}" not in arrived] == []
    (spool,) = (home / "spool").iterdir()
    assert segments(spool) == []


def wait_for(port):
    """Wait until something listens."""
    for _ in range(1000):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise AssertionError(f"nothing listens on port {port}")


SERVICE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from watchkeeper.sdk import Logger, ServiceMiddleware

log = Logger("hotel", home={home!r})

async def predict(request):
    with log.predict({{"x": 1}}, id=request.path_params["id"]) as prediction:
        prediction.prediction = 5
    return PlainTextResponse("5")

app = ServiceMiddleware(Starlette(routes=[Route("/{{id}}", predict)]), log)
"""


def test_workers_of_uvicorn_lose_nothing_when_they_are_stopped(home, tmp_path):
    (tmp_path / "service.py").write_text(SERVICE.format(home=str(home)))
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "service:app",
        "--port",
        str(port),
        "--workers",
        "2",
        "--app-dir",
        str(tmp_path),
    ]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        ready = 0
        while ready < 2:
            line = service.stdout.readline()
            assert line, "uvicorn ended"
            ready += "startup complete" in line
        wait_for(port)
        for number in range(300):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", f"/{number}")
            assert connection.getresponse().read() == b"5"
            connection.close()
    finally:
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=60)
    assert kept(home) == Counter(map(str, range(300)))
    assert sum(point.value for point in logged(home, Kind.SERVICE) if point.name == "service_requests") == 300
