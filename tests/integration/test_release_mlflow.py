"""A real MLflow server: versions are taken over from it, and it is told what is live, whether it hears or not."""

import json
import urllib.request

import numpy as np
import pytest

import mlflow_server
from registry_home import NOW, a_file, a_home
from watchkeeper.release import mirror, registry
from watchkeeper.release.mlflow_server import MlflowFailed, NotTaken, take
from watchkeeper.runtime import Worker

MOST = 10 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if mlflow_server.program() is None:
        pytest.skip("no mlflow server is installed ($WATCHKEEPER_MLFLOW names its program)")
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server.server(folder) as running:
        mlflow_server.logged(running.uri, a_file(folder))
        yield running


@pytest.fixture
def home(server, tmp_path):
    with a_home(tmp_path / "home", mlflow={"uri": server.uri, "names": {"hotel": "hotel-skops"}}) as made:
        yield made


def register(home, path, **more):
    return registry.register(home, "hotel", path, now=NOW, who="ann", **more)


def release(home, version):
    registry.release(home, "hotel", version, force="test", now=NOW, who="ann")
    return mirror.follow(home, "hotel")


def alias_of(server, name="hotel-skops", alias="live"):
    """What MLflow itself says, asked without its client."""
    url = f"{server.uri}/api/2.0/mlflow/registered-models/alias?name={name}&alias={alias}"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)["model_version"]


def test_a_version_kept_by_skops_is_taken_over_with_what_its_run_kept(home, server, tmp_path):
    taken = take(server.uri, "models:/hotel-skops/1", tmp_path, MOST)
    assert (taken.name, taken.inputs) == ("model.skops", ["nights", "price"])
    assert taken.lineage["commit"] == "c0ffee" * 6 + "c0ff"
    assert taken.lineage["parameters"] == {"C": "0.5", "api_key": "***"}
    assert taken.lineage["metrics"] == {"roc_auc": 0.9}
    assert taken.lineage["environment"]["packages"].items() >= {"scikit-learn": "1.5.0"}.items()
    assert taken.lineage["mlflow"]["tags"] == {"team": "pricing"}
    kept = register(home, taken.path, inputs=taken.inputs, lineage=taken.lineage, called=taken.name)
    assert (kept.format, kept.file) == ("skops", "model.skops")
    given = {"nights": np.array([1.0, 4.0]), "price": np.array([9.0, 1.0])}
    with Worker(registry.servable(home, kept), home.config.serving) as worker:
        assert worker.predict(given).prediction.tolist() == [0, 1]


def test_an_onnx_version_is_taken_over(home, server, tmp_path):
    taken = take(server.uri, "models:/hotel-onnx/1", tmp_path, MOST)
    assert register(home, taken.path, lineage=taken.lineage).format == "onnx"


def test_a_pickled_version_is_refused_with_a_remedy_and_not_downloaded(server, tmp_path):
    with pytest.raises(NotTaken, match=r"(?s)cloudpickle, which runs code.*serialization_format='skops'.*--url"):
        take(server.uri, "models:/hotel-cloudpickle/1", tmp_path, MOST)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["MLmodel"]


@pytest.mark.parametrize("named", ["models:/hotel-skops", "runs:/abc/model", "file:///etc/passwd", "models:/a/b/3"])
def test_only_a_registered_version_can_be_named(server, tmp_path, named):
    with pytest.raises(NotTaken, match="Write models:/NAME/3"):
        take(server.uri, named, tmp_path, MOST)


def test_a_large_file_is_refused_before_it_is_downloaded(server, tmp_path):
    with pytest.raises(NotTaken, match="bytes, and 10 are allowed"):
        take(server.uri, "models:/hotel-skops/1", tmp_path, 10)
    assert not list(tmp_path.glob("*.skops"))


def test_what_the_server_does_not_have_is_told_in_its_words(server, tmp_path):
    with pytest.raises(MlflowFailed, match="RESOURCE_DOES_NOT_EXIST"):
        take(server.uri, "models:/absent/1", tmp_path, MOST)


@pytest.mark.parametrize("uri", ["file:///tmp", "sqlite:///x.db", "/tmp/mlruns", "databricks"])
def test_only_a_server_is_asked(tmp_path, uri):
    with pytest.raises(NotTaken, match="no address of an MLflow server"):
        take(uri, "models:/hotel/1", tmp_path, MOST)


def test_the_alias_follows_releases_and_rollbacks(home, server, tmp_path):
    taken = take(server.uri, "models:/hotel-skops/1", tmp_path, MOST)
    register(home, taken.path, lineage=taken.lineage)
    register(home, a_file(tmp_path))
    assert release(home, "v1").heard
    assert alias_of(server)["version"] == "1", "the version that came from there is that version"
    assert release(home, "v2").heard
    known = alias_of(server)
    tags = {tag["key"]: tag["value"] for tag in known["tags"]}
    assert tags["watchkeeper.version"] == "v2"
    assert tags["watchkeeper.sha256"] == registry.one(home, "hotel", "v2").artifact
    registry.rollback(home, "hotel", why="bad", now=NOW, who="ann")
    assert mirror.follow(home, "hotel").heard
    assert alias_of(server)["version"] == "1"
    assert mirror.follow(home, "hotel") is None, "told once"
    release(home, "v2")
    assert alias_of(server)["version"] == known["version"], "a version is made known once"


def test_a_server_that_is_away_never_stops_a_release_and_hears_of_it_later(home, server, tmp_path):
    register(home, a_file(tmp_path, 5.0), version="away")
    server.stop()
    try:
        told = release(home, "away")
        assert registry.live(home, "hotel").version == "away"
        assert not told.heard
        assert "MLflow was not told that away of hotel is live" in told.sentence
    finally:
        server.start()
    assert mirror.follow(home, "hotel").heard
    assert {"key": "watchkeeper.version", "value": "away"} in alias_of(server)["tags"]


def test_a_model_that_mlflow_never_heard_of_is_made_known(server, tmp_path):
    with a_home(tmp_path / "home", mlflow={"uri": server.uri, "alias": "champion"}) as home:
        register(home, a_file(tmp_path))
        assert release(home, "v1").heard
    assert alias_of(server, "hotel", "champion")["source"] == "watchkeeper:/hotel/v1"
