"""A version as a folder for `docker build`: what is in it, what is not, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import sqlite3
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

import gateways
from dockerfile import instructions
from watchkeeper.cli.app import app
from watchkeeper.release import registry
from watchkeeper.release.outcome import Outcome
from watchkeeper.release.package import pin as package_pin
from watchkeeper.release.package.folder import CannotPackage, NotEmpty, package
from watchkeeper.release.package.pin import EVERY, RUNS, CannotPin, normal, pins
from watchkeeper.release.package.text import dockerfile
from watchkeeper.release.package.wheel import wheel
from watchkeeper.release.registry import NoSuchVersion, NotPassed
from watchkeeper.runtime import CannotLoad, Refused, Worker
from watchkeeper.state import Role, audit, deployment, gate, open_store, token
from watchkeeper.state import version as versions
from watchkeeper.state.version import Version
from watchkeeper.watch.home import opened

SECRETS = (
    "serving:\n  hosts: [10.0.0.7]\nnotify:\n  secret: very-secret\nstorage:\n  AWS_SECRET_ACCESS_KEY: very-secret\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A home with two versions and a token."""
    at = gateways.make_home(tmp_path_factory.mktemp("package") / "home", config=SECRETS)
    with opened(at) as home:
        token.create(home.store, Role.PREDICT, "shop", None, gateways.now(), model=gateways.NAME)
    return at


@pytest.fixture
def home(folder):
    with opened(folder) as opened_home:
        yield opened_home


@pytest.fixture(scope="module")
def image(folder):
    """One of its versions as a folder."""
    with opened(folder) as home:
        to = folder.parent / "image"
        package(home, gateways.NAME, "v2", to, ungated='because "$(rm -rf /)"\nRUN evil', now=gateways.now(), who="me")
        return to


def contents(at: Path):
    return {path.relative_to(at).as_posix(): path.read_bytes() for path in at.rglob("*") if path.is_file()}


def packaged(home, to, **more):
    return package(home, gateways.NAME, "v2", to, **{"ungated": "a test", "now": gateways.now(), "who": "me", **more})


def steps(image):
    return instructions((image / "Dockerfile").read_text())


def test_the_same_version_gives_the_same_folder_byte_for_byte(home, tmp_path):
    packaged(home, tmp_path / "a")
    packaged(home, tmp_path / "b", now=gateways.now() + 5_000_000, who="somebody else")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_artefact_is_there_by_its_sha256_and_every_file_is_summed(image, home):
    sha256 = registry.one(home, gateways.NAME, "v2").artifact
    kept = image / "home" / "artifacts" / sha256[:2] / sha256
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == sha256
    sums = dict(reversed(line.split("  ")) for line in (image / "SHA256SUMS").read_text().splitlines())
    files = contents(image)
    assert sums == {name: hashlib.sha256(held).hexdigest() for name, held in files.items() if name != "SHA256SUMS"}


def test_the_home_in_it_has_one_model_one_version_live_and_the_doors_of_the_other(image):
    with opened(image / "home") as home:
        assert [one.version for one in registry.versions(home, gateways.NAME)] == ["v2"]
        (row,) = deployment.log(home.store, gateways.NAME)
        assert (row.version, row.action.value) == ("v2", "force")
        assert [(one.role, one.used) for one in token.listing(home.store)] == [(Role.PREDICT, None)]
        assert home.config.serving.hosts == []


def test_no_secret_is_in_it(image):
    assert not [name for name, held in contents(image).items() if b"very-secret" in held]


def test_the_base_is_pinned_the_user_has_no_rights_and_programs_start_without_a_shell(image):
    said = steps(image)
    names = [name for name, _ in said]
    first = dict(reversed(said))
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim", first["FROM"])
    assert names.count("FROM") == 1
    assert "ADD" not in names
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", first["USER"])
    assert names.index("USER") > names.index("RUN")
    assert json.loads(first["ENTRYPOINT"]) == ["watchkeeper", "gateway"]
    assert json.loads(first["CMD"])
    health = json.loads(first["HEALTHCHECK"].split(" CMD ", 1)[1])
    assert health[0] == "python"
    assert "--no-cache-dir" in first["RUN"]
    assert "--no-deps" in first["RUN"]
    assert "curl" not in (image / "Dockerfile").read_text()


