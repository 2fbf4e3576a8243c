"""A version that passes everything offline and fails live: the one before answers, and it is rolled back by itself."""

import json
import re
import threading
import time

import pytest

from gateways import NAME, YAML, a_home, make_home, now, release, serving, tensors
from watchkeeper.release import registry
from watchkeeper.state import deployment
from watchkeeper.state import model as models
from watchkeeper.state.deployment import Action

FUNCTION = """\
def predict(rows):
    x0 = rows["x0"]
    if any(value > 5 for value in x0):
        raise ValueError("x0 is beyond what I have ever seen")
    return [int(value > 0) for value in x0]
"""
WATCHED = "rollback: {}\n"


@pytest.fixture
def home(tmp_path):
    """v1 and v2 were live; v3, which is registered, fails where x0 is greater than 5."""
    folder = make_home(tmp_path / "home")
    (tmp_path / "pipeline.py").write_text(FUNCTION)
    columns = "\n".join(f"  x{i}: {{type: number}}" for i in range(6))
    with a_home(folder) as home:
        models.put(home.store, NAME, YAML.format(name=NAME, columns=columns) + WATCHED, now(), "test")
        function = f"{tmp_path / 'pipeline.py'}:predict"
        registry.register(home, NAME, function=function, inputs=["x0"], now=now(), who="test")
    return folder


def row(x0):
    return tensors({**dict.fromkeys((f"x{i}" for i in range(6)), 0.5), "x0": x0})


def newest(folder):
    with a_home(folder) as home:
        return deployment.log(home.store, NAME)[-1]


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_release_that_fails_costs_no_request_and_is_rolled_back_with_its_reason(home):
    with serving(home, "--allow-functions") as gateway:
        for _ in range(300):
            assert gateway.infer(row(0.5))[0] == 200
        release(home, "v3")
        gateway.until("v3")
        answers, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                status, answer = gateway.infer(row(9.5))
                answers.append((status, answer.get("model_version")))

        asking = threading.Thread(target=load)
        asking.start()
        until(lambda: newest(home).action is Action.ROLLBACK)
        gateway.until("v2")
        stop.set()
        asking.join()
        assert set(answers) == {(200, "v2")}
        metrics = gateway.metrics()
        assert 'rollbacks_total{from_version="v3",model="hotel"} 1.0' in metrics
    last = newest(home)
    assert (last.version, last.who) == ("v2", "watchkeeper gateway")
    assert re.fullmatch(r"\d+ of \d+ requests failed \(\d+\.\d+%\), with the version before 0\.00%; .*", last.why)
    assert re.search(
        r'fallbacks_total\{from_version="v3",model="hotel",reason="model",to_version="v2"\} [1-9]', metrics
    )
    assert "rolled back" in gateway.log.read_text()


def test_what_was_counted_before_a_restart_of_the_gateway_still_counts(home):
    with serving(home, "--allow-functions") as gateway:
        for _ in range(300):
            gateway.infer(row(0.5))
        release(home, "v3")
        gateway.until("v3")
        gateway.stop()
    kept = json.loads((home / "cache" / "gateway" / "figures.json").read_text())[NAME]
    assert kept["reference"]["requests"] >= 300
    with serving(home, "--allow-functions") as gateway:
        assert gateway.version() == "v3"
        for _ in range(30):
            gateway.infer(row(9.5))
        until(lambda: newest(home).action is Action.ROLLBACK)
        gateway.until("v2")


def test_a_version_that_was_rolled_back_to_is_not_rolled_back_from(home):
    with serving(home, "--allow-functions") as gateway:
        for _ in range(300):
            gateway.infer(row(0.5))
        release(home, "v3")
        gateway.until("v3")
        with a_home(home) as opened:
            registry.release(opened, NAME, "v1", force="a test", now=now(), who="test")
        gateway.until("v1")
        with a_home(home) as opened:
            registry.rollback(opened, NAME, why="a test", now=now(), who="test")
        gateway.until("v3")
        until(lambda: gateway.infer(row(9.5))[0] == 200)  # v2 is loaded, and answers
        for _ in range(100):
            gateway.infer(row(9.5))
        time.sleep(2.5)
        assert newest(home).version == "v3"


def test_nothing_is_rolled_back_by_itself_where_it_is_not_declared(home):
    with a_home(home) as opened:
        columns = "\n".join(f"  x{i}: {{type: number}}" for i in range(6))
        models.put(opened.store, NAME, YAML.format(name=NAME, columns=columns), now(), "test")
    with serving(home, "--allow-functions") as gateway:
        for _ in range(100):
            gateway.infer(row(0.5))
        release(home, "v3")
        gateway.until("v3")
        for _ in range(100):
            assert gateway.infer(row(9.5))[1]["model_version"] == "v2"
        time.sleep(2.5)
        assert newest(home).version == "v3"


def test_a_rollback_is_not_done_when_another_version_is_live_by_now(home):
    with a_home(home) as opened, pytest.raises(registry.Overtaken, match="so v1 was not rolled back"):
        registry.rollback(opened, NAME, of="v1", why="harm", now=now(), who="test")
    assert newest(home).version == "v2"
