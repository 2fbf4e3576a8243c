"""The steps of a packaged version's Dockerfile, run without Docker: its entry point answers, and nothing is fetched."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gateways
from dockerfile import Image
from watchkeeper.release.package.folder import package
from watchkeeper.state import Role, token
from watchkeeper.watch.home import opened


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A version's folder, and a token that lets somebody in."""
    root = tmp_path_factory.mktemp("package")
    with opened(gateways.make_home(root / "home")) as home:
        secret = token.create(home.store, Role.PREDICT, "shop", None, gateways.now(), model=gateways.NAME)
        package(home, gateways.NAME, "v1", root / "image", ungated="a test", now=gateways.now(), who="test")
    return root / "image", secret


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, path, body=None, secret=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    try:
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_steps_of_the_dockerfile_lead_to_a_gateway_that_answers_with_the_packaged_version(made, tmp_path):
    context, secret = made
    image = Image(context, tmp_path / "root").build()
    assert "Successfully installed watchkeeper" in image.said["RUN"]
    port = free_port()
    command = [str(port) if part == "8080" else part for part in image.command()]
    program = shutil.which(command[0], path=image.variables()["PATH"])
    assert str(tmp_path) in str(program)
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen([program, *command[1:]], cwd=image.here, env=image.variables(), stderr=log, stdout=log)
    try:
        health = json.loads(image.said["HEALTHCHECK"].split(" CMD ", 1)[1])
        health = [part.replace(":8080/", f":{port}/") for part in health]
        until = time.monotonic() + 60
        while subprocess.run(health, env=image.variables(), capture_output=True).returncode:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.2)
        assert ask(port, "/v2/models/hotel/infer", gateways.tensors())[0] == 401
        status, answer = ask(port, "/v2/models/hotel/infer", gateways.tensors(), secret)
        assert status == 200, answer
        assert json.loads(answer)["model_version"] == "v1"
        status, answer = ask(port, "/invocations", {"dataframe_records": [gateways.ROW]}, secret)
        assert status == 200, answer
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        log.close()
    assert any((image.root / "srv/watchkeeper/inbox/hotel").iterdir())


def test_docker_builds_the_image_and_it_answers(made):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        pytest.skip("docker, or its daemon, is not there")
    context, secret = made
    subprocess.run([docker, "build", "--quiet", "--tag", "watchkeeper-test:v1", context], check=True)
    port = free_port()
    run = [docker, "run", "--rm", "--detach", "--publish", f"127.0.0.1:{port}:8080", "watchkeeper-test:v1"]
    container = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
    try:
        until = time.monotonic() + 60
        while True:
            try:
                if ask(port, "/v2/health/ready")[0] == 200:
                    break
            except OSError:
                pass
            assert time.monotonic() < until
            time.sleep(0.5)
        assert ask(port, "/v2/models/hotel/infer", gateways.tensors(), secret)[0] == 200
    finally:
        subprocess.run([docker, "stop", container], capture_output=True)


def test_a_linter_of_dockerfiles_finds_nothing(made):
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not there")
    done = subprocess.run([hadolint, made[0] / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