def test_labels_say_what_is_in_it_and_no_text_of_a_user_becomes_an_instruction(image, home):
    (labels,) = [
        dict(part.split("=", 1) for part in shlex.split(rest)) for name, rest in steps(image) if name == "LABEL"
    ]
    assert labels["org.opencontainers.image.version"] == "v2"
    assert labels["watchkeeper.artifact.sha256"] == registry.one(home, gateways.NAME, "v2").artifact
    assert labels["watchkeeper.gate"] == "never gated"
    assert labels["watchkeeper.ungated"] == "because ??(rm -rf /)??RUN evil"
    assert not [rest for name, rest in steps(image) if name == "RUN" and "evil" in rest]


def test_a_hostile_label_stays_one_label():
    hostile = 'a" \\\nRUN x\n$HOME ${PATH} `id` \x00\u202e'
    text = dockerfile("python:3.13.5-slim", {"watchkeeper.ungated": hostile}, "m", "w.whl", offline=False)
    (label,) = [rest for name, rest in instructions(text) if name == "LABEL"]
    assert len(shlex.split(label)) == 1
    assert not set(label) & set("$`\\\x00\u202e")


def test_requirements_are_exact_complete_and_without_what_the_format_does_not_need(image):
    lines = (image / "requirements.txt").read_text().splitlines()
    names = [line.split("==")[0] for line in lines]
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+", line) for line in lines)
    assert {"onnxruntime", "numpy", "deltalake", "starlette", "typing-extensions"} <= set(names)
    assert not {"scikit-learn", "skops", "pytest", "pandas"} & set(names)


def test_what_every_gateway_needs_is_what_the_project_declares():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["server"], *extras["gateway"]]
    stated = {normal(Requirement(line).name): Requirement(line).extras for line in declared}
    stated.pop("watchkeeper", None)
    known = {normal(Requirement(line).name): Requirement(line).extras for line in EVERY}
    formats = {normal(name) for names in RUNS.values() for name in names}
    assert {name: extras for name, extras in stated.items() if name not in formats} == known
    assert {name for name in stated if name not in known} == formats - {"scikit-learn"}  # which skops brings


def a_version(**environment):
    detail = {"inputs": [], "lineage": {"environment": environment}}
    return Version(1, "hotel", "v1", "onnx", "0" * 64, "m.onnx", 1, detail, 1, "me")


def test_the_model_s_own_versions_are_taken_unless_something_that_serves_it_can_not_do_with_them():
    installed = pins(a_version())
    assert installed.python == re.sub("[^0-9.].*", "", platform.python_version())
    packages = {"onnxruntime": "99.0", "numpy": "1.19.5", "unheard-of": "1.0", "h11": "1.0; evil"}
    found = pins(a_version(python="3.12.3", packages=packages))
    assert found.python == "3.12.3"
    assert found.packages["onnxruntime"] == "99.0"
    assert found.packages["numpy"] == installed.packages["numpy"]
    assert found.packages["h11"] == installed.packages["h11"]
    assert "unheard-of" not in found.packages
    assert [remark.split()[0] for remark in found.remarks] == ["numpy"]
    assert pins(a_version(python="3.9.1")).python == installed.python


def test_wheels_that_are_given_are_taken_along_with_their_hashes_and_none_may_lack(home, tmp_path, monkeypatch):
    monkeypatch.setattr(package_pin, "EVERY", ("h11",))
    monkeypatch.setattr(package_pin, "RUNS", {**RUNS, "onnx": ("idna",)})
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with pytest.raises(CannotPin, match=r"no wheel of h11 .*pip download"):
        packaged(home, tmp_path / "image", wheels=wheels)
    for name, version in pins(a_version()).packages.items():
        (wheels / f"{name}-{version}-py3-none-any.whl").write_bytes(name.encode())
    packaged(home, tmp_path / "image", wheels=wheels)
    text = (tmp_path / "image" / "requirements.txt").read_text()
    for path in (tmp_path / "image" / "wheels").iterdir():
        assert f"--hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" in text
    assert "watchkeeper==" in text
    (run,) = [rest for name, rest in steps(tmp_path / "image") if name == "RUN"]
    assert "--no-index" in run
    assert "--require-hashes" in run


