"""A real Prometheus scrapes a real server, with the configuration and the rules that the guide gives."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving import make_token, serving
from watched_home import NAME, a_home, catch_up, log_hours, micro
from watchkeeper.state import Role

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "server.md"
NEWEST = micro(10) / 1e6 - 90


@pytest.fixture(scope="module", autouse=True)
def programs():
    for name in ("prometheus", "promtool"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Ten hours, of which the last has lost a column, so that alarms fire."""
    with a_home(tmp_path_factory.mktemp("watched")) as home:
        log_hours(home, 0, 9)
        log_hours(home, 9, 10, features={"age": 41, "income": 50.0, "plan": None})
        catch_up(home, 10)
        yield home.folder


@pytest.fixture(scope="module")
def secret(home):
    return make_token(home, Role.VIEWER)


@pytest.fixture(scope="module")
def server(home, secret):
    with serving(home, secret, "--every", "never") as server:
        yield server


def block(begin):
    """The YAML of the guide that begins with these words."""
    return re.search(rf"```yaml\n({re.escape(begin)}.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[1]


def promtool(*words, given=None):
    return subprocess.run(["promtool", *words], input=given, capture_output=True, text=True)


def test_promtool_has_nothing_to_say_of_the_figures(server):
    text = b""
    while b"watchkeeper_status_readable{" not in text:  # the first look may take longer than a scrape waits
        status, text = server.ask("GET", "/metrics")
        assert status == 200
    assert f'watchkeeper_lake_events{{model="{NAME}"}} 400.0'.encode() in text
    said = promtool("check", "metrics", given=text.decode())
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_the_guide_s_rules_are_right_by_promtool(tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text(block("groups:"))
    said = promtool("check", "rules", str(rules))
    assert said.returncode == 0, said.stderr
    assert "3 rules found" in said.stdout


def test_prometheus_sees_the_models_and_the_guide_s_alerts_fire(server, secret, tmp_path):
    (tmp_path / "token").write_text(secret)
    (tmp_path / "rules.yml").write_text(block("groups:"))
    config = block("scrape_configs:").replace("127.0.0.1:8700", f"127.0.0.1:{server.port}")
    config = config.replace("/etc/prometheus/watchkeeper.token", str(tmp_path / "token"))
    config = config.replace("/etc/prometheus/watchkeeper-rules.yml", str(tmp_path / "rules.yml"))
    config = re.sub(r"scrape_interval: \w+", "scrape_interval: 1s", config)
    (tmp_path / "prometheus.yml").write_text(f"global: {{evaluation_interval: 1s}}\n{config}")
    said = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert said.returncode == 0, said.stderr
    with prometheus(tmp_path) as ask:
        assert ask('up{job="watchkeeper"}') == [1.0]
        assert ask("watchkeeper_last_event_timestamp_seconds") == [pytest.approx(NEWEST)]
        assert ask('watchkeeper_finding_value{columns="plan", metric="null_share", severity="alarm"}') == [1.0]
        assert ask("watchkeeper_windows_due") == [0.0]
        assert ask('ALERTS{alertname="ModelAlarm", model="churn", alertstate="firing"}') == [1.0]
        assert ask('ALERTS{alertname="NoEvents", model="churn"}') == [1.0]


@contextmanager
def prometheus(folder):
    """A Prometheus of its own, as a function that asks it until there is an answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with (folder / "prometheus.log").open("wb") as out:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=out, stderr=out)
    try:
        yield lambda query: answer(port, query, folder / "prometheus.log")
    finally:
        process.terminate()
        process.wait()


def answer(port, query, log):
    address = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=10) as told:
                found = json.load(told)["data"]["result"]
        except OSError:  # it has just been started
            found = []
        if found:
            return [float(one["value"][1]) for one in found]
        time.sleep(0.2)
    raise AssertionError(f"no answer to {query}: {log.read_text()}")
