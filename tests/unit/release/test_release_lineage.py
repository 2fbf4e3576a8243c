"""What is known of where a version came from: taken by itself, without secrets, and never in the way."""

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from registry_home import MODEL
from watchkeeper.model.yaml_file import parse
from watchkeeper.release.commit import commit_of
from watchkeeper.release.lineage import BadLineage, environment, lineage, recorded

HOTEL = parse(MODEL)
GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder, *arguments):
    environ = {**os.environ, **GIT, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "train.py").write_text("1")
    git(folder, "add", "train.py")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_the_commit_is_taken_and_whether_files_differ_from_it(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert (commit_of(repository).hash, commit_of(repository).dirty) == (head, False)
    (repository / "model.onnx").write_text("what the training wrote is no change of the code")
    assert commit_of(repository).dirty is False
    (repository / "train.py").write_text("2")
    assert commit_of(repository).dirty is True


def test_without_a_repository_or_a_commit_or_git_there_is_just_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert commit_of(tmp_path) is None
    assert commit_of(tmp_path / "absent") is None
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(tmp_path) is None


def test_no_hook_or_monitor_of_the_repository_is_run(repository):
    ran = repository.parent / "ran"
    program = repository.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(program))
    git(repository, "status")
    assert ran.exists(), "git itself runs it, so the test means something"
    ran.unlink()
    (repository / "train.py").write_text("2")
    assert commit_of(repository).dirty is True
    assert not ran.exists()


def test_python_and_packages_are_those_that_are_installed(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "hunter2")
    found = environment()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["packages"]["numpy"] == version("numpy")
    assert found["packages"]["scikit-learn"] == version("scikit-learn")
    assert "hunter2" not in json.dumps(lineage(HOTEL))


def test_parameters_of_a_pipeline_are_kept_as_json_holds_them():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=np.float64(0.5), max_iter=np.int64(7)))
    kept = recorded(pipeline.get_params())
    assert kept["logisticregression__C"] == 0.5
    assert kept["logisticregression__max_iter"] == 7
    assert kept["standardscaler"] == "StandardScaler"
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept


def test_numbers_that_are_none_and_functions_are_written_as_text():
    assert recorded({"missing": float("nan"), "limit": float("inf"), "loss": np.mean, "path": Path("a/b")}) == {
        "missing": "nan",
        "limit": "inf",
        "loss": "mean",
        "path": "a/b",
    }


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "API_KEY", "apiKey", "aws_secret_access_key", "awsSecretKey", "auth_token", "token"],
)
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(name):
    assert recorded({"a": [{name: "hunter2"}]}) == {"a": [{name: "***"}]}


@pytest.mark.parametrize("name", ["max_tokens", "pad_token", "tokenizer", "secretary_count", "keys", "author"])
def test_settings_that_only_sound_like_secrets_are_kept(name):
    assert recorded({name: "3"}) == {name: "3"}


def test_a_password_in_a_url_is_masked():
    assert recorded("postgresql://ann:hunter2@db/x") == "postgresql://***@db/x"


def a_training_file(folder, name="train.parquet", first=1_700_000_000_000_000, rows=50, **more):
    at = pa.array([first + i * 1_000_000 for i in range(rows)], pa.timestamp("us", "UTC"))
    path = folder / name
    pq.write_table(pa.table({"at": at, "nights": list(range(rows)), **more}), path)
    return path


def test_training_files_tell_their_rows_their_period_and_their_digest(tmp_path):
    path = a_training_file(tmp_path)
    assert lineage(HOTEL, data=[str(path)])["data"] == {
        "from": "2023-11-14T22:13:20Z",
        "to": "2023-11-14T22:14:09Z",
        "files": ["train.parquet"],
        "rows": 50,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_several_files_have_the_digest_of_what_sha256sum_prints(tmp_path):
    a_training_file(tmp_path, "a.parquet")
    a_training_file(tmp_path, "b.parquet", first=1_600_000_000_000_000, rows=7)
    kept = lineage(HOTEL, data=[str(tmp_path / "*.parquet")])["data"]
    printed = subprocess.run(
        ["sha256sum", "a.parquet", "b.parquet"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert (kept["rows"], kept["from"]) == (57, "2020-09-13T12:26:40Z")
    assert kept["sha256"] == hashlib.sha256(printed).hexdigest()


def test_a_stated_period_goes_before_that_of_the_files(tmp_path):
    kept = lineage(HOTEL, data=[str(a_training_file(tmp_path))], data_from=0)["data"]
    assert (kept["from"], kept["to"]) == ("1970-01-01T00:00:00Z", "2023-11-14T22:14:09Z")
    with pytest.raises(BadLineage, match=r"ends .* before it starts"):
        lineage(HOTEL, data_from=5, data_to=5)


def test_a_training_file_without_event_times_is_told_with_the_way_out(tmp_path):
    pq.write_table(pa.table({"nights": [1, 2]}), tmp_path / "x.parquet")
    with pytest.raises(BadLineage, match=r"(?s)at.*--data-from and --data-to"):
        lineage(HOTEL, data=[str(tmp_path / "x.parquet")])


def test_settings_and_measurements_come_from_yaml_and_json(tmp_path):
    (tmp_path / "train.yaml").write_text("learning_rate: 0.1\nnested:\n  api_key: hunter2\n  day: 2024-01-01\n")
    (tmp_path / "m.json").write_text('{"roc_auc": 0.8, "test": {"rows": 12}}')
    kept = lineage(HOTEL, config=tmp_path / "train.yaml", metrics=tmp_path / "m.json")
    assert kept["config"] == {"learning_rate": 0.1, "nested": {"api_key": "***", "day": "2024-01-01"}}
    assert kept["metrics"] == {"roc_auc": 0.8, "test.rows": 12}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.8", None, True, [1]])
def test_a_measurement_has_to_be_a_finite_number(value):
    with pytest.raises(BadLineage, match=r"'auc' is .*, which is no finite number"):
        lineage(HOTEL, metrics={"auc": value})


def test_a_list_is_no_settings_and_a_table_is_too_large(tmp_path):
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(BadLineage, match="names with their values"):
        lineage(HOTEL, config=tmp_path / "list.json")
    with pytest.raises(BadLineage, match="Leave tables out"):
        lineage(HOTEL, config={"table": list(range(400_000))})