def test_the_wheel_of_watchkeeper_holds_the_code_that_runs_here():
    name, content = wheel()
    path = Path(__file__).parents[3] / "src"
    import io

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.read("watchkeeper/cli/package.py") == (path / "watchkeeper/cli/package.py").read_bytes()
        record = archive.read(f"{'-'.join(name.split('-')[:2])}.dist-info/RECORD").decode().splitlines()
        assert {line.rsplit(",", 2)[0] for line in record} == set(archive.namelist())
    assert wheel() == (name, content)


def test_a_version_that_the_gate_did_not_let_through_is_refused_unless_somebody_says_why(home, tmp_path):
    with pytest.raises(NotPassed, match="never gated"):
        packaged(home, tmp_path / "image", ungated=None)
    with pytest.raises(NotPassed, match="never gated"):
        packaged(home, tmp_path / "image", ungated="  ")
    assert not list(tmp_path.iterdir())
    gate.add(home.store, gateways.NAME, "v1", Outcome.PASS, {"outcome": "PASS"}, gateways.now(), "me")
    package(home, gateways.NAME, "v1", tmp_path / "image", now=gateways.now(), who="me")
    with opened(tmp_path / "image" / "home") as inside:
        (row,) = deployment.log(inside.store, gateways.NAME)
        assert row.action.value == "release"
        assert gate.latest(inside.store, gateways.NAME, "v1").outcome == Outcome.PASS
    assert audit.entries(home.store, gateways.NAME, most=1)[0].what == "version packaged"


def test_without_a_token_nothing_is_made_as_anybody_could_ask_it(tmp_path):
    with opened(gateways.make_home(tmp_path / "home", versions=1)) as home:
        token.create(home.store, Role.PREDICT, "old", gateways.now() - 1, gateways.now() - 2, model=gateways.NAME)
        token.create(home.store, Role.PREDICT, "other", None, gateways.now(), model="another")
        token.create(home.store, Role.INGEST, "sender", None, gateways.now())
        with pytest.raises(CannotPackage, match="token create --role predict --model hotel"):
            package(home, gateways.NAME, "v1", tmp_path / "image", ungated="x", now=gateways.now(), who="me")


def test_who_may_read_the_metrics_goes_along_but_is_no_door_of_its_own(tmp_path):
    with opened(gateways.make_home(tmp_path / "home", versions=1)) as home:
        told = {"ungated": "x", "now": gateways.now(), "who": "me"}
        token.create(home.store, Role.VIEWER, "prometheus", None, gateways.now())
        with pytest.raises(CannotPackage, match="token create --role predict"):
            package(home, gateways.NAME, "v1", tmp_path / "image", **told)
        token.create(home.store, Role.PREDICT, "shop", None, gateways.now())
        token.create(home.store, Role.INGEST, "sender", None, gateways.now())
        package(home, gateways.NAME, "v1", tmp_path / "image", **told)
    with opened(tmp_path / "image" / "home") as inside:
        assert {one.role for one in token.listing(inside.store)} == {Role.PREDICT, Role.VIEWER}


def test_a_folder_that_is_not_empty_is_replaced_only_where_it_was_made_by_this_command(home, tmp_path):
    packaged(home, tmp_path / "image")
    (tmp_path / "image" / "more.txt").write_text("x")
    with pytest.raises(NotEmpty, match="--force"):
        packaged(home, tmp_path / "image")
    packaged(home, tmp_path / "image", force=True)
    assert not (tmp_path / "image" / "more.txt").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(NotEmpty, match="not made by"):
        packaged(home, tmp_path / "mine", force=True)
    (tmp_path / "link").symlink_to(tmp_path / "image")
    with pytest.raises(NotEmpty, match="a link"):
        packaged(home, tmp_path / "link", force=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image", "link", "mine"]


@pytest.mark.parametrize("base", ["python", "python:latest", "python:3.13\nRUN x", "PYTHON:3", "python:$X", "a b:1"])
def test_a_base_image_without_a_version_is_refused(home, tmp_path, base):
    with pytest.raises(CannotPackage, match="name it with its version"):
        packaged(home, tmp_path / "image", base=base)


OWN = """\
from sklearn.base import BaseEstimator, TransformerMixin


class Clip(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.feature_names_in_ = X.columns.to_numpy()
        return self

    def transform(self, X):
        return X.clip(-3, 3)
"""


def test_types_that_a_home_allows_go_along_and_code_that_can_not_is_asked_for(home, tmp_path, monkeypatch):
    import pandas as pd
    import skops.io
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "clipping.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path / "code")
    import clipping

    rows = pd.DataFrame({name: [0.0, 1.0, 2.0, 3.0] for name in gateways.COLUMNS})
    fitted = make_pipeline(clipping.Clip(), RandomForestClassifier(2)).fit(rows, [0, 0, 1, 1])
    skops.io.dump(fitted, tmp_path / "m.skops")
    types = ["clipping.Clip", "sklearn.tree._tree.Tree"]
    serving = home.config.serving.model_copy(update={"skops_types": types})
    allowing = replace(home, config=home.config.model_copy(update={"serving": serving}))
    name = registry.register(allowing, gateways.NAME, tmp_path / "m.skops", now=1, who="me").version
    more = {"ungated": "a test", "now": gateways.now(), "who": "me"}
    with pytest.raises(Refused, match=r"can't be packaged.*clipping\.Clip.*skops_types"):
        package(home, gateways.NAME, name, tmp_path / "image", **more)
    done = package(allowing, gateways.NAME, name, tmp_path / "image", **more)
    assert any("clipping is code of yours" in remark for remark in done.remarks)
    readme = (tmp_path / "image" / "README.md").read_text()
    assert "COPY clipping.py /srv/own/" in readme
    assert "`clipping.Clip`, `sklearn.tree._tree.Tree`" in readme
    pinned = [line.split("==")[0] for line in (tmp_path / "image" / "requirements.txt").read_text().splitlines()]
    assert {"pandas", "skops", "scikit-learn"} <= set(pinned)  # columns with names come as a table of pandas
    with opened(tmp_path / "image" / "home") as packed:
        servable = registry.servable(packed, registry.one(packed, gateways.NAME, name))
        with pytest.raises(CannotLoad, match=r"No module named 'clipping'.*PYTHONPATH"):
            Worker(servable, packed.config.serving, load_seconds=120)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "code"), os.environ.get("PYTHONPATH", "")]))
        with Worker(servable, packed.config.serving, load_seconds=120) as worker:
            given = worker.predict({name: rows[name].to_numpy() for name in rows}, 20)
        assert (given.prediction == fitted.predict(rows)).all()


def test_a_base_image_may_be_named_with_its_digest(home, tmp_path):
    base = "registry.example.com:5000/python:3.13.5-slim@sha256:" + "a" * 64
    packaged(home, tmp_path / "image", base=base)
    assert dict(reversed(steps(tmp_path / "image")))["FROM"] == base


def test_what_has_no_file_and_what_is_not_there_is_refused(home, tmp_path):
    detail = {"inputs": [], "function": "pipeline.py:predict", "url": None, "lineage": {}}
    versions.add(home.store, gateways.NAME, "own", "function", None, None, None, detail, 1, "me")
    with pytest.raises(CannotPackage, match="its code is yours"):
        package(home, gateways.NAME, "own", tmp_path / "image", ungated="x", now=1, who="me")
    with pytest.raises(NoSuchVersion, match="Known are"):
        package(home, gateways.NAME, "v99", tmp_path / "image", ungated="x", now=1, who="me")
    assert not list(tmp_path.iterdir())


def test_the_state_in_it_is_one_whole_database(image):
    connection = sqlite3.connect(f"file:{image / 'home' / 'state.db'}?mode=ro&immutable=1", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_the_command_says_what_to_do_next(folder, tmp_path):
    arguments = ["package", gateways.NAME, "v2", "-o", str(tmp_path / "image"), "--home", str(folder)]
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, NotPassed)
    done = CliRunner().invoke(app, [*arguments, "--ungated", "a test"], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"docker build --tag hotel:v2 {tmp_path / 'image'}" in done.output.replace("\n", " ")
    store = open_store(tmp_path / "image" / "home")
    store.close()
